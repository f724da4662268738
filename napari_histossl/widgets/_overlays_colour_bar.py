"""The colours of an overlay, the values at their ends, and what these are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QRect, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

_BAR_PX, _GAP_PX = 14, 2


class ColourBar(QWidget):
    """A strip of colours with its ends and its unit below.

    Notes
    -----
    Colours that let the tissue through are shown on white, as tissue is seen on glass.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rgb: NDArray[np.uint8] | None = None
        self._texts = ("", "", "")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def texts(self) -> tuple[str, str, str]:
        """What is written: lowest value, highest value, unit."""
        return self._texts

    def show_scale(
        self, table: NDArray[np.float32], limits: tuple[float, float], unit: str
    ) -> None:
        """Show a table of colours, (N, 4) from 0 to 1, between two values."""
        mixed = table[:, :3] * table[:, 3:] + 1 - table[:, 3:]
        self._rgb = np.ascontiguousarray(np.round(mixed * 255), np.uint8)[None]
        self._texts = f"{limits[0]:.3g}", f"{limits[1]:.3g}", unit
        self.setToolTip(unit)
        self.update()

    def sizeHint(self) -> QSize:
        """Return room for the strip and a line of text."""
        return QSize(120, _BAR_PX + _GAP_PX + self.fontMetrics().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw strip and text."""
        if self._rgb is None:
            return
        painter = QPainter(self)
        count = self._rgb.shape[1]
        kind = QImage.Format.Format_RGB888
        strip = QImage(self._rgb.data, count, 1, 3 * count, kind)
        painter.drawImage(QRect(0, 0, self.width(), _BAR_PX), strip)
        painter.setPen(QColor(128, 128, 128))
        painter.drawRect(0, 0, self.width() - 1, _BAR_PX - 1)
        painter.setPen(self.palette().text().color())
        low, high, unit = self._texts
        below = QRect(0, _BAR_PX + _GAP_PX, self.width(), self.fontMetrics().height())
        align = Qt.AlignmentFlag
        painter.drawText(below, int(align.AlignLeft), low)
        painter.drawText(below, int(align.AlignRight), high)
        ends = 12 + self.fontMetrics().horizontalAdvance(high)
        middle = below.adjusted(ends, 0, -ends, 0)
        fitting = self.fontMetrics().elidedText(
            unit, Qt.TextElideMode.ElideRight, middle.width()
        )
        painter.drawText(middle, int(align.AlignHCenter), fitting)
        painter.end()
