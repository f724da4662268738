"""The classes of a mask as buttons: colour, name, key."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtGui import QColor, QIcon, QPainter, QPixmap
from qtpy.QtWidgets import QButtonGroup, QGridLayout, QPushButton, QSizePolicy, QWidget

from napari_histossl.classes import ClassInfo, ClassTable

_COLUMNS = 2


class ClassButtons(QWidget):
    """Which class is in hand.

    Parameters
    ----------
    on_pick : callable
        Called with the index of a class that is pressed.
    """

    def __init__(self, on_pick: Callable[[int], object]) -> None:
        super().__init__()
        self._on_pick = on_pick
        self._group = QButtonGroup(self)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(4)

    def show_table(self, classes: ClassTable, keys: Mapping[int, str]) -> None:
        """Show the classes of another table.

        Parameters
        ----------
        classes : ClassTable
            The classes.
        keys : mapping of int to str
            Their keys, by index.
        """
        for old in self._group.buttons():
            self._group.removeButton(old)
            self._grid.removeWidget(old)
            old.hide()  # it is deleted only when all events are handled
            old.deleteLater()
        for place, info in enumerate(classes):
            made = self._made(info, keys.get(info.index, ""))
            self._group.addButton(made, info.index)
            self._grid.addWidget(made, place // _COLUMNS, place % _COLUMNS)

    def choose(self, index: int) -> None:
        """Show which class is in hand; none where it is no class of the table."""
        chosen = self._group.button(index)
        if chosen is not None:
            chosen.setChecked(True)
            return
        self._group.setExclusive(False)
        for one in self._group.buttons():
            one.setChecked(False)
        self._group.setExclusive(True)

    def _made(self, info: ClassInfo, key: str) -> QPushButton:
        made = QPushButton(swatch(info.colour), f"{info.name}  {key}".rstrip())
        made.setCheckable(True)
        made.setStyleSheet("text-align: left; padding: 4px 6px;")
        made.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        made.setToolTip(f"{info.name}, key {key}" if key else info.name)
        made.clicked.connect(lambda _checked=False: self._on_pick(info.index))
        return made


def swatch(colour: tuple[int, int, int]) -> QIcon:
    """Return a square of a colour, with a rim that shows on any ground."""
    pixmap = QPixmap(14, 14)
    pixmap.fill(QColor(*colour))
    painter = QPainter(pixmap)
    painter.setPen(QColor(128, 128, 128))
    painter.drawRect(0, 0, 13, 13)
    painter.end()
    return QIcon(pixmap)
