"""Labels on the slide against a mask: numbers, and where they differ."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFileDialog, QVBoxLayout, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.overlays.class_proposal import LabelChoice
from napari_histossl.panels.class_compare import Comparison, compare
from napari_histossl.panels.class_shown import DifferenceView
from napari_histossl.store import paths
from napari_histossl.widgets import _weak_texts as texts
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import button, combo, note, row
from napari_histossl.widgets._weak_layer import ClassLayer
from napari_histossl.widgets._workbench import Workbench

DIFFERENCES = "differs from the mask"
"""Name of the layer."""

_KINDS = "Masks (*.png *.tif *.tiff);;All (*)"


class CompareSection(QWidget):
    """Choose a mask, measure, show where it says something else.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    measured : Signal of (Comparison or None)
        There are numbers, or those there were are out of date.
    """

    measured = Signal(object)

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self.labels: LabelChoice | None = None
        self.layer = ClassLayer(bench)
        self._files: list[Path] = []
        self._asked: tuple[LabelChoice, Path] | None = None
        self._build()
        bench.worker.answered.connect(self._on_answered)
        self.refresh()

    def _build(self) -> None:
        self.masks = combo()
        self.masks.setPlaceholderText("no mask on this slide yet")
        self.masks.currentIndexChanged.connect(lambda _index: self._forget())
        self._file = button(
            "File …",
            self._ask_for_file,
            "A palette PNG, or a TIFF with labels in red as PANDA has them",
        )
        self.measure_button = button("Compare with this mask", self.measure)
        self.differ = QCheckBox("Show where they differ")
        self.differ.setToolTip("Cyan: the mask says another class, or there is none")
        self.differ.toggled.connect(lambda _on: self._show())
        self._status = note()
        line = row(self.masks, self._file)
        line.setContentsMargins(0, 0, 0, 0)
        line.setStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        column.addLayout(line)
        for widget in (self.measure_button, self.differ, self._status):
            column.addWidget(widget)

    # ---- Showing

    def refresh(self) -> None:
        """List the masks of the slide in view."""
        shown, before = self._bench.shown, self.mask
        found = [] if shown is None else paths.list_masks(shown.folder)
        places = [*found, *self._files]
        self.masks.blockSignals(True)
        self.masks.clear()
        for path in places:
            self.masks.addItem(path.name.removesuffix(".ome.zarr"), path)
        if places:  # a list with a placeholder chooses nothing by itself
            index = places.index(before) if before in places else 0
            self.masks.setCurrentIndex(index)
        self.masks.blockSignals(False)
        self._file.setEnabled(shown is not None)
        self._enable()
        if self.mask != before:
            self._forget()
        elif not places and shown is not None:
            self._status.setText(texts.NO_MASK)

    @property
    def mask(self) -> Path | None:
        """The mask that is chosen."""
        path: Path | None = self.masks.currentData()
        return path

    @property
    def text(self) -> str:
        """What has come of it, in a sentence."""
        return self._status.text()

    def follow(self, labels: LabelChoice | None) -> None:
        """Compare other labels from now on."""
        if labels != self.labels:
            self.labels = labels
            self._forget()

    def _enable(self) -> None:
        can = self.labels is not None and self.mask is not None
        self.measure_button.setEnabled(can and self._asked is None)
        self.differ.setEnabled(can)

    def _forget(self) -> None:
        """Take numbers back: they were of other labels, or another mask."""
        self._asked = None
        self._status.setText("")
        self.measured.emit(None)
        self._enable()
        self._show()

    def choose_file(self, path: Path) -> None:
        """List a file, and choose it."""
        if path not in self._files:
            self._files.append(path)
        self.refresh()
        places = [self.masks.itemData(i) for i in range(self.masks.count())]
        self.masks.setCurrentIndex(places.index(path))
        self._enable()

    def forget_slide(self) -> None:
        """Another slide is in view: files are of the one before."""
        self._files.clear()
        self.differ.setChecked(False)
        self.refresh()

    def _ask_for_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Mask of the slide", "", _KINDS)
        if name:
            self.choose_file(Path(name))

    # ---- Measuring

    def measure(self) -> None:
        """Count pixels, in the worker."""
        shown, mask = self._bench.shown, self.mask
        if shown is None or mask is None or self.labels is None:
            return
        self._asked = self.labels, mask
        self._status.setText(texts.MEASURING)
        self._enable()
        shape = shown.slide.levels[0].shape
        self._bench.worker.ask(("compare", id(self)), compare, *self._asked, shape)

    def _on_answered(self, name: object, answer: Any) -> None:
        if name != ("compare", id(self)) or self._asked is None:
            return
        self._asked = None
        self._enable()
        if isinstance(answer, Comparison):
            self._status.setText(texts.agreement(answer))
            self.measured.emit(answer)
        else:
            self._status.setText(str(answer))

    def _show(self) -> None:
        """Show where labels and mask differ, or take that off."""
        shown, mask = self._bench.shown, self.mask
        is_on = self.differ.isChecked() and self.differ.isEnabled()
        if not is_on or shown is None or mask is None or self.labels is None:
            self.layer.take_off()
            return
        try:
            shape = shown.slide.levels[0].shape
            view = DifferenceView(self.labels, mask, shape)
        except HistoSSLError as error:
            self.differ.setChecked(False)
            show_error(error)
            return
        self.layer.take_off()  # it may be of another mask
        self.layer.show(view, DIFFERENCES)
