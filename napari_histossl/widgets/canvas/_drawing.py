"""One layer on one canvas, drawn from tiles: what happens before each draw."""

from __future__ import annotations

import math
import time
from collections.abc import Container
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, QTimer

from napari_histossl.errors import SlideUnreachableError
from napari_histossl.geometry import Box
from napari_histossl.slide.tiles import (
    TileKey,
    TileService,
    TileSource,
    keys_around,
    keys_in_view,
    keys_of_level,
)
from napari_histossl.widgets.canvas._atlas import TileAtlas
from napari_histossl.widgets.canvas._plan import (
    ROUNDED,
    STRICT,
    Drawing,
    Target,
    choose_level,
    draw_plan,
    find_target,
    squares_from_centre,
    vertices,
)
from napari_histossl.widgets.canvas._slots import SlotTable
from napari_histossl.widgets.canvas._view import View, find_view

if TYPE_CHECKING:
    from napari_histossl.widgets.canvas._canvas import TileCanvas

_UPLOAD_BYTES, _UPLOAD_BYTES_A_PIXEL = 3 << 19, 1.4
"""What is handed to the graphics card in one frame: at least 1.5 MB, more where there
are more pixels to fill and a frame takes longer anyway. The rest waits for the next."""

_GATHER_MS = 20
"""Tiles that arrive within this time, or that of the last frame, are drawn together."""

_REST_MS = 200
"""A view that has not moved for so long is made as sharp as the screen can show."""

_COARSE = 2
"""How many levels coarser what is shown first is: a sixteenth of the tiles."""

_SPARE = 1.3
"""Squares of the atlas per tile that a resting view needs at most."""

_LARGEST_PX = 16384
"""No texture is larger, whatever the graphics card says."""


