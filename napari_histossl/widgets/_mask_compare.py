"""A second mask beside the open one: numbers of each class, differences one by one."""

from __future__ import annotations

import math
from pathlib import Path

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.annotate.compare import ClassAgreement
from napari_histossl.classes import ClassTable
from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.mask_compare import (
    Agreement,
    agreement_path,
    compare_masks,
    load_agreement,
    said,
)
from napari_histossl.panels.review import difference_from, resolve
from napari_histossl.store import paths
from napari_histossl.widgets._class_buttons import swatch
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._form import RunBar, button, combo, note, row
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._workbench import Workbench

_HEADS = ("Class", "Dice", "IoU", "kappa")

_KINDS = "Masks (*.png *.tif *.tiff);;All (*)"

_UM2_PER_MM2 = 1e6


class MaskCompareGroup(QWidget):
    """Chooses a second mask, counts in the worker, hands over what differs.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    run_bar : RunBar
        How far the run of the page is.

    Attributes
    ----------
    differences : Signal of ReviewSource
        There is a list of where two masks differ, to be gone through.
    """

    differences = Signal(object)

    def __init__(self, bench: Workbench, run_bar: RunBar) -> None:
        super().__init__()
        self._bench, self._run_bar = bench, run_bar
        self._session: MaskSession | None = None
        self._files: list[Path] = []
        self._compared: Path | None = None
        self.masks = combo()
        self.masks.setPlaceholderText("no other mask of this slide")
        self._file = button(
            "File …", self._ask_for_file, "PNG, or TIFF with labels in red as PANDA has"
        )
        self.compare_button = button(
            "Compare", self.compare, "At the mask's full scale"
        )
        self.step_button = button(
            "Go through the differences", self._hand_over, "In the list of objects"
        )
        self._said, self.table = note(), _table()
        line = row(self.masks, self._file)
        line.setStretch(0, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(line)
        for widget in (self.compare_button, self._said, self.table, self.step_button):
            column.addWidget(widget)
        bench.run_changed.connect(lambda _running: self._allow())
        self.follow(None)

    @property
    def second(self) -> Path | None:
        """The second mask that is chosen."""
        path: Path | None = self.masks.currentData()
        return path

    def follow(self, session: MaskSession | None) -> None:
        """Compare another mask, or none."""
        if session is None or self._session is not session:
            self._files.clear()
        self._session, self._compared = session, None
        self.refresh()
        self._show()

    def refresh(self) -> None:
        """List the other masks of the slide in view."""
        shown, session = self._bench.shown, self._session
        found = [] if shown is None else paths.list_masks(shown.folder)
        mine = None if session is None else session.path
        others = [*(path for path in found if path != mine), *self._files]
        chosen = self.second
        self.masks.clear()
        for path in others:
            self.masks.addItem(path.name.removesuffix(".ome.zarr"), path)
        if others:
            index = others.index(chosen) if chosen in others else 0
            self.masks.setCurrentIndex(index)
        self._allow()

    def choose_file(self, path: Path) -> None:
        """List a file, and choose it."""
        if path not in self._files:
            self._files.append(path)
        self.refresh()
        self.masks.setCurrentIndex(self.masks.findData(path))

    def compare(self) -> None:
        """Count, in the worker, and list what differs."""
        session, shown, second = self._session, self._bench.shown, self.second
        if session is None or shown is None or second is None:
            return
        try:
            shape = shown.slide.levels[0].shape
            plan = resolve(session.store, difference_from(second), shape)
        except HistoSSLError as error:
            show_error(error, self._bench.hidden_names)
            return

        def on_done(complete: bool) -> None:
            if complete and self._session is session:
                self._compared = second
                self._show()

        if self._bench.run(on_done, compare_masks, plan):
            self._run_bar.follow(self._bench)

    def _ask_for_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self, "Second mask", "", _KINDS)
        if name:
            self.choose_file(Path(name))

    def _hand_over(self) -> None:
        if self._compared is not None:
            self.differences.emit(difference_from(self._compared))

    def _show(self) -> None:
        session = self._session
        agreement: Agreement | None = None
        if session is not None and self._compared is not None:
            try:
                agreement = load_agreement(agreement_path(session.path))
            except HistoSSLError as error:
                self._said.setText(str(error))
        self.table.setVisible(agreement is not None)
        self._said.setVisible(agreement is not None)
        if agreement is not None and session is not None:
            self._said.setText(said(agreement))
            _fill(self.table, agreement, session.store.classes, _pixel_mm2(session))
        self._allow()

    def _allow(self) -> None:
        is_open, runs = self._session is not None, self._bench.worker.is_running
        self._file.setEnabled(is_open)
        self.compare_button.setEnabled(is_open and self.second is not None and not runs)
        self.step_button.setVisible(self._compared is not None)


def _table() -> QTableWidget:
    made = QTableWidget(0, len(_HEADS))
    made.setHorizontalHeaderLabels(_HEADS)
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.verticalHeader().hide()
    head = made.horizontalHeader()
    head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
    return made


def _fill(
    table: QTableWidget,
    agreement: Agreement,
    classes: ClassTable,
    pixel_mm2: float | None,
) -> None:
    colours = {info.index: info.colour for info in classes}
    rows = [row for row in agreement.rows if row.pixels or row.reference_pixels]
    table.setRowCount(len(rows))
    for place, agreed in enumerate(rows):
        name = QTableWidgetItem(agreed.name)
        if agreed.class_index in colours:
            name.setIcon(swatch(colours[agreed.class_index]))
        table.setItem(place, 0, name)
        name.setToolTip(_areas(agreed, pixel_mm2))
        for column, text in enumerate(_texts(agreed), start=1):
            table.setItem(place, column, QTableWidgetItem(text))
    height = table.horizontalHeader().sizeHint().height() + 4
    table.setFixedHeight(height + sum(map(table.rowHeight, range(len(rows)))))


def _texts(agreed: ClassAgreement) -> list[str]:
    numbers = (agreed.dice, agreed.iou, agreed.kappa)
    return ["" if math.isnan(number) else f"{number:.3f}" for number in numbers]


def _areas(agreed: ClassAgreement, pixel_mm2: float | None) -> str:
    """Return how much of a class each mask has, in words."""
    mine, theirs = (
        f"{pixels:,} px" if pixel_mm2 is None else f"{pixels * pixel_mm2:.3g} mm²"
        for pixels in (agreed.pixels, agreed.reference_pixels)
    )
    return f"{agreed.name}: {mine} in this mask, {theirs} in the second"


def _pixel_mm2(session: MaskSession) -> float | None:
    mpp_yx = session.store.mpp_yx
    return None if mpp_yx is None else mpp_yx[0] * mpp_yx[1] / _UM2_PER_MM2
