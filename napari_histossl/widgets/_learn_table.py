"""Before and after, class by class."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.panels.learn_report import Report, mean_of, shown
from napari_histossl.widgets._class_buttons import swatch
from napari_histossl.widgets._form import note
from napari_histossl.widgets._overlays_texts import sentence

_HEADS = {
    "Class": "What the head tells apart",
    "IoU": "Intersection over union on held-out places: before, after",
    "Dice": "Dice's coefficient on held-out places: before, after",
}


class BeforeAfter(QWidget):
    """A table of a report, and what it was measured on.

    Parameters
    ----------
    told : callable
        Returns a text without names that people may not see.
    """

    def __init__(self, told: Callable[[str], str]) -> None:
        super().__init__()
        self._told = told
        self.table = QTableWidget(0, len(_HEADS))
        self.table.setHorizontalHeaderLabels([*_HEADS])
        for place, tip in enumerate(_HEADS.values()):
            self.table.horizontalHeaderItem(place).setToolTip(tip)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.verticalHeader().hide()
        head = self.table.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.said = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.table)
        column.addWidget(self.said)

    def show_report(self, report: Report) -> None:
        """Show what a head was made of, and how well it does."""
        rows = report.rows()
        self.table.setRowCount(len(rows) + 1)
        for place, one in enumerate(rows):
            name = QTableWidgetItem(one.info.name)
            name.setIcon(swatch(one.info.colour))
            name.setToolTip(f"{one.corrected_mm2:.4f} mm² corrected to it or accepted")
            self._show_row(place, name, one.numbers)
        mean = QTableWidgetItem("mean")
        mean.setToolTip("Of the classes whose numbers are known")
        self._show_row(len(rows), mean, mean_of(rows))
        height = self.table.horizontalHeader().sizeHint().height() + 4
        heights = map(self.table.rowHeight, range(len(rows) + 1))
        self.table.setFixedHeight(height + sum(heights))
        self.said.setText(self._told(sentence(f"measured {report.measured}")))

    def _show_row(
        self, place: int, name: QTableWidgetItem, numbers: Sequence[float]
    ) -> None:
        self.table.setItem(place, 0, name)
        iou_before, iou_after, dice_before, dice_after = map(shown, numbers)
        cells = f"{iou_before} → {iou_after}", f"{dice_before} → {dice_after}"
        for column, text in enumerate(cells, start=1):
            item = QTableWidgetItem(text)
            item.setTextAlignment(
                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            )
            self.table.setItem(place, column, item)

    def texts(self) -> list[list[str]]:
        """Return what stands in the table, row by row."""
        return [
            [self.table.item(row, column).text() for column in range(len(_HEADS))]
            for row in range(self.table.rowCount())
        ]