class TileDrawing(QObject):
    """Tiles of a source in the place of a layer's own picture.

    Parameters
    ----------
    source : TileSource
        What is drawn.
    canvas : TileCanvas
        Who keeps the tiles and asks for them.
    largest_px : int
        Largest texture that the graphics card takes.

    Attributes
    ----------
    atlas : vispy.scene.Node
        To be put under the node of the layer; its coordinates are level-0 pixels.
    is_sharp : bool
        Whether the latest draw showed the right level everywhere.
    shown : View or None
        What the latest draw showed.
    target : Target or None
        The tiles that it asked for.
    """

    def __init__(
        self, source: TileSource, canvas: TileCanvas, largest_px: int | None
    ) -> None:
        super().__init__()
        self.source, self._canvas = source, canvas
        self._largest_px = min(largest_px or _LARGEST_PX, _LARGEST_PX)
        self._slots = SlotTable(1, 1)
        self.atlas = TileAtlas(source.kind, source.tile_size, 1, 1, source.dtype)
        self._top = keys_of_level(source, len(source.levels) - 1)
        self.shown: View | None = None
        self.target: Target | None = None
        self._drawing = Drawing()
        self._awaited: set[TileKey] = set()
        self._is_stale = self._is_resting = self._is_closed = False
        self.is_sharp = self._covers = False
        self._motion = (0.0, 0.0)
        self._drawn_s = 0.0
        self._gather = self._timer(_GATHER_MS, self.redraw)
        self._rest = self._timer(_REST_MS, self._on_rest)
        self._frame = self._timer(0, self._note_frame)

    def _timer(self, interval_ms: int, call: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(call)
        return timer

    @property
    def service(self) -> TileService:
        """Who keeps the tiles."""
        return self._canvas.service

    # ---- Before a draw ----

    def update_view(self) -> bool:
        """Bring the atlas up to date with the camera and with what has arrived.

        Returns
        -------
        bool
            True if the atlas shows the whole slide: nothing else needs to be drawn.

        Notes
        -----
        Called in the middle of a draw. Never reads, never waits; a view that moved
        within the same tiles costs a matrix product.
        """
        view = None if self._is_closed else find_view(self.atlas)
        if view is None:
            self.pause()
            return False
        if not view.is_same(self.shown):
            self._motion = view.moved_from(self.shown)
            self.shown, self._is_resting = view, False
            self._rest.start()
        target = self._find_target(view)
        if target is None:
            self._show_nothing()
            self._covers = True
        elif target != self.target or self._is_stale:
            self._follow(target, view)
        self.target = target
        return self._covers

    def pause(self) -> None:
        """Draw nothing and want nothing until the next `update_view`."""
        if self.shown is not None or self.target is not None:
            self._rest.stop()
            self._show_nothing()
            self.shown = self.target = None
            self._covers = False

    def _find_target(self, view: View) -> Target | None:
        levels, scale = self.source.levels, view.px0_per_pixel
        strict = choose_level(levels, scale, STRICT)
        level = strict if self._is_resting else choose_level(levels, scale, ROUNDED)
        while True:
            target = find_target(
                self.source, view.corners_px0, level, or_finer=strict < level
            )
            if target is None or self._fits(target, view) or level == len(levels) - 1:
                return target
            level += 1

    def _fits(self, target: Target, view: View) -> bool:
        """Return True if the atlas has, or can be given, room for a target."""
        needed = target.box_ij.height * target.box_ij.width + len(self._top)
        if needed <= self._slots.capacity:
            return True
        size = self.source.tile_size
        rows, columns = (2 * length / size + 2 for length in view.size_px)
        side = math.ceil(math.sqrt(max(needed, rows * columns) * _SPARE))
        side = min(side, self._largest_px // size)
        if side * side < needed:
            return False
        self._slots = SlotTable(side, side)
        self.atlas.resize(side, side)
        self._drawing = Drawing()
        self._is_stale = True
        return True

    # ---- A new picture ----

    def _note_frame(self) -> None:
        """Measure the frame that has just been drawn: a slow screen gets fewer."""
        frame_ms = (time.perf_counter() - self._drawn_s) * 1000
        self._gather.setInterval(max(_GATHER_MS, min(_REST_MS, round(frame_ms))))

    def _follow(self, target: Target, view: View) -> None:
        moved = target != self.target
        self._is_stale = False
        self._drawn_s = time.perf_counter()
        self._frame.start()
        left = self._upload(target, view)
        drawing = draw_plan(self.source, target, self._slots, self._is_unreadable)
        self._covers = not drawing.holes
        self.is_sharp = self._covers and not drawing.missing
        self._show(drawing if self._covers else Drawing())
        if moved:
            self._ask(target, drawing, view)
        if left:
            self._is_stale = True
            QTimer.singleShot(0, self.redraw)
        elif self.is_sharp:
            self._canvas.prefetch(self, self._around(target))

    def _show(self, drawing: Drawing) -> None:
        self._drawing = drawing
        self._slots.use(drawing.used)
        self.atlas.set_pieces(vertices(self.source, drawing, self._slots.place))

    def _show_nothing(self) -> None:
        self._show(Drawing())
        self.is_sharp = False
        self._want([])

    def _upload(self, target: Target, view: View) -> bool:
        """Move tiles into the atlas; return True if some were left for later."""
        level, squares = target.level, squares_from_centre(target.box_ij)
        wanted = [(self.source, level, ty, tx) for ty, tx in squares]
        keep = {*self._top, *wanted, *self._drawing.used}
        pixels = view.size_px[0] * view.size_px[1]
        budget = max(_UPLOAD_BYTES, round(_UPLOAD_BYTES_A_PIXEL * pixels))
        if self._top[0] not in self._slots:  # whatever it costs: there is nothing yet
            for key in self._top:
                self._put(key, keep)
        for key in wanted:
            if key in self._slots:
                continue
            if budget <= 0 and self.service.has(*key):
                return True
            budget -= self._put(key, keep) or self._put_coarser(key, keep)
        return False

    def _put(self, key: TileKey, keep: Container[TileKey]) -> int:
        """Move a tile into the atlas if it has been decoded; return its bytes."""
        if key in self._slots:
            return 0
        tile = self.service.get(*key)
        if tile is None:
            return 0
        place = self._slots.take(key, keep)
        return 0 if place is None else self.atlas.upload(tile, place)

    def _put_coarser(self, key: TileKey, keep: Container[TileKey]) -> int:
        source, level, ty, tx = key
        for up in range(1, len(source.levels) - level):
            coarser = (source, level + up, ty >> up, tx >> up)
            if coarser in self._slots:
                return 0
            moved = self._put(coarser, keep)
            if moved:
                return moved
        return 0

    def _is_unreadable(self, key: TileKey) -> bool:
        error = self.service.failed(*key)
        return error is not None and not isinstance(error, SlideUnreachableError)

    # ---- Asking and hearing ----

    def _ask(self, target: Target, drawing: Drawing, view: View) -> None:
        coarse: list[TileKey] = []
        level = min(target.level + _COARSE, len(self.source.levels) - 1)
        if drawing.missing and level > target.level:
            box_px = _box_px(self.source, level, view)
            coarse = keys_in_view(self.source, level, box_px, coarser=0)
        coarse = [key for key in coarse if key not in self._slots]
        self._want(coarse + drawing.missing + drawing.unreadable)

    def _around(self, target: Target) -> list[TileKey]:
        size, box = self.source.tile_size, target.box_ij
        view_px = Box(box.y * size, box.x * size, box.height * size, box.width * size)
        around = keys_around(self.source, target.level, view_px)
        if not self._is_resting:
            around = [key for key in around if self._is_ahead(key, target)]
        return [key for key in around if key not in self._slots]

    def _is_ahead(self, key: TileKey, target: Target) -> bool:
        """Return True for a tile beside a target towards which the view moves."""
        _source, level, ty, tx = key
        box, (down, right) = target.box_ij, self._motion
        return level == target.level and (
            (down > 0 and ty >= box.y1)
            or (down < 0 and ty < box.y)
            or (right > 0 and tx >= box.x1)
            or (right < 0 and tx < box.x)
        )

    def _want(self, keys: list[TileKey]) -> None:
        self._awaited = set(keys)
        self._canvas.want(self, keys)

    def on_arrivals(self, keys: set[TileKey]) -> None:
        """Draw again if some of these tiles are what was missing."""
        arrived = self._awaited & keys
        if not arrived:
            return
        # what did not arrive because its file does not answer is still awaited
        self._awaited -= {key for key in arrived if self.service.has(*key)}
        self._is_stale = True
        if self._awaited.issubset(self._drawing.unreadable):
            self._gather.stop()
            self.redraw()
        elif not self._gather.isActive():
            self._gather.start()

    def _on_rest(self) -> None:
        self._is_resting = self._is_stale = True
        self.redraw()

    def redraw(self) -> None:
        """Ask for a draw."""
        if not self._is_closed:
            self.atlas.update()

    def close(self) -> None:
        """Let go of everything; the layer or its canvas is going away."""
        if self._is_closed:
            return
        self._is_closed = True
        self._gather.stop()
        self._rest.stop()
        self._frame.stop()
        self._canvas.leave(self)


def _box_px(source: TileSource, level: int, view: View) -> Box:
    """Return what a view shows in pixels of a level."""
    downsample = source.levels[level].downsample
    low = view.corners_px0.min(0) / downsample
    high = view.corners_px0.max(0) / downsample
    y0, x0 = math.floor(low[0]), math.floor(low[1])
    return Box(y0, x0, max(1, math.ceil(high[0]) - y0), max(1, math.ceil(high[1]) - x0))
