"""Figures of readers, one column each, and what may be concluded from them."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_histossl.study import StudyResults
from napari_histossl.study.results import NOT_POOLED
from napari_histossl.study.table import TABLE_HEADINGS, table_row
from napari_histossl.widgets._form import note

_FITTING_COLUMNS = 2
"""Readers that fit beside one another in a dock; for more a scroll bar is needed."""


class ResultsTable(QWidget):
    """A table with a column for each reader: it stays narrow in a dock."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = QTableWidget()
        self.cells.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.cells.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.cells.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        middle = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft
        self.cells.verticalHeader().setDefaultAlignment(middle)
        self.sentences = note()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 4, 0, 4)
        column.addWidget(self.cells)
        column.addWidget(self.sentences)

    def show_results(self, results: StudyResults) -> None:
        """Show the figures of all readers and a sentence for each."""
        columns = [table_row(result) for result in results.readers]
        self.cells.clear()
        self.cells.setRowCount(len(TABLE_HEADINGS) - 1)
        self.cells.setColumnCount(len(columns))
        self.cells.setVerticalHeaderLabels(list(TABLE_HEADINGS[1:]))
        self.cells.setHorizontalHeaderLabels([cells[0] for cells in columns])
        for number, cells in enumerate(columns):
            for place, text in enumerate(cells[1:]):
                item = QTableWidgetItem(text)
                item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
                self.cells.setItem(place, number, item)
        self._fit()
        self.sentences.setText(
            "\n\n".join([*(result.sentence for result in results.readers), NOT_POOLED])
        )
        self.show()

    def _fit(self) -> None:
        """Make the table as high as its rows: the page scrolls, not the table."""
        header = self.cells.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.cells.resizeRowsToContents()
        rows = sum(self.cells.rowHeight(row) for row in range(self.cells.rowCount()))
        is_wide = self.cells.columnCount() > _FITTING_COLUMNS
        bar = self.cells.horizontalScrollBar().sizeHint().height() if is_wide else 0
        self.cells.setFixedHeight(header.sizeHint().height() + rows + bar + 4)
