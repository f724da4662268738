"""Proposals that were learned: one of them on the slide, and what comes next."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.overlays.class_proposal import LabelChoice
from napari_histossl.panels.class_shown import LabelView
from napari_histossl.panels.learn_report import list_learned
from napari_histossl.widgets import _learn_texts as texts
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import button, combo, note, row
from napari_histossl.widgets._key_table import MAKE_MASK
from napari_histossl.widgets._weak_layer import ClassLayer
from napari_histossl.widgets._weak_mask import MaskMaker, topmost_labels
from napari_histossl.widgets._workbench import Workbench


class LearnedShown(QWidget):
    """Which learned proposal is on the slide.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    chosen : Signal of Path or None
        Another proposal is chosen, or none.
    whole_wanted : Signal of str
        The proposal of this name shall cover the whole slide.
    mask_made : Signal of Path
        A mask was made of one.
    """

    chosen = Signal(object)
    whole_wanted = Signal(str)
    mask_made = Signal(object)

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self.layer, self._maker = ClassLayer(bench), MaskMaker(bench)
        self._build()
        self.list.activated.connect(lambda _index: self._show())
        self.layer.gone.connect(self._on_gone)
        self._maker.said.connect(self._said.setText)
        self._maker.made.connect(self.mask_made.emit)
        bench.run_changed.connect(lambda _running: self._allow())

    def _build(self) -> None:
        self.list = combo()
        self.take_off = button(
            "Take off", self.layer.take_off, "The proposal stays with the slide"
        )
        self.whole_button = button(
            "Propose on the whole slide …",
            self._ask_for_whole,
            "The same head goes on, unless the mask has changed since",
        )
        self.mask_button = button(
            f"Make an editable mask ({MAKE_MASK.name})", self.make_mask
        )
        self._said = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        line = row(self.list, self.take_off)
        line.setStretch(0, 1)
        column.addLayout(line)
        for widget in (self._said, self.whole_button, self.mask_button):
            column.addWidget(widget)

    @property
    def path(self) -> Path | None:
        """The proposal that is chosen."""
        path: Path | None = self.list.currentData()
        return path

    @property
    def is_empty(self) -> bool:
        """Whether nothing has been learned on this slide yet."""
        return self.list.count() <= 1

    def refresh(self) -> None:
        """List the proposals of the slide in view."""
        shown = self._bench.shown
        found = [] if shown is None else list_learned(shown.folder)
        before = self.path
        with QSignalBlocker(self.list):
            self.list.clear()
            self.list.addItem("none shown: choose one", None)
            for path in found:
                self.list.addItem(path.name.removesuffix(".ome.zarr"), path)
            if before in found and self.layer.view is not None:
                self.list.setCurrentIndex(1 + found.index(before))
        self._allow()

    def show_path(self, path: Path) -> None:
        """Show a proposal, which may still grow."""
        self.refresh()
        places = range(self.list.count())  # Qt finds no paths among its data
        self.list.setCurrentIndex(
            next((place for place in places if self.list.itemData(place) == path), 0)
        )
        self._show()

    def forget_slide(self) -> None:
        """Show nothing: another slide is in view."""
        self.layer.take_off()
        self.refresh()

    def make_mask(self) -> None:
        """Make a mask of what is shown, in the worker; it knows where it is from."""
        view = self.layer.view
        labels = topmost_labels(self._bench) if view is None else view.choice
        self._maker.make(labels)

    # ---- Details

    def _show(self) -> None:
        path = self.path
        if path is None:
            self.layer.take_off()
            return
        try:
            view = LabelView(LabelChoice(path))
            if self.layer.view is None:
                self._bench.hide("overlay", "classes", "tissue", "mask")
            self.layer.show(view, path.name.removesuffix(".ome.zarr"))
        except HistoSSLError as error:
            show_error(error, self._bench.hidden_names)
            return
        self._allow()
        self.chosen.emit(path)

    def _on_gone(self) -> None:
        with QSignalBlocker(self.list):
            self.list.setCurrentIndex(0)
        self._allow()
        self.chosen.emit(None)

    def _ask_for_whole(self) -> None:
        if self.path is not None:
            self.whole_wanted.emit(self.path.name.removesuffix(".ome.zarr"))

    def _allow(self) -> None:
        is_shown, is_free = self.path is not None, not self._bench.worker.is_running
        self.take_off.setEnabled(is_shown)
        self.whole_button.setEnabled(is_shown and is_free)
        self.mask_button.setEnabled(is_shown and is_free)
        self._said.setText(texts.SHOWN if is_shown else "")
        self._said.setVisible(is_shown)
