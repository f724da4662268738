"""Tiles of any slide, through `read_virtual`."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.slide._tile_source import TILE_PX, TileSource
from napari_histossl.slide.base import WHITE, Slide
from napari_histossl.slide.levels import read_virtual, virtual_levels


class SlideTileSource(TileSource):
    """Tiles of a slide: RGB, 8 bits.

    Parameters
    ----------
    slide : Slide
        Any slide; whoever opened it closes it.
    tile_size : int, optional
        Edge of a tile in pixels.
    """

    dtype = np.dtype(np.uint8)
    channels = 3
    kind = "image"
    fill_value = WHITE

    def __init__(self, slide: Slide, tile_size: int = TILE_PX) -> None:
        self.slide = slide
        self.name = slide.source.name
        self.levels = virtual_levels(slide)
        self.tile_size = tile_size

    def read_tile(self, level: int, ty: int, tx: int) -> NDArray[Any]:
        """Read one tile; see `TileSource.read_tile`."""
        box = self.inside_box(level, ty, tx)
        return self.whole_tile(read_virtual(self.slide, box, level))
