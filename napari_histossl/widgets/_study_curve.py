"""A curve in a dock, as wide as the dock is."""

from __future__ import annotations

from qtpy.QtCore import QByteArray, QRectF
from qtpy.QtGui import QColor, QPainter, QPaintEvent
from qtpy.QtSvg import QSvgRenderer
from qtpy.QtWidgets import QWidget

_PAPER = "#ffffff"


class Curve(QWidget):
    """Draws an SVG at its own proportions; hidden until there is one."""

    def __init__(self) -> None:
        super().__init__()
        self._drawing = QSvgRenderer(self)
        self.setAccessibleName("Curve")
        self.hide()

    def show_svg(self, svg: str) -> None:
        """Show a drawing."""
        self._drawing.load(QByteArray(svg.encode()))
        self._fit()
        self.show()
        self.update()

    def _height(self) -> int:
        size = self._drawing.defaultSize()
        return round(self.width() * size.height() / max(size.width(), 1))

    def _fit(self) -> None:
        self.setMinimumHeight(max(self._height(), 1))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw it on white, whatever the theme."""
        if self.minimumHeight() != self._height():
            self._fit()
        painter = QPainter(self)
        area = QRectF(0, 0, self.width(), self._height())
        painter.fillRect(area, QColor(_PAPER))
        self._drawing.render(painter, area)
