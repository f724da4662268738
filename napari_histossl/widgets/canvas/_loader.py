"""From the cache of tiles into the texture, a bounded amount each frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterable
from typing import Any

from numpy.typing import NDArray

from napari_histossl.slide.tiles import (
    TileKey,
    TileService,
    TileSource,
    keys_of_level,
)
from napari_histossl.widgets.canvas._atlas import TileAtlas
from napari_histossl.widgets.canvas._plan import Target, squares_from_centre
from napari_histossl.widgets.canvas._slots import SlotTable
from napari_histossl.widgets.canvas._view import View

_UPLOAD_BYTES, _UPLOAD_BYTES_A_PIXEL = 1 << 20, 1.4
"""What is handed to the graphics card in one frame: at least 1 MB, more where there
are more pixels to fill and a frame takes longer anyway. The rest waits for the next."""

_SPARE = 1.3
"""Squares of the atlas per tile that a resting view needs at most."""

_LARGEST_PX = 16384
"""No texture is larger, whatever the graphics card says."""


class AtlasLoader:
    """The texture of one drawing and what is in it.

    Parameters
    ----------
    source : TileSource
        Whose tiles are drawn.
    largest_px : int or None
        Largest texture that the graphics card takes, where it is known.

    Attributes
    ----------
    atlas : vispy.scene.Node
        Draws pieces of the texture.
    slots : SlotTable
        Which tile is where.
    outdated : set of TileKey
        Tiles in the texture whose pixels have changed since.
    retouch : callable or None
        Changes a tile before it goes into the texture: it may be drawn upon.
    """

    def __init__(self, source: TileSource, largest_px: int | None) -> None:
        self._source = source
        self._largest_px = min(largest_px or _LARGEST_PX, _LARGEST_PX)
        self._top = keys_of_level(source, len(source.levels) - 1)
        self.slots = SlotTable(1, 1)
        self.outdated: set[TileKey] = set()
        self.retouch: Callable[[TileKey, NDArray[Any]], NDArray[Any]] | None = None
        self.atlas: Any = TileAtlas(source.kind, source.tile_size, 1, 1, source.dtype)

    def has_room(self, target: Target) -> bool:
        """Return True if all tiles of a target find room beside the coarsest level."""
        needed = target.box_ij.height * target.box_ij.width + len(self._top)
        return needed <= self.slots.capacity

    def make_room(self, target: Target, view: View) -> bool:
        """Make the texture larger for a target; what is in it is lost.

        Returns
        -------
        bool
            False, and nothing is changed, if the graphics card does not take a
            texture of that size.
        """
        size, box = self._source.tile_size, target.box_ij
        rows, columns = (2 * length / size + 2 for length in view.size_px)
        needed = box.height * box.width + len(self._top)
        side = math.ceil(math.sqrt(max(needed, rows * columns) * _SPARE))
        side = min(side, self._largest_px // size)
        if side * side < needed:
            return False
        self.slots = SlotTable(side, side)
        self.outdated.clear()
        self.atlas.resize(side, side)
        return True

    def outdate(self, keys: Iterable[TileKey], drawn: Container[TileKey]) -> None:
        """Forget tiles whose pixels have changed; what is on the screen stays so long.

        Parameters
        ----------
        keys : iterable of TileKey
            What has changed.
        drawn : container of TileKey
            Tiles on the screen: they are replaced when they have been read again.
        """
        for key in keys:
            if key not in self.slots:
                continue
            if key in drawn or key in self._top:
                self.outdated.add(key)
            else:
                self.outdated.discard(key)
                self.slots.drop(key)

    def load(
        self,
        target: Target,
        view: View,
        service: TileService,
        drawn: Iterable[TileKey],
    ) -> bool:
        """Move what a target needs, and has been decoded, into the texture.

        Parameters
        ----------
        target : Target
            Its tiles come first, those in the middle before the others; where one is
            not there yet, the next coarser one that is.
        view : View
            Tells how many pixels there are to fill.
        service : TileService
            Where decoded tiles are.
        drawn : iterable of TileKey
            Tiles on the screen, which stay in the texture.

        Returns
        -------
        bool
            True if some were left for the next frame.
        """
        level, squares = target.level, squares_from_centre(target.box_ij)
        wanted = [(self._source, level, ty, tx) for ty, tx in squares]
        keep = {*self._top, *wanted, *drawn}
        pixels = view.size_px[0] * view.size_px[1]
        budget = max(_UPLOAD_BYTES, round(_UPLOAD_BYTES_A_PIXEL * pixels))
        if self._top[0] not in self.slots:  # whatever it costs: there is nothing yet
            for key in self._top:
                self._put(key, keep, service)
        for key in [key for key in self._top if key in self.outdated]:
            self._put(key, keep, service)
        for key in wanted:
            if self._is_current(key):
                continue
            if budget <= 0 and service.has(*key):
                return True
            budget -= self._put(key, keep, service) or self._put_coarser(
                key, keep, service
            )
        return False

    def _put(self, key: TileKey, keep: Container[TileKey], service: TileService) -> int:
        """Move a tile into the texture if it has been decoded; return its bytes."""
        if self._is_current(key):
            return 0
        tile = service.get(*key)
        if tile is None:
            return 0
        if key in self.slots:
            place: tuple[int, int] | None = self.slots.place(key)
        else:
            place = self.slots.take(key, keep)
        self.outdated.discard(key)
        if place is None:
            return 0
        if self.retouch is not None:
            tile = self.retouch(key, tile)
        return int(self.atlas.upload(tile, place))

    def _is_current(self, key: TileKey) -> bool:
        """Return True for a tile that is in the texture as it is now."""
        return key in self.slots and key not in self.outdated

    def _put_coarser(
        self, key: TileKey, keep: Container[TileKey], service: TileService
    ) -> int:
        source, level, ty, tx = key
        for up in range(1, len(source.levels) - level):
            coarser = (source, level + up, ty >> up, tx >> up)
            if coarser in self.slots:
                return 0
            moved = self._put(coarser, keep, service)
            if moved:
                return moved
        return 0
