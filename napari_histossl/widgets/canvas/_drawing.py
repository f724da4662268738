"""One layer on one canvas, drawn from tiles: what happens before each draw."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject

from napari_histossl.errors import SlideUnreachableError
from napari_histossl.geometry import Box
from napari_histossl.slide.tiles import (
    TileKey,
    TileService,
    TileSource,
    keys_around,
    keys_in_view,
)
from napari_histossl.widgets.canvas._corners import corners_of
from napari_histossl.widgets.canvas._loader import AtlasLoader
from napari_histossl.widgets.canvas._pace import Pace
from napari_histossl.widgets.canvas._plan import (
    ROUNDED,
    STRICT,
    Drawing,
    Target,
    choose_level,
    draw_plan,
    find_target,
)
from napari_histossl.widgets.canvas._stamps import Stamp, Stamps
from napari_histossl.widgets.canvas._view import View, find_view

if TYPE_CHECKING:
    from napari_histossl.widgets.canvas._canvas import TileCanvas

_COARSE = 2
"""How many levels coarser what is shown first is: a sixteenth of the tiles."""


class TileDrawing(QObject):
    """Tiles of a source in the place of a layer's own picture.

    Parameters
    ----------
    source : TileSource
        What is drawn.
    canvas : TileCanvas
        Who keeps the tiles and asks for them.
    largest_px : int or None
        Largest texture that the graphics card takes, where it is known.

    Attributes
    ----------
    atlas : vispy.scene.Node
        To be put under the node of the layer; its coordinates are level-0 pixels.
    is_sharp : bool
        Whether the latest draw showed the right level everywhere.
    is_resting : bool
        Whether the camera has come to rest, so that the right level is the strict one.
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
        self._loader = AtlasLoader(source, largest_px)
        self._stamps = Stamps(source, self._loader, lambda: canvas.service)
        self._pace = Pace(self.redraw, self._on_rest)
        self.shown: View | None = None
        self.target: Target | None = None
        self._drawing = Drawing()
        self._awaited: set[TileKey] = set()
        self._motion = (0.0, 0.0)
        self._is_stale = self._is_closed = self._covers = self._asks_anew = False
        self.is_resting = self.is_sharp = False

    @property
    def atlas(self) -> Any:
        """The node that draws."""
        return self._loader.atlas

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
            self._pace.note_move()
            self.shown, self.is_resting = view, False
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
            self._pace.forget_rest()
            self._show_nothing()
            self.shown = self.target = None
            self._covers = False

    def _find_target(self, view: View) -> Target | None:
        levels, scale = self.source.levels, view.px0_per_pixel
        strict = choose_level(levels, scale, STRICT)
        level = strict if self.is_resting else choose_level(levels, scale, ROUNDED)
        while True:
            target = find_target(
                self.source, view.corners_px0, level, or_finer=strict < level
            )
            if target is None or self._fits(target, view) or level == len(levels) - 1:
                return target
            level += 1

    def _fits(self, target: Target, view: View) -> bool:
        """Return True if the atlas has, or can be given, room for a target."""
        if self._loader.has_room(target):
            return True
        if not self._loader.make_room(target, view):
            return False
        self._drawing, self._is_stale = Drawing(), True
        return True

    # ---- A new picture ----

    def _follow(self, target: Target, view: View) -> None:
        self._pace.note_draw()
        left = self._loader.load(target, view, self.service, self._drawing.used)
        slots = self._loader.slots
        drawing = draw_plan(self.source, target, slots, self._is_unreadable)
        outdated = [key for key in drawing.used if key in self._loader.outdated]
        self._covers = not drawing.holes
        self.is_sharp = self._covers and not drawing.missing and not outdated
        self._show(drawing if self._covers else Drawing())
        self._is_stale = left
        if target != self.target or self._asks_anew:
            self._asks_anew = False
            self._ask(target, drawing, view, outdated)
        if left:
            self._pace.draw_soon()
        elif self.is_sharp:
            self._canvas.prefetch(self, self._around(target))

    def _show(self, drawing: Drawing) -> None:
        slots = self._loader.slots
        self._drawing = drawing
        slots.use(drawing.used)
        self.atlas.set_pieces(corners_of(self.source, drawing, slots.place))

    def _show_nothing(self) -> None:
        self._show(Drawing())
        self.is_sharp = False
        self._want([])

    def _is_unreadable(self, key: TileKey) -> bool:
        error = self.service.failed(*key)
        return error is not None and not isinstance(error, SlideUnreachableError)

    # ---- Asking and hearing ----

    def _ask(
        self, target: Target, drawing: Drawing, view: View, outdated: list[TileKey]
    ) -> None:
        slots, coarse = self._loader.slots, []
        level = min(target.level + _COARSE, len(self.source.levels) - 1)
        if drawing.missing and level > target.level:
            box_px = _box_px(self.source, level, view)
            coarse = keys_in_view(self.source, level, box_px, coarser=0)
        coarse = [key for key in coarse if key not in slots]
        self._want(coarse + drawing.missing + outdated + drawing.unreadable)

    def _around(self, target: Target) -> list[TileKey]:
        """Return tiles that may be needed next: ahead, or all around at rest."""
        size, box = self.source.tile_size, target.box_ij
        view_px = Box(box.y * size, box.x * size, box.height * size, box.width * size)
        around = keys_around(self.source, target.level, view_px)
        if not self.is_resting:
            around = [key for key in around if self._is_ahead(key, target)]
        return [key for key in around if key not in self._loader.slots]

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
            self._pace.draw_soon()
        else:
            self._pace.draw_later()

    def on_change(self, keys: Iterable[TileKey]) -> None:
        """Draw tiles anew whose pixels have changed, the old ones until they are there.

        Parameters
        ----------
        keys : iterable of TileKey
            The service has been told already, by `TileService.invalidate`.
        """
        self._loader.outdate(keys, self._drawing.used)
        self._is_stale = self._asks_anew = True
        self._pace.draw_soon()

    def keys(self) -> list[TileKey]:
        """Return the tiles in the texture, on the screen and off it."""
        return list(self._loader.slots)

    def used(self) -> frozenset[TileKey]:
        """Return the tiles on the screen."""
        return frozenset(self._drawing.used)

    def stamp(self, stamp: Stamp, whole: Stamp | None) -> None:
        """Draw on the tiles on the screen; see `Stamps.draw`."""
        self._stamps.draw(stamp, whole, self._drawing.used)
        self.redraw()

    def end_stamps(self, keys: Iterable[TileKey]) -> None:
        """Take what was stamped for what the tiles themselves show from now on.

        Parameters
        ----------
        keys : iterable of TileKey
            Tiles that are different. Those on the screen are left as they are: there is
            nothing to draw now, and nobody should be busy while that is being saved.
        """
        self._stamps.end()
        used = self._drawing.used
        self._loader.outdate(set(keys) - used, used)
        if self.is_sharp:
            self._want([])

    def _on_rest(self) -> None:
        self.is_resting = self._is_stale = True
        self.redraw()

    def redraw(self) -> None:
        """Ask for a draw."""
        if not self._is_closed:
            self.atlas.update()

    def close(self) -> None:
        """Let go of everything; the layer or its canvas is going away."""
        if not self._is_closed:
            self._is_closed = True
            self._pace.stop()
            self._canvas.leave(self)


def _box_px(source: TileSource, level: int, view: View) -> Box:
    """Return what a view shows in pixels of a level."""
    downsample = source.levels[level].downsample
    low = view.corners_px0.min(0) / downsample
    high = view.corners_px0.max(0) / downsample
    y0, x0 = math.floor(low[0]), math.floor(low[1])
    return Box(y0, x0, max(1, math.ceil(high[0]) - y0), max(1, math.ceil(high[1]) - x0))
