"""Tiles of slides, heat maps and labels: where they come from, and who keeps them.

A `TileSource` cuts a picture into squares at factor-2 levels; `open_tiles` picks the
fastest one for a slide. A `TileService` reads them in threads of its own, those first
that are wanted now, and keeps them within one budget of memory.

Examples
--------
>>> import numpy as np
>>> from napari_histossl.slide import ArraySlide
>>> source = open_tiles(ArraySlide(np.zeros((700, 900, 3), np.uint8)))
>>> [level.shape for level in source.levels]
[(700, 900), (350, 450)]
>>> source.read_tile(0, 2, 3).shape, source.inside_px(0, 2, 3)
((256, 256, 3), (188, 132))
"""

from __future__ import annotations

from napari_histossl.slide._tile_array import TileArray, tile_arrays
from napari_histossl.slide._tile_order import (
    keys_around,
    keys_in_view,
    keys_of_level,
)
from napari_histossl.slide._tile_planes import PlaneTileSource
from napari_histossl.slide._tile_probe import open_tiff_tiles
from napari_histossl.slide._tile_service import BUDGET_BYTES, TileService
from napari_histossl.slide._tile_slide import SlideTileSource
from napari_histossl.slide._tile_source import (
    LookUp,
    TileKey,
    TileKind,
    TileSource,
)
from napari_histossl.slide._tile_stats import SourceHealth, TileStats
from napari_histossl.slide._tile_tiff import TiffTileSource
from napari_histossl.slide._tile_zarr import ZarrSlide, open_zarr_tiles
from napari_histossl.slide.base import Slide
from napari_histossl.slide.color import ColourManagedSlide, ColourManagedTiles

__all__ = [
    "BUDGET_BYTES",
    "LookUp",
    "PlaneTileSource",
    "SlideTileSource",
    "SourceHealth",
    "TiffTileSource",
    "TileArray",
    "TileKey",
    "TileKind",
    "TileService",
    "TileSource",
    "TileStats",
    "keys_around",
    "keys_in_view",
    "keys_of_level",
    "open_tiles",
    "open_zarr_tiles",
    "tile_arrays",
]


def open_tiles(slide: Slide | TileSource) -> TileSource:
    """Return the fastest source of tiles for a slide.

    Parameters
    ----------
    slide : Slide or TileSource
        An open slide, which stays the caller's to close, after the source; a source
        is returned as it is.

    Returns
    -------
    TileSource
        Close it when it is not needed any more.
    """
    if isinstance(slide, TileSource):
        return slide
    if isinstance(slide, ColourManagedSlide):
        return ColourManagedTiles(open_tiles(slide.raw), slide.transform)
    if isinstance(slide, ZarrSlide):
        return SlideTileSource(slide, slide.tile_px)
    return open_tiff_tiles(slide) or SlideTileSource(slide)
