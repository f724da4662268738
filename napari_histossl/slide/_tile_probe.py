"""Find out whether a slide's tiles can be decoded directly, and how.

Every level is compared with the slide's own reader; where pixels differ, or anything
about the file is unusual, the slide is served by that reader. Levels with a fractional
downsample, which OpenSlide resamples, are shown as they are in the file.
"""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import HistoSSLError, SlideReadError
from napari_histossl.geometry import Box
from napari_histossl.slide._tile_codecs import DECODE_ERRORS, Decoder
from napari_histossl.slide._tile_file import SharedFile
from napari_histossl.slide._tile_pages import TilePage, pages_of_levels
from napari_histossl.slide._tile_tiff import TiffTileSource
from napari_histossl.slide.base import Slide

_LARGEST_DIFFERENCE = 0.02
"""Mean difference from the slide's own reader at which a decoder is refused."""


def open_tiff_tiles(slide: Slide) -> TiffTileSource | None:
    """Return a direct source for a slide, or None where its reader has to do.

    Parameters
    ----------
    slide : Slide
        An open slide.

    Returns
    -------
    TiffTileSource or None
        None for anything but a tiled 8-bit RGB TIFF whose pixels, decoded directly,
        are those of the slide: one tile of every level is compared.
    """
    path = getattr(slide.source, "path", None)
    if not isinstance(path, Path):
        return None
    try:
        file = SharedFile(path)
    except HistoSSLError:
        return None
    key = "tiff", file.watch.identity
    with slide.kept.setdefault("probing", threading.Lock()):
        if key not in slide.kept:
            slide.kept[key] = _layout(slide, path, file)
    layout = slide.kept[key]
    if layout is None:
        file.close()
        return None
    return TiffTileSource(slide, file, *layout)


def _layout(
    slide: Slide, path: Path, file: SharedFile
) -> tuple[list[TilePage], list[Decoder]] | None:
    """Return the pages of a slide's levels and what decodes each, if it can be told."""
    pages = pages_of_levels(path, slide.levels)
    if pages is None or not _may_leave_out(slide, pages):
        return None
    chosen = [_fitting(slide, level, page, file) for level, page in enumerate(pages)]
    fitting = [decoder for decoder in chosen if decoder is not None]
    return (pages, fitting) if len(fitting) == len(pages) else None


def _may_leave_out(slide: Slide, pages: list[TilePage]) -> bool:
    """Return False where OpenSlide would draw missing tiles from another level."""
    from napari_histossl.slide._openslide import OpenSlideSlide

    is_whole = all(page.counts.all() for page in pages)
    return is_whole or not isinstance(slide, OpenSlideSlide)


def _fitting(
    slide: Slide, level: int, page: TilePage, file: SharedFile
) -> Decoder | None:
    """Return the decoder that gives the pixels of the slide's reader.

    OpenSlide shifts levels with a fractional downsample by up to half a level-0 pixel,
    depending on where a read begins, which blurs them; only the first tile is exact.
    """
    is_whole = slide.levels[level].downsample.is_integer()
    for index in _samples(page) if is_whole else [0]:
        row, column = divmod(index, page.columns)
        where = Box(
            row * page.tile_px, column * page.tile_px, page.tile_px, page.tile_px
        )
        inside = where.intersection(slide.levels[level].box) or where
        try:
            data = file.read_at(int(page.offsets[index]), int(page.counts[index]))
            expected = slide.read(inside, level)
        except SlideReadError:
            continue  # damaged here: another tile has to tell
        for decoder in page.decoders:
            if _differs(decoder, data, expected) <= _LARGEST_DIFFERENCE:
                return decoder
        return None
    return None


def _samples(page: TilePage) -> list[int]:
    """Return a few tiles, those with the most bytes first: flat ones tell nothing."""
    some = np.unique(np.linspace(0, len(page.counts) - 1, 64).astype(int))
    ordered = some[np.argsort(-page.counts[some])][:4]
    return [int(index) for index in ordered if page.counts[index]]


def _differs(decoder: Decoder, data: bytes, expected: NDArray[np.uint8]) -> float:
    try:
        tile = decoder(data)
        part = tile[: expected.shape[0], : expected.shape[1]].astype(np.int16)
        return float(np.abs(part - expected).mean())
    except DECODE_ERRORS:
        return np.inf
