"""The whole slide as a small picture, with the part that is on the screen."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap
from qtpy.QtWidgets import QSizePolicy, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.slide import Slide, read_virtual, virtual_levels
from napari_histossl.slide.tiles import TileSource
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench
from napari_histossl.widgets._worker import BackgroundReads

_HEIGHT = 190
"""Logical pixels; a slide that is taller than wide is scaled to this."""

_SMALLEST_BOX = 6.0
"""A view box is drawn at least this large, in logical pixels, to be found."""

_FRAME = QColor(0, 90, 255)


class Overview(QWidget):
    """A picture of the slide in view; click or drag in it to go there.

    Parameters
    ----------
    bench : Workbench
        Whose slide is shown.
    """

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self.bench = bench
        self.picture: NDArray[np.uint8] | None = None
        self.problem = ""
        self._pixmap, self._pixmap_of = QPixmap(), (0, 0, 0, 0)
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_picture)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.setToolTip("Click or drag to go there")
        bench.slide_changed.connect(self.read)
        bench.rotation.changed.connect(self.update)
        bench.viewer.scene.camera.events.connect(lambda _event: self._on_view())
        bench.viewer.canvas.events.size.connect(lambda _event: self._on_view())
        self.read()

    def read(self) -> None:
        """Read the picture of the slide in view, in a thread."""
        shown, self.picture, self.problem = self.bench.shown, None, ""
        self._reads.drop()
        if shown is not None:
            origin = shown.layer.metadata[METADATA_KEY].get("tiles") or shown.slide
            tiles = self._tiles(origin)
            self._reads.ask(origin, lambda: _read_whole(origin, tiles))
        self.update()

    def _tiles(self, origin: Any) -> TileSource | None:
        """Return the tiles that the canvas draws: what they read once is read once."""
        for drawing in self.bench.canvas.drawings(origin):
            tiles: TileSource = drawing.source
            return tiles
        return None

    def _on_picture(self, origin: Any, picture: Any) -> None:
        shown = self.bench.shown
        now = shown and (shown.layer.metadata[METADATA_KEY].get("tiles") or shown.slide)
        if origin is not now:
            return  # of another slide by now
        if isinstance(picture, HistoSSLError):
            self.problem = "This slide's overview cannot be read."
        else:
            self.picture = picture
        self.update()

    def _on_view(self) -> None:
        if not self.bench.closed:
            self.update()

    # ---- where things are

    def slide_rect(self) -> QRectF | None:
        """Return where the slide is in this widget; None without a slide."""
        shown = self.bench.shown
        if shown is None:
            return None
        height, width = self._world_size()
        scale = min(self.width() / width, self.height() / height)
        across, down = width * scale, height * scale
        return QRectF(
            (self.width() - across) / 2, (self.height() - down) / 2, across, down
        )

    def view_rect(self) -> QRectF | None:
        """Return the part of this widget that is on the screen; None without one."""
        rect = self.slide_rect()
        if rect is None:
            return None
        first, last = (self._to_widget(corner) for corner in self.bench.view_corners())
        view = QRectF(first, last).normalized()
        missing_x = max(0.0, _SMALLEST_BOX - view.width()) / 2
        missing_y = max(0.0, _SMALLEST_BOX - view.height()) / 2
        view.adjust(-missing_x, -missing_y, missing_x, missing_y)
        return view

    def _world_size(self) -> tuple[float, float]:
        """Return height and width of the turned slide in world units."""
        shown = self.bench.shown
        assert shown is not None
        size = np.asarray(shown.slide.levels[0].shape) * shown.pixel_um_yx
        turned = self.bench.rotation.quarter_turns % 2
        return float(size[turned]), float(size[1 - turned])

    def _scale(self) -> float:
        rect = self.slide_rect()
        assert rect is not None
        return rect.width() / self._world_size()[1]

    def _to_widget(self, world_yx: tuple[float, float]) -> QPointF:
        shown = self.bench.shown
        assert shown is not None
        middle_y, middle_x = shown.centre_world
        scale = self._scale()
        return QPointF(
            self.width() / 2 + (world_yx[1] - middle_x) * scale,
            self.height() / 2 + (world_yx[0] - middle_y) * scale,
        )

    def _to_world(self, point: QPointF) -> tuple[float, float]:
        shown = self.bench.shown
        assert shown is not None
        middle_y, middle_x = shown.centre_world
        scale = self._scale()
        return (
            middle_y + (point.y() - self.height() / 2) / scale,
            middle_x + (point.x() - self.width() / 2) / scale,
        )

    # ---- what Qt calls

    def sizeHint(self) -> QSize:
        """Return the size that suits the dock."""
        return QSize(320, _HEIGHT)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go to where the mouse is."""
        self._go(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go along with the mouse while its button is down."""
        self._go(event)

    def _go(self, event: QMouseEvent) -> None:
        rect = self.slide_rect()
        if rect is None or not event.buttons() & Qt.MouseButton.LeftButton:
            return
        at = event.position()
        inside = QPointF(
            float(np.clip(at.x(), rect.left(), rect.right())),
            float(np.clip(at.y(), rect.top(), rect.bottom())),
        )
        camera = self.bench.viewer.scene.camera
        camera.center = (*camera.center[:-2], *self._to_world(inside))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture, then the view box."""
        del event
        rect, view = self.slide_rect(), self.view_rect()
        painter = QPainter(self)
        if rect is not None and view is not None:
            self._paint_slide(painter, rect)
            painter.setClipRect(rect.adjusted(-2, -2, 2, 2))
            painter.setPen(QPen(QColor(255, 255, 255), 4))
            painter.drawRect(view)
            painter.setPen(QPen(_FRAME, 2))
            painter.drawRect(view)
        painter.end()

    def _paint_slide(self, painter: QPainter, rect: QRectF) -> None:
        if self.picture is None:
            painter.fillRect(rect, QColor(128, 128, 128, 60))
            text = self.problem or "reading …"
            painter.drawText(rect, int(Qt.AlignmentFlag.AlignCenter), text)
            return
        painter.drawPixmap(rect.topLeft(), self._scaled(self.picture, rect))

    def _scaled(self, picture: NDArray[np.uint8], rect: QRectF) -> QPixmap:
        """Return the picture turned and in the size it has here; kept while it fits."""
        turns, ratio = self.bench.rotation.quarter_turns, self.devicePixelRatioF()
        size = (rect.size() * ratio).toSize()
        key = (id(picture), turns, size.width(), size.height())
        if key != self._pixmap_of:
            image = as_image(np.rot90(picture, -turns)).scaled(
                size,
                Qt.AspectRatioMode.IgnoreAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            image.setDevicePixelRatio(ratio)
            self._pixmap, self._pixmap_of = QPixmap.fromImage(image), key
        return self._pixmap


def as_image(picture: NDArray[np.uint8]) -> QImage:
    """Return an RGB picture, (height, width, 3) uint8, as Qt draws it."""
    pixels = np.ascontiguousarray(picture)
    height, width = pixels.shape[:2]
    image = QImage(
        pixels.tobytes(), width, height, 3 * width, QImage.Format.Format_RGB888
    )
    return image.copy()  # Qt does not hold the bytes


def _read_whole(slide: Slide, tiles: TileSource | None) -> NDArray[np.uint8]:
    """Read the coarsest virtual level, at most 512 pixels along a side."""
    if tiles is None:
        level = len(virtual_levels(slide)) - 1
        return read_virtual(slide, virtual_levels(slide)[level].box, level)
    level = len(tiles.levels) - 1
    size, (rows, columns) = tiles.tile_size, tiles.grid(level).shape_ij
    whole = np.empty((rows * size, columns * size, 3), np.uint8)
    for ty in range(rows):
        for tx in range(columns):
            square = np.s_[ty * size : (ty + 1) * size, tx * size : (tx + 1) * size]
            whole[square] = tiles.read_tile(level, ty, tx)
    height, width = tiles.levels[level].shape
    return whole[:height, :width]
