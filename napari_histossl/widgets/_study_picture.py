"""A picture on neutral grey, at a whole-number zoom, and how long it has been seen."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from qtpy.QtCore import QRectF, Signal
from qtpy.QtGui import QColor, QHideEvent, QImage, QPainter, QPaintEvent
from qtpy.QtWidgets import QSizePolicy, QWidget

NEUTRAL_GREY = QColor(128, 128, 128)
"""Surround of the picture: the same for all, without a hue."""

LARGEST_ZOOM = 4
"""Screen pixels per picture pixel, at most: beyond, pixels look like tiles."""

_MARGIN_PX = 16
"""Grey left free around the picture at least, in screen pixels."""

_NS_PER_MS = 1_000_000


class PictureView(QWidget):
    """Shows one picture; measures from the first paint that had its pixels.

    Parameters
    ----------
    clock : callable
        Returns nanoseconds that never go back.

    Attributes
    ----------
    painted : Signal
        The picture is on the screen for the first time.

    Notes
    -----
    The clock stops while the widget is hidden, so that a pause does not count.
    """

    painted = Signal()

    def __init__(self, clock: Callable[[], int] = time.monotonic_ns) -> None:
        super().__init__()
        self._clock = clock
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 160)
        self.setAccessibleName("Picture to be judged")
        self._image = QImage()
        self._seen_ns = 0
        self._seen_since_ns: int | None = None
        self._is_announced = False

    def show_picture(self, image: QImage) -> None:
        """Show another picture; the clock starts with its first paint."""
        self._image = image
        self._seen_ns = 0
        self._seen_since_ns = None
        self._is_announced = False
        self.update()

    @property
    def is_seen(self) -> bool:
        """Whether the picture is on the screen."""
        return self._seen_since_ns is not None

    @property
    def seen_ms(self) -> int:
        """Milliseconds that the picture has been on the screen."""
        since = self._seen_since_ns
        running = 0 if since is None else self._clock() - since
        return (self._seen_ns + running) // _NS_PER_MS

    def zoom(self) -> float:
        """Return screen pixels per picture pixel: a whole number, or one over one."""
        ratio = self.devicePixelRatioF()
        free_height = max(self.height() * ratio - 2 * _MARGIN_PX, 1)
        free_width = max(self.width() * ratio - 2 * _MARGIN_PX, 1)
        fits = min(free_height / self._image.height(), free_width / self._image.width())
        if fits >= 1:
            return float(min(math.floor(fits), LARGEST_ZOOM))
        return 1 / math.ceil(1 / fits)

    def picture_rectangle(self) -> QRectF:
        """Return where the picture is drawn, on whole screen pixels."""
        ratio, zoom = self.devicePixelRatioF(), self.zoom()
        width, height = self._image.width() * zoom, self._image.height() * zoom
        left = math.floor((self.width() * ratio - width) / 2)
        top = math.floor((self.height() * ratio - height) / 2)
        return QRectF(left / ratio, top / ratio, width / ratio, height / ratio)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the picture, then note that it is there."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), NEUTRAL_GREY)
        if not self._image.isNull():
            if self.zoom() < 1:
                hint = QPainter.RenderHint.SmoothPixmapTransform
                painter.setRenderHint(hint)
            source = QRectF(self._image.rect())
            painter.drawImage(self.picture_rectangle(), self._image, source)
        painter.end()
        if not self._image.isNull() and self._seen_since_ns is None:
            self._seen_since_ns = self._clock()
            if not self._is_announced:
                self._is_announced = True
                self.painted.emit()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Stop the clock."""
        self._seen_ns = self.seen_ms * _NS_PER_MS
        self._seen_since_ns = None
