"""How much of each class the open mask holds."""

from __future__ import annotations

from pathlib import Path

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.classes import UNLABELLED, ClassTable
from napari_histossl.errors import HistoSSLError
from napari_histossl.panels.mask_measure import (
    MeasuredClass,
    measure_mask,
    read_table,
    save_table,
)
from napari_histossl.widgets._class_buttons import swatch
from napari_histossl.widgets._errors import show_error, show_info
from napari_histossl.widgets._form import RunBar, button, note, row
from napari_histossl.widgets._mask_session import MaskSession
from napari_histossl.widgets._workbench import Workbench

_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_HEADS = ("Class", "mm²", "tissue", "objects")


class MeasureGroup(QWidget):
    """Measures in the worker; shows a table and saves it.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    run_bar : RunBar
        Shows how far it is.
    """

    def __init__(self, bench: Workbench, run_bar: RunBar) -> None:
        super().__init__()
        self._bench, self._run_bar = bench, run_bar
        self._session: MaskSession | None = None
        self._measure = button("Measure", self.measure, "The whole mask, at full scale")
        self._save = button("CSV …", self._ask_place, "All columns of the table")
        self._said = note()
        self.table = QTableWidget(0, len(_HEADS))
        self.table.setHorizontalHeaderLabels(_HEADS)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.verticalHeader().hide()
        head = self.table.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(row(self._measure, self._save))
        column.addWidget(self._said)
        column.addWidget(self.table)
        bench.run_changed.connect(lambda _running: self._allow())
        self.follow(None)

    def follow(self, session: MaskSession | None) -> None:
        """Measure another mask, or none."""
        self._session = session
        if session is not None:
            session.editor.saved.connect(self._on_saved)
        self._show()
        is_old = session is not None and self.table.rowCount() > 0
        self._say("As it was when it was measured last." if is_old else "")

    def measure(self) -> None:
        """Measure the open mask, in the worker."""
        session, shown = self._session, self._bench.shown
        if session is None or shown is None:
            return
        if self._bench.run(
            self._on_measured, measure_mask, session.path, shown.source, shown.folder
        ):
            self._say("")
            self._run_bar.follow(self._bench)

    def save(self, path: Path) -> None:
        """Write the table as CSV."""
        if self._session is None:
            return
        try:
            save_table(self._session.path, path)
        except HistoSSLError as error:
            show_error(error)
            return
        show_info(f"Wrote {path}")

    def _ask_place(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Save measures", "measures.csv", "Table (*.csv)"
        )
        if name:
            self.save(Path(name))

    def _on_measured(self, complete: bool) -> None:
        if complete:
            self._show()

    def _on_saved(self, _receipt: object) -> None:
        if self.table.rowCount():
            self._say("The mask has changed since; measure again.")

    def _say(self, sentence: str) -> None:
        self._said.setText(sentence)
        self._said.setVisible(bool(sentence))

    def _show(self) -> None:
        session = self._session
        rows: tuple[MeasuredClass, ...] = ()
        if session is not None:
            try:
                rows = read_table(session.path)
            except HistoSSLError as error:
                self._say(str(error))
            self._fill(rows, session.store.classes)
        self.table.setVisible(bool(rows))
        self._allow()

    def _allow(self) -> None:
        is_open, runs = self._session is not None, self._bench.worker.is_running
        self._measure.setEnabled(is_open and not runs)
        self._save.setEnabled(is_open and self.table.rowCount() > 0)

    def _fill(self, rows: tuple[MeasuredClass, ...], classes: ClassTable) -> None:
        colours = {info.name: info.colour for info in classes}
        self.table.setRowCount(len(rows))
        for place, measured in enumerate(rows):
            name = QTableWidgetItem(measured.name)
            if measured.name in colours:
                name.setIcon(swatch(colours[measured.name]))
            self.table.setItem(place, 0, name)
            objects = f"{measured.objects:,}" if place != UNLABELLED else ""
            area = _number(measured.area_mm2, ".3f")
            share = _number(measured.share_of_tissue, ".1%")
            for column, text in enumerate((area, share, objects), start=1):
                number = QTableWidgetItem(text)
                number.setTextAlignment(_RIGHT)
                self.table.setItem(place, column, number)
        height = self.table.horizontalHeader().sizeHint().height() + 4
        self.table.setFixedHeight(
            height + sum(map(self.table.rowHeight, range(len(rows))))
        )


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
