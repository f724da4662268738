"""Which pages of a TIFF are the levels of a slide, and where their tiles lie."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Level
from napari_histossl.slide._tile_codecs import JPEG, Decoder, decoders

if TYPE_CHECKING:
    import tifffile

SMALLEST_PX, LARGEST_PX = 128, 1024
"""Edges of tiles that are worth drawing as they are."""

_RGB, _YCBCR = 2, 6


@dataclass(frozen=True, slots=True, eq=False)
class TilePage:
    """One level of a TIFF: where its tiles are and what may decode them.

    Attributes
    ----------
    shape : tuple of int
        Height and width of the level in pixels.
    tile_px : int
        Edge of a tile in pixels.
    columns : int
        Tiles in a row.
    offsets, counts : ndarray of int64
        First byte and number of bytes of each tile, row by row; 0 bytes for a tile
        that the file leaves out.
    decoders : list of callable
        What may turn bytes into pixels.
    is_jpeg : bool
        True for baseline JPEG, whose codec says nothing about lost data.
    """

    shape: tuple[int, int]
    tile_px: int
    columns: int
    offsets: NDArray[np.int64]
    counts: NDArray[np.int64]
    decoders: list[Decoder]
    is_jpeg: bool


def pages_of_levels(path: Path, levels: tuple[Level, ...]) -> list[TilePage] | None:
    """Find the page of every level of a slide.

    Parameters
    ----------
    path : Path
        A file of any kind.
    levels : tuple of Level
        Levels that another reader has found in it.

    Returns
    -------
    list of TilePage or None
        One per level; None where the file is no TIFF, a level is not one page of
        square 8-bit RGB tiles, or tiles differ in size from level to level.

    Notes
    -----
    Pages are told by their size alone: readers that group them by their order or their
    names lose levels of files without a thumbnail or with levels in sub-directories.
    """
    import struct

    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            pages = list(_tiled_pages(tiff))
    except (tifffile.TiffFileError, OSError, ValueError, struct.error, IndexError):
        return None
    found = [_page_of(level.shape, pages) for level in levels]
    layouts = [page for page in found if page is not None]
    if len(layouts) < len(levels) or len({page.tile_px for page in layouts}) != 1:
        return None
    return layouts


def _tiled_pages(tiff: tifffile.TiffFile) -> Iterator[Any]:
    for entry in tiff.pages:
        page = entry.aspage()
        for candidate in (page, *(page.pages or ())):
            full = candidate.aspage()
            if full.is_tiled:
                # the tables are read here, while the file is open
                yield (
                    full,
                    np.asarray(full.dataoffsets),
                    np.asarray(full.databytecounts),
                )


def _page_of(shape: tuple[int, int], pages: list[Any]) -> TilePage | None:
    fitting = [entry for entry in pages if _shape(entry[0]) == shape]
    if len(fitting) != 1 or not _is_plain_rgb(fitting[0][0]):
        return None  # several focal planes or channels, or something unusual
    page, offsets, counts = fitting[0]
    edge = int(page.tilewidth)
    columns, rows = -(-shape[1] // edge), -(-shape[0] // edge)
    possible = decoders(page)
    if len(offsets) != rows * columns or len(counts) != len(offsets) or not possible:
        return None
    return TilePage(
        shape=shape,
        tile_px=edge,
        columns=columns,
        offsets=offsets.astype(np.int64),
        counts=counts.astype(np.int64),
        decoders=possible,
        is_jpeg=page.compression == JPEG,
    )


def _shape(page: Any) -> tuple[int, int]:
    return int(page.imagelength), int(page.imagewidth)


def _is_plain_rgb(page: Any) -> bool:
    return (
        page.tilelength == page.tilewidth
        and SMALLEST_PX <= page.tilewidth <= LARGEST_PX
        and page.imagedepth == 1
        and page.samplesperpixel == 3
        and page.planarconfig == 1
        and page.dtype == np.uint8
        and page.fillorder == 1
        and page.photometric in (_RGB, _YCBCR)
    )
