"""A picture on neutral grey, at a whole-number zoom, moved and marked by the mouse."""

from __future__ import annotations

import time
from collections.abc import Callable

from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import (
    QColor,
    QHideEvent,
    QImage,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_histossl.widgets._study_draft import Mark
from napari_histossl.widgets._study_look import SURROUND
from napari_histossl.widgets._study_marking import Marker, draw_mark
from napari_histossl.widgets._study_times import Watch
from napari_histossl.widgets._study_viewport import Viewport

_LEFT = Qt.MouseButton.LeftButton
_NOTCH = 120
"""What a wheel reports for one click of it."""


class PictureView(QWidget):
    """Shows one picture; its watch runs from the first frame that had its pixels.

    Parameters
    ----------
    clock : callable
        Returns nanoseconds that never go back.
    idle_s : float
        Seconds without input that count as idle.

    Attributes
    ----------
    painted : Signal
        The first frame of the picture has been handed to the screen.
    marked : Signal of object
        A place was marked, or None for a mark taken back.

    Notes
    -----
    The watch stands still while the widget is hidden, so that a pause does not count.
    """

    painted = Signal()
    marked = Signal(object)
    _drawn = Signal(int)

    def __init__(
        self, clock: Callable[[], int] = time.monotonic_ns, idle_s: float = 30.0
    ) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 160)
        self.setMouseTracking(True)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Picture to be judged")
        self.setAccessibleDescription(
            "Keys plus and minus zoom, 0 shows it whole, Shift and arrows move it"
        )
        self.watch = Watch(clock, idle_s)
        self.viewport = Viewport((1, 1))
        self.marker: Marker | None = None
        self._image = QImage()
        self._number = 0
        self._is_announced = False
        self._grabbed: QPointF | None = None
        self._wheel = 0
        # After the events that are waiting now: by then the frame has left for the
        # screen.
        self._drawn.connect(self._on_drawn, Qt.ConnectionType.QueuedConnection)

    def show_picture(self, image: QImage) -> None:
        """Show another picture, whole; the watch starts with its first frame."""
        self._image = image
        self._number += 1
        self._is_announced = False
        self._grabbed = None
        self.watch.reset()
        self.viewport = Viewport((image.height(), image.width()))
        self._measure()
        self.mark(False)
        self.update()

    @property
    def is_seen(self) -> bool:
        """Whether the picture is on the screen."""
        return self.watch.is_running

    @property
    def seen_ms(self) -> int:
        """Milliseconds that the picture has been on the screen."""
        return self.watch.seen_ms

    # ---- place

    def zoom(self) -> float:
        """Return screen pixels per picture pixel."""
        return self.viewport.scale

    def picture_rectangle(self) -> QRectF:
        """Return where the picture is drawn, on whole screen pixels."""
        ratio = self.devicePixelRatioF()
        top, left, height, width = self.viewport.place()
        return QRectF(left / ratio, top / ratio, width / ratio, height / ratio)

    def zoom_by(self, steps: int, at: QPointF | None = None) -> None:
        """Zoom about a point of the widget, or the middle."""
        ratio = self.devicePixelRatioF()
        point = None if at is None else (at.y() * ratio, at.x() * ratio)
        if self.viewport.zoom(steps, point, self.seen_ms):
            self._moved()

    def pan_by(self, down: float, right: float) -> None:
        """Move the picture by parts of the widget."""
        ratio = self.devicePixelRatioF()
        pixels = (down * self.height() * ratio, right * self.width() * ratio)
        if self.viewport.pan(*pixels, self.seen_ms):
            self.viewport.count_pan()
            self._moved()

    def show_whole(self) -> None:
        """Show the picture as at first."""
        if self.viewport.show_whole(self.seen_ms):
            self._moved()

    def _moved(self) -> None:
        self._set_cursor()
        self.update()

    def _set_cursor(self) -> None:
        if self.marker is not None:
            self.setCursor(Qt.CursorShape.CrossCursor)
        elif not self.viewport.is_whole:
            self.setCursor(Qt.CursorShape.OpenHandCursor)
        else:
            self.unsetCursor()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Take the room there is now."""
        self._measure()

    def _measure(self) -> None:
        ratio = self.devicePixelRatioF()
        self.viewport.set_room(self.height() * ratio, self.width() * ratio)

    # ---- marking

    def mark(self, is_on: bool, mark: Mark | None = None) -> None:
        """Let the reader mark a place, or stop that."""
        size = (self._image.height(), self._image.width())
        self.marker = Marker(size, mark) if is_on else None
        self._set_cursor()
        self.update()

    def move_mark(self, rows: int, columns: int) -> None:
        """Move the mark by keys, in steps of a part of what is seen."""
        if self.marker is not None:
            self.marker.move(rows, columns, self.viewport.seen_box())
            self._on_marked()

    def _on_marked(self) -> None:
        self.update()
        self.marked.emit(None if self.marker is None else self.marker.mark)

    def _point(self, place: QPointF) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return self.viewport.picture_point(place.y() * ratio, place.x() * ratio)

    # ---- mouse

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin to move the picture, or to mark a place."""
        if event is None or event.button() != _LEFT or not self.is_seen:
            return
        self.watch.touch()
        self._grabbed = event.position()
        if self.marker is not None:
            self.marker.press(*self._point(event.position()))
            self._on_marked()
        elif not self.viewport.is_whole:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the picture, or draw the box of a mark."""
        if event is None:
            return
        self.watch.touch()
        if self._grabbed is None:
            return
        if self.marker is not None:
            self.marker.drag(*self._point(event.position()))
            self._on_marked()
            return
        ratio = self.devicePixelRatioF()
        moved = (event.position() - self._grabbed) * ratio
        self._grabbed = event.position()
        if self.viewport.pan(moved.y(), moved.x(), self.seen_ms):
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """End what the press began."""
        if self._grabbed is not None and self.marker is None:
            self.viewport.count_pan()
        self._grabbed = None
        self._set_cursor()

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Show the picture whole."""
        if self.marker is None:
            self.show_whole()

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Zoom about the pointer, one step for each notch."""
        if event is None or not self.is_seen:
            return
        self.watch.touch()
        self._wheel += event.angleDelta().y()
        steps = int(self._wheel / _NOTCH)
        if steps:
            self._wheel -= steps * _NOTCH
            self.zoom_by(steps, event.position())

    # ---- drawing

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the picture, then note that it is there."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(SURROUND))
        if self._image.isNull():
            return
        if self.zoom() < 1:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        where = self.picture_rectangle()
        painter.drawImage(where, self._image, QRectF(self._image.rect()))
        if self.marker is not None and self.marker.mark is not None:
            scale = self.zoom() / self.devicePixelRatioF()
            draw_mark(painter, where, scale, self.marker.mark)
        painter.end()
        if not self.watch.is_running:
            self._drawn.emit(self._number)

    def _on_drawn(self, number: int) -> None:
        if number != self._number or not self.isVisible():
            return
        self.watch.start()
        if not self._is_announced:
            self._is_announced = True
            self.painted.emit()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Stop the watch."""
        self.watch.stop()
