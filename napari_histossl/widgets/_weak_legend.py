"""Classes with their colours and numbers: one of them is chosen."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from qtpy.QtCore import Qt, Signal
from qtpy.QtGui import QColor, QIcon, QPixmap
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QLabel, QRadioButton, QWidget

from napari_histossl.classes import ClassTable

_SWATCH_PX = 12

HERE, AFTER, IOU = "Here", "Hidden", "IoU"
"""Titles of the columns of numbers."""

_TIPS = {
    HERE: "What the classifier says of the tile under the cursor, each class for "
    "itself; in brackets: at most epsilon, so absent",
    AFTER: "The same where dropout attention hides what is above mu",
    IOU: "Intersection over union with the mask that was chosen",
}
_NONE = "–"


class ClassLegend(QWidget):
    """A row a class.

    Attributes
    ----------
    chosen : Signal of int
        Another class, by its place in the table.
    """

    chosen = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(0, 1)
        self._group = QButtonGroup(self)
        self._group.idClicked.connect(self.chosen.emit)
        self.classes: ClassTable | None = None
        self._cells: dict[str, list[QLabel]] = {}

    @property
    def place(self) -> int:
        """Place of the chosen class."""
        return max(self._group.checkedId(), 0)

    def set_classes(self, classes: ClassTable | None) -> None:
        """List other classes; numbers are forgotten."""
        if classes == self.classes:
            return
        place, self.classes = self.place, classes
        self._clear()
        if classes is None:
            return
        for column, title in enumerate(_TIPS, start=1):
            head = QLabel(title)
            head.setToolTip(_TIPS[title])
            head.setAlignment(Qt.AlignmentFlag.AlignRight)
            self._grid.addWidget(head, 0, column)
            self._cells[title] = []
        for row, info in enumerate(classes):
            name = QRadioButton(info.name)
            name.setIcon(_swatch(info.colour))
            self._group.addButton(name, row)
            self._grid.addWidget(name, row + 1, 0)
            for column, title in enumerate(_TIPS, start=1):
                cell = QLabel(_NONE)
                cell.setAlignment(Qt.AlignmentFlag.AlignRight)
                self._grid.addWidget(cell, row + 1, column)
                self._cells[title].append(cell)
        chosen = self._group.button(min(place, len(classes) - 1))
        chosen.setChecked(True)

    def set_numbers(
        self,
        title: str,
        numbers: Sequence[float] | None,
        absent: Sequence[bool] | None = None,
    ) -> None:
        """Show numbers of all classes in a column; None takes them back."""
        for row, cell in enumerate(self._cells.get(title, [])):
            if numbers is None or np.isnan(numbers[row]):
                cell.setText(_NONE)
                continue
            text = f"{numbers[row]:.2f}"
            cell.setText(f"({text})" if absent is not None and absent[row] else text)

    def texts(self, title: str) -> list[str]:
        """Return what stands in a column."""
        return [cell.text() for cell in self._cells.get(title, [])]

    def choose(self, place: int) -> None:
        """Choose a class, as a click would."""
        self._group.button(place).click()

    def _clear(self) -> None:
        while self._grid.count():
            widget = self._grid.takeAt(0).widget()
            if isinstance(widget, QRadioButton):
                self._group.removeButton(widget)
            widget.deleteLater()
        self._cells = {}


def _swatch(colour: tuple[int, int, int]) -> QIcon:
    square = QPixmap(_SWATCH_PX, _SWATCH_PX)
    square.fill(QColor(*colour))
    return QIcon(square)
