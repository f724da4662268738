"""The place that gave a picture away: a point or a box, by mouse or by keys."""

from __future__ import annotations

from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QPainter, QPen

from napari_histossl.widgets._study_draft import Mark

_KEY_STEPS = 16
"""Steps of a key across what is seen of the picture."""

_POINT_PX = 9
"""Half the width of the cross of a point, on the screen."""


class Marker:
    """Where the mark is, in pixels of the picture.

    Parameters
    ----------
    picture_px : tuple of int
        Height and width of the picture.
    mark : tuple of int, optional
        First row, first column, height and width; a point has no height and width.
    """

    def __init__(self, picture_px: tuple[int, int], mark: Mark | None = None) -> None:
        self._picture_px = picture_px
        self._corner: tuple[int, int] | None = None
        self.mark = mark

    def press(self, row: float, column: float) -> None:
        """Begin a mark at a point of the picture."""
        self._corner = self._held(row, column)
        self.mark = (*self._corner, 0, 0)

    def drag(self, row: float, column: float) -> None:
        """Draw a box from where the mark began."""
        if self._corner is None:
            return
        (y0, x0), (y1, x1) = self._corner, self._held(row, column)
        self.mark = (min(y0, y1), min(x0, x1), abs(y1 - y0), abs(x1 - x0))

    def move(self, rows: int, columns: int, seen: Mark) -> None:
        """Move a point by keys; the first key puts it in the middle of what is seen."""
        top, left, height, width = seen
        if self.mark is None:
            self.mark = (top + height // 2, left + width // 2, 0, 0)
            return
        step = max(min(height, width) // _KEY_STEPS, 1)
        y, x = self._held(self.mark[0] + rows * step, self.mark[1] + columns * step)
        self.mark = (y, x, self.mark[2], self.mark[3])

    def _held(self, row: float, column: float) -> tuple[int, int]:
        """Return the nearest pixel inside the picture."""
        height, width = self._picture_px
        return (
            min(max(int(row), 0), height - 1),
            min(max(int(column), 0), width - 1),
        )


def draw_mark(painter: QPainter, where: QRectF, scale: float, mark: Mark) -> None:
    """Draw a mark in black and white, so that it is seen on any ground.

    Parameters
    ----------
    painter : QPainter
        Of the widget.
    where : QRectF
        Where the picture is.
    scale : float
        Points of the widget per picture pixel.
    mark : tuple of int
        First row, first column, height and width.
    """
    row, column, height, width = mark
    left = where.left() + (column + 0.5) * scale
    top = where.top() + (row + 0.5) * scale
    box = QRectF(left, top, width * scale, height * scale)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for colour, thickness in (("#000000", 5), ("#ffffff", 2)):
        painter.setPen(QPen(QColor(colour), thickness))
        if height or width:
            painter.drawRect(box)
        else:
            painter.drawLine(box.topLeft(), box.topLeft())
            for dx, dy in ((_POINT_PX, 0), (0, _POINT_PX)):
                painter.drawLine(
                    int(left - dx), int(top - dy), int(left + dx), int(top + dy)
                )
