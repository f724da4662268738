"""Small pictures of the tools, drawn in the colour of the text around them."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QPointF, QRectF, Qt
from qtpy.QtGui import (
    QBrush,
    QColor,
    QIcon,
    QPainter,
    QPainterPath,
    QPen,
    QPixmap,
    QPolygonF,
)

_EDGE = 24
"""Size of the squares that the functions below draw in."""

_SHARPNESS = 3
"""Pixels drawn per pixel shown, for screens with small pixels."""


def tool_icon(name: str, colour: QColor, disabled: QColor) -> QIcon:
    """Return the picture of a tool.

    Parameters
    ----------
    name : str
        Name of the tool.
    colour, disabled : QColor
        What to draw with where it can be taken, and where it cannot.
    """
    icon = QIcon(_pixmap(name, colour))
    icon.addPixmap(_pixmap(name, disabled), QIcon.Mode.Disabled)
    return icon


def _pixmap(name: str, colour: QColor) -> QPixmap:
    pixmap = QPixmap(_EDGE * _SHARPNESS, _EDGE * _SHARPNESS)
    pixmap.setDevicePixelRatio(_SHARPNESS)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1.6))
    _DRAWN[name](painter, QBrush(colour))
    painter.end()
    return pixmap


def _line(
    painter: QPainter, *points: tuple[float, float], closed: bool = False
) -> None:
    shape = QPolygonF([QPointF(*point) for point in points])
    (painter.drawPolygon if closed else painter.drawPolyline)(shape)


def _brush(painter: QPainter, fill: QBrush) -> None:
    _line(painter, (20, 4), (11, 13))
    painter.setBrush(fill)
    painter.drawEllipse(QRectF(4, 12, 8, 8))


def _eraser(painter: QPainter, fill: QBrush) -> None:
    _line(painter, (13, 4), (20, 11), (11, 20), (4, 13), closed=True)
    _line(painter, (8.5, 8.5), (15.5, 15.5))
    del fill


def _polygon(painter: QPainter, fill: QBrush) -> None:
    corners = ((5, 9), (13, 4), (20, 12), (15, 20), (7, 18))
    _line(painter, *corners, closed=True)
    painter.setBrush(fill)
    for x, y in corners:
        painter.drawEllipse(QPointF(x, y), 1.4, 1.4)


def _lasso(painter: QPainter, fill: QBrush) -> None:
    painter.drawEllipse(QRectF(4, 4, 16, 11))
    path = QPainterPath(QPointF(8, 14))
    path.cubicTo(QPointF(5, 18), QPointF(12, 16), QPointF(9, 21))
    painter.drawPath(path)
    del fill


def _wand(painter: QPainter, fill: QBrush) -> None:
    _line(painter, (4, 20), (13, 11))
    for dx, dy in ((0, 4), (4, 0), (2.8, 2.8), (-2.8, 2.8)):
        _line(painter, (16 - dx, 8 - dy), (16 + dx, 8 + dy))
    del fill


def _take(painter: QPainter, fill: QBrush) -> None:
    painter.drawRect(QRectF(4, 4, 16, 16))
    painter.setPen(QPen(fill.color(), 2.2))
    _line(painter, (8, 12), (11, 16), (16.5, 8))


def _fill(painter: QPainter, fill: QBrush) -> None:
    _line(painter, (11, 4), (18, 11), (10, 19), (3, 12), closed=True)
    painter.setBrush(fill)
    painter.drawEllipse(QRectF(18.5, 15, 3, 5))


def _holes(painter: QPainter, fill: QBrush) -> None:
    painter.drawEllipse(QRectF(3, 4, 18, 16))
    painter.setBrush(fill)
    painter.drawEllipse(QRectF(8.5, 8.5, 7, 7))


def _pick(painter: QPainter, fill: QBrush) -> None:
    _line(painter, (4, 20), (6, 15), (13, 8), (16, 11), (9, 18), closed=True)
    painter.setBrush(fill)
    _line(painter, (14, 6), (18, 10), (20.5, 6.5), (17.5, 3.5), closed=True)


def _move(painter: QPainter, fill: QBrush) -> None:
    _line(painter, (12, 3), (12, 21))
    _line(painter, (3, 12), (21, 12))
    painter.setBrush(fill)
    for tip, one, other in (
        ((12, 2), (9.5, 5.5), (14.5, 5.5)),
        ((12, 22), (9.5, 18.5), (14.5, 18.5)),
        ((2, 12), (5.5, 9.5), (5.5, 14.5)),
        ((22, 12), (18.5, 9.5), (18.5, 14.5)),
    ):
        _line(painter, tip, one, other, closed=True)


_DRAWN: dict[str, Callable[[QPainter, QBrush], None]] = {
    "Brush": _brush,
    "Eraser": _eraser,
    "Polygon": _polygon,
    "Lasso": _lasso,
    "Wand": _wand,
    "Take": _take,
    "Fill": _fill,
    "Holes": _holes,
    "Pick": _pick,
    "Move": _move,
}
