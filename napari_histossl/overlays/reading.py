"""Pixels of tiles at the exact scale of a model, cheaply."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import (
    SlideChangedError,
    SlideReadError,
    SlideUnreachableError,
)
from napari_histossl.geometry import Box, TileGrid
from napari_histossl.slide import Slide, SlideSource, open_tiles
from napari_histossl.slide.levels import read_at
from napari_histossl.slide.tiles import TiffTileSource

_KEPT_BYTES = 24 << 20
"""Decoded tiles of the file that are kept: a row of neighbours shares them."""


class TileReader(Slide):
    """A slide put together from decoded tiles, of which the last ones are kept.

    Decoding tiles of the file directly is several times as fast as reading boxes
    through the slide's own reader; levels are virtual ones, the scale is any.

    Parameters
    ----------
    source : SlideSource
        The slide, opened here.

    Raises
    ------
    SlideOpenError
        If it cannot be opened.
    """

    def __init__(self, source: SlideSource) -> None:
        self._slide = source.open()
        self._tiles = open_tiles(self._slide)
        self.source, self.mpp_yx = self._slide.source, self._slide.mpp_yx
        self.levels = self._tiles.levels
        self._kept: OrderedDict[tuple[int, int, int], NDArray[Any]] = OrderedDict()
        self._limit = max(_KEPT_BYTES // self._tiles.tile_bytes, 4)
        self._lock = threading.Lock()
        self._has_tiles_of_file = isinstance(self._tiles, TiffTileSource)

    def read_scaled(self, box: Box, downsample: float) -> NDArray[np.uint8]:
        """Read a box at a scale; see `slide.levels.read_at`.

        Raises
        ------
        SlideReadError
            If pixels of this box cannot be decoded; those beside it may be.
        """
        try:
            return read_at(self, box, downsample)
        except (SlideUnreachableError, SlideChangedError):
            raise
        except SlideReadError:
            if self._has_tiles_of_file:
                raise
            # a tile is larger than what the file is made of: less may be lost
            return read_at(self._slide, box, downsample)

    def _read_inside(self, box: Box, level: int) -> NDArray[np.uint8]:
        size = self._tiles.tile_size
        picture = np.empty((*box.shape, 3), np.uint8)
        grid = TileGrid(self.levels[level].shape, size)
        for row, column in grid.covering(box):
            where = grid.box(row, column)
            common = where.intersection(box)
            assert common is not None  # the grid names touching tiles only
            tile = self._tile(level, row, column)
            source = common.shifted(-where.y, -where.x).slices
            picture[common.shifted(-box.y, -box.x).slices] = tile[source]
        return picture

    def _tile(self, level: int, row: int, column: int) -> NDArray[Any]:
        key = level, row, column
        with self._lock:
            tile = self._kept.get(key)
            if tile is not None:
                self._kept.move_to_end(key)
                return tile
        tile = self._tiles.read_tile(level, row, column)
        with self._lock:
            self._kept[key] = tile
            while len(self._kept) > self._limit:
                self._kept.popitem(last=False)
        return tile

    def close(self) -> None:
        """Close the slide."""
        self._tiles.close()
        self._slide.close()
        self._kept.clear()
