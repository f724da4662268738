"""Drawing on the tiles on the screen: at once, before anything is read or saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box
from napari_histossl.slide.tiles import TileKey, TileService, TileSource
from napari_histossl.widgets.canvas._loader import AtlasLoader


class Stamp(Protocol):
    """Something that is drawn on pixels of any level."""

    @property
    def box_px0(self) -> Box:
        """Where, in pixels of level 0."""

    def draw(self, labels: NDArray[Any], box: Box, level: int) -> None:
        """Draw it into the pixels of a box of a level; outside it they stay."""


class Stamps:
    """What is drawn on the tiles of one drawing.

    Parameters
    ----------
    source : TileSource
        What is drawn upon.
    loader : AtlasLoader
        Its texture.
    service : callable
        Returns who keeps the tiles.

    Notes
    -----
    Copies of the tiles that were drawn upon are kept until newer ones come into the
    texture: only a part of a tile is changed there, and nothing is read back.
    """

    def __init__(
        self,
        source: TileSource,
        loader: AtlasLoader,
        service: Callable[[], TileService],
    ) -> None:
        self._source, self._loader, self._service = source, loader, service
        self._ours: dict[TileKey, NDArray[Any]] = {}
        self._whole: Stamp | None = None
        loader.retouch = self._retouched

    def draw(self, stamp: Stamp, whole: Stamp | None, used: Iterable[TileKey]) -> None:
        """Draw something on tiles.

        Parameters
        ----------
        stamp : Stamp
            What is new.
        whole : Stamp or None
            Everything of which that is a part, and which tiles that come into the
            texture from now on have to show; None if they do by themselves.
        used : iterable of TileKey
            Tiles on the screen.
        """
        self._whole = whole
        by_level: dict[int, list[tuple[TileKey, Box]]] = {}
        for key in used:
            part = self._part(key, stamp.box_px0)
            if part is not None:
                by_level.setdefault(key[1], []).append((key, part))
        for level, parts in by_level.items():
            self._draw_on_level(stamp, level, parts)

    def end(self) -> None:
        """What was drawn is shown by the tiles themselves from now on."""
        self._whole = None
        slots = self._loader.slots
        self._ours = {key: ours for key, ours in self._ours.items() if key in slots}

    def _draw_on_level(
        self, stamp: Stamp, level: int, parts: list[tuple[TileKey, Box]]
    ) -> None:
        """Draw once for all tiles of a level: what is drawn is costlier than copies."""
        around = parts[0][1]
        for _key, part in parts[1:]:
            around = around.union(part)
        pixels = np.zeros(around.shape, self._source.dtype)
        for key, part in parts:
            pixels[part.shifted(-around.y, -around.x).slices] = self._pixels(key, part)
        stamp.draw(pixels, around, level)
        for key, part in parts:
            drawn = pixels[part.shifted(-around.y, -around.x).slices]
            self._pixels(key, part)[...] = drawn
            corner = self._corner(key)
            self._loader.atlas.upload(
                np.ascontiguousarray(drawn),
                self._loader.slots.place(key),
                (part.y - corner[0], part.x - corner[1]),
            )

    def _pixels(self, key: TileKey, part: Box) -> NDArray[Any]:
        """Return a part of our copy of a tile."""
        tile = self._ours.get(key)
        if tile is None:
            kept = self._service().get(*key)
            read = self._source.read_tile(*key[1:]) if kept is None else kept
            tile = self._ours[key] = read.copy()
        y, x = self._corner(key)
        return tile[part.shifted(-y, -x).slices]

    def _part(self, key: TileKey, box_px0: Box) -> Box | None:
        """Return where a box touches a tile, in pixels of the tile's level."""
        _source, level, ty, tx = key
        wide = box_px0.padded(1 << level)  # lines are wider on coarse levels
        y0, x0 = wide.y >> level, wide.x >> level
        y1, x1 = -(-wide.y1 >> level), -(-wide.x1 >> level)
        part = Box(y0, x0, y1 - y0, x1 - x0)
        return part.intersection(self._source.inside_box(level, ty, tx))

    def _corner(self, key: TileKey) -> tuple[int, int]:
        size = self._source.tile_size
        return key[2] * size, key[3] * size

    def _retouched(self, key: TileKey, tile: NDArray[Any]) -> NDArray[Any]:
        """Take a newer tile in place of our copy; draw on it what is being drawn."""
        self._ours.pop(key, None)
        whole = self._whole
        part = None if whole is None else self._part(key, whole.box_px0)
        if whole is None or part is None:
            return tile
        tile = self._ours[key] = tile.copy()
        whole.draw(self._pixels(key, part), part, key[1])
        return tile
