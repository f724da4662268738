"""What weak supervision sees on the slide: classes, maps, a proposal, a mask of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtGui import QShowEvent
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.overlays.class_proposal import LabelChoice
from napari_histossl.panels.class_compare import Comparison
from napari_histossl.panels.class_shown import (
    ClassView,
    LabelView,
    MapView,
    Shown,
    list_shown,
)
from napari_histossl.widgets import _weak_texts as texts
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import button, combo, note, row
from napari_histossl.widgets._key_table import END_POINTING, MAKE_MASK
from napari_histossl.widgets._keys import LayerKeys, bind_on_page
from napari_histossl.widgets._overlays_texts import masked_sentence
from napari_histossl.widgets._weak_compare import CompareSection
from napari_histossl.widgets._weak_follow import FollowCursor
from napari_histossl.widgets._weak_layer import ClassLayer
from napari_histossl.widgets._weak_legend import IOU, ClassLegend
from napari_histossl.widgets._weak_mask import MaskMaker, topmost_labels
from napari_histossl.widgets._weak_runs import ClassRuns
from napari_histossl.widgets._weak_sliders import ClassSliders
from napari_histossl.widgets._workbench import Workbench


class WeakGroup(QWidget):
    """Runs, what is shown, thresholds, the tile under the cursor, a mask to compare.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    mask_made : Signal of Path
        A mask was made of what is shown.
    """

    mask_made = Signal(object)

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.layer = ClassLayer(bench)
        self._build()
        self.follow = FollowCursor(
            bench, self.runs.tile_choice, self.legend, self.sliders, self._say
        )
        self._lay_out()
        self._connect()
        self.refresh()

    # ---- Building

    def _build(self) -> None:
        self.sliders, self._maker = ClassSliders(), MaskMaker(self.bench)
        self.runs = ClassRuns(self.bench, lambda: self.sliders.absent_to, self._told)
        self.shown = combo()
        self.take_off = button(
            "Take off", self._take_off, "What was computed stays with the slide"
        )
        self.legend = ClassLegend()
        self.status, self._about = note(), note()
        self.make_button = button(
            f"Make an editable mask ({MAKE_MASK.name})", self.make_mask
        )
        self.compare = CompareSection(self.bench)

    def _lay_out(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addWidget(self.runs)
        line = row(self.shown, self.take_off)
        line.setStretch(0, 1)
        column.addLayout(line)
        column.addWidget(self.legend)
        column.addWidget(self.sliders)
        for widget in (
            self.follow.button,
            self.status,
            self._about,
            self.make_button,
            self.compare,
        ):
            column.addWidget(widget)

    def _connect(self) -> None:
        bench, tile = self.bench, self.follow.tile
        self.shown.activated.connect(lambda _index: self._show())
        self.legend.chosen.connect(lambda _place: self._on_class())
        self.sliders.rested.connect(self._show)
        self._maker.said.connect(self.status.setText)
        self._maker.made.connect(self._on_mask)
        self.runs.weights_changed.connect(tile.plan_anew)
        self.runs.done.connect(lambda _plan: self._show_newest())
        tile.ended.connect(lambda: self.status.setText(self._rest()))
        self.compare.measured.connect(self._on_measured)
        bench.slide_changed.connect(self._on_slide_changed)
        bench.run_changed.connect(lambda _running: self.refresh())
        self.layer.gone.connect(self._follow_layer)
        bind_on_page(
            self, {END_POINTING.name: tile.end, MAKE_MASK.name: self.make_mask}
        )
        LayerKeys(bench, {MAKE_MASK.name: self.make_mask})

    def showEvent(self, event: QShowEvent) -> None:
        """List what there is now: another program may have made some."""
        super().showEvent(event)
        self.runs.refresh()
        self.compare.refresh()
        self.refresh()

    # ---- What there is

    def _told(self, text: str) -> str:
        return masked_sentence(text, self.bench.hidden_names)

    def _say(self, text: str) -> None:
        self.status.setText(self._told(text))

    @property
    def choice(self) -> Shown | None:
        """What is chosen in the list."""
        chosen: Shown | None = self.shown.currentData()
        return chosen

    @property
    def labels(self) -> LabelChoice | None:
        """The labels that are shown, or that follow from what is."""
        return None if self.layer.view is None else self.layer.view.choice

    def refresh(self) -> None:
        """List what can be shown of the slide in view."""
        shown, before = self.bench.shown, self.choice
        found = [] if shown is None else list_shown(shown.folder)
        with QSignalBlocker(self.shown):
            self.shown.clear()
            self.shown.addItem("none shown: choose one", None)
            for one in found:
                self.shown.addItem(one.title, one)
            if before in found and self.layer.view is not None:
                self.shown.setCurrentIndex(1 + found.index(before))
        for widget in (self.shown, self.take_off, self.legend, self.compare):
            widget.setVisible(bool(found))
        self.follow.button.setEnabled(shown is not None)
        self._follow_layer()
        if not self.follow.tile.is_on:
            self.status.setText(self._rest())

    def _rest(self) -> str:
        if self.bench.shown is None:
            return texts.NO_SLIDE
        return texts.FOLLOW if self.shown.count() > 1 else texts.NOTHING

    def _on_slide_changed(self) -> None:
        self.layer.take_off()
        self.compare.forget_slide()
        self.legend.set_classes(None)
        self.refresh()

    # ---- Showing

    def show_title(self, title: str) -> None:
        """Show one of what is listed."""
        self.shown.setCurrentIndex(self.shown.findText(title))
        self._show()

    def _show_newest(self) -> None:
        """Show what a run has written, where nothing is shown yet."""
        self.refresh()
        if self.layer.view is None and self.shown.count() > 1:
            self.shown.setCurrentIndex(1)
        self._show()

    def _show(self) -> None:
        """Show what is chosen, as the sliders say."""
        chosen = self.choice
        if chosen is None:
            self.layer.take_off()
            return
        try:
            view = self._view(chosen)
            self.legend.set_classes(view.classes)
            if self.layer.view is None:
                self.bench.hide("overlay", "classes", "tissue")
            self.layer.show(view, chosen.title)
        except HistoSSLError as error:
            show_error(error)
            return
        self._follow_layer()
        self.follow.show()

    def _view(self, chosen: Shown) -> ClassView:
        epsilon = None if chosen.is_final else self.sliders.absent_to
        labels = LabelChoice(chosen.path, epsilon, self.sliders.least)
        if chosen.as_labels:
            return LabelView(labels)
        return MapView(labels, self.legend.place)

    def _on_class(self) -> None:
        if self.choice is not None and not self.choice.as_labels:
            self._show()
        self.follow.show()

    def _take_off(self) -> None:
        self.layer.take_off()

    def _follow_layer(self) -> None:
        """Say what is shown, and whether a mask can be made of it."""
        labels, chosen = self.labels, self.choice
        self.compare.follow(labels)
        self.make_button.setEnabled(labels is not None)
        self.take_off.setEnabled(labels is not None)
        if labels is None:
            with QSignalBlocker(self.shown):
                self.shown.setCurrentIndex(0)
            self._about.setText("")
            return
        said = [texts.SHOWN]
        if chosen is not None and chosen.is_final and self.layer.view is not None:
            told: dict[str, Any] = self.layer.view.pyramid.provenance["parameters"]
            said.append(texts.FINAL.format(told["epsilon"]))
        self._about.setText(" ".join(said))

    # ---- A mask of it

    def make_mask(self) -> None:
        """Make a mask of what is shown, in the worker; it knows where it is from."""
        self._maker.make(self.labels or topmost_labels(self.bench))

    def _on_mask(self, path: Path) -> None:
        self.compare.refresh()
        self.mask_made.emit(path)

    # ---- A mask to compare with

    def _on_measured(self, found: Comparison | None) -> None:
        self.legend.set_numbers(
            IOU, None if found is None else found.confusion.iou.tolist()
        )
