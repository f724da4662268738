"""What a new mask is called and what it starts from."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QLineEdit, QSlider, QSpinBox, QWidget

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.errors import PlanError, StoreError
from napari_histossl.overlays.class_proposal import LabelChoice, says_classes
from napari_histossl.panels.correct import (
    MaskChoice,
    MaskPlan,
    free_mask_name,
    resolve,
)
from napari_histossl.store import Pyramid, paths
from napari_histossl.widgets._form import combo, form
from napari_histossl.widgets._workbench import Workbench


class NewMaskForm(QWidget):
    """Name, start, head, share and class of a mask to be made.

    Parameters
    ----------
    bench : Workbench
        Knows the slide in view and its overlays.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self._name = QLineEdit("mask")
        self._start = combo()
        self._start.currentIndexChanged.connect(self._show_start)
        self._head = QSpinBox()
        self._head.setPrefix("head ")
        self._kept = QSlider(Qt.Orientation.Horizontal)
        self._kept.setRange(1, 99)
        self._kept.setValue(20)
        self._kept.valueChanged.connect(self._show_start)
        self._kept_text = QLabel()
        self._class = combo()
        for info in DEFAULT_CLASSES:
            self._class.addItem(info.name, info.index)
        self._rows = form()
        self._rows.addRow("New mask", self._name)
        self._rows.addRow("Starts", self._start)
        self._rows.addRow("Head", self._head)
        self._rows.addRow("Keep", self._kept)
        self._rows.addRow("", self._kept_text)
        self._rows.addRow("as", self._class)
        self.setLayout(self._rows)

    def refresh(self) -> None:
        """List the overlays of the slide in view, the newest one chosen."""
        shown = self.bench.shown
        found = [] if shown is None else paths.list_overlays(shown.folder)
        before = self._start.currentData()
        self._start.clear()
        self._start.addItem("empty", None)
        for path in found:
            self._start.addItem(
                f"from overlay {path.name.removesuffix('.ome.zarr')}", path
            )
        places = [self._start.itemData(i) for i in range(self._start.count())]
        self._start.setCurrentIndex(
            places.index(before) if before in places and before else len(places) - 1
        )
        self._name.setText(self._free_name())

    def choose_head(self, head: int) -> None:
        """Take a head, counted from 0."""
        self._head.setValue(head)

    def resolve(self) -> MaskPlan:
        """Return the plan of the mask that the form describes.

        Raises
        ------
        PlanError, StoreError
            If no slide is open, or the name is taken or cannot be a file name.
        """
        shown = self.bench.shown
        if shown is None:
            raise PlanError("no slide is open; open one first")
        overlay: Path | None = self._start.currentData()
        is_of_classes = overlay is not None and says_classes(overlay)
        choice = MaskChoice(
            name=self._name.text(),
            overlay=None if is_of_classes else overlay,
            labels=LabelChoice(overlay) if overlay and is_of_classes else None,
            head=self._head.value(),
            kept=self._kept.value() / 100,
            class_index=self._class.currentData(),
        )
        return resolve(choice, shown.slide, shown.folder)

    def _free_name(self) -> str:
        """Return the name in the form, with a number where it is taken."""
        shown = self.bench.shown
        stem = self._name.text().rstrip("0123456789 ") or "mask"
        if shown is None:
            return stem
        return free_mask_name(shown.folder, stem)

    def _show_start(self, _index: int = 0) -> None:
        overlay = self._start.currentData()
        is_of_heads, heads = overlay is not None, 1
        try:
            if overlay is not None:
                is_of_heads = not says_classes(overlay)
                with Pyramid.open(overlay) as pyramid:
                    heads = len(pyramid.channel_names)
        except StoreError:
            heads = 1
        for widget in (self._head, self._kept, self._kept_text, self._class):
            self._rows.setRowVisible(widget, is_of_heads)
        self._kept_text.setText(f"the {self._kept.value()} % with the most attention")
        self._head.setRange(0, max(heads - 1, 0))
