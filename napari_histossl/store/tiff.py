"""Write a slide as a pyramidal JPEG TIFF that slide viewers open."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box, Level, TileGrid
from napari_histossl.jobs import Progress
from napari_histossl.store._bigtiff import BigTiff, Page
from napari_histossl.store._guard import store_errors
from napari_histossl.store.paths import NamedSource

_STEP = 4
"""Levels step by four, as those of scanners do: 7 % more than level 0 alone."""

_COARSEST_PX = 2048
"""Levels end where the longer side is at most this many pixels."""

_THUMBNAIL_PX = 768
"""Longer side of the thumbnail at most; readers of SVS expect it as second page."""

_PIECE_PX = 4096
"""A row of tiles is read in pieces of this width."""

_MPP_AT_40X = 0.25
"""Micrometres per pixel of a scan with a 40x objective."""


class ReadableSlide(Protocol):
    """What is asked of a slide here."""

    @property
    def source(self) -> NamedSource:
        """Record with a name."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels, of which the first one is read."""

    @property
    def mpp_yx(self) -> tuple[float, float] | None:
        """Micrometres per level-0 pixel."""

    def read(self, box: Box, level: int) -> NDArray[np.uint8]:
        """Read RGB pixels, white outside the slide."""


def write_tiff(
    slide: ReadableSlide,
    path: str | Path,
    *,
    quality: int = 80,
    tile_px: int = 256,
) -> Iterator[Progress]:
    """Write a slide as an SVS-like TIFF: JPEG tiles, levels by four, thumbnail, scale.

    Parameters
    ----------
    slide : Slide
        Read once, row of tiles by row of tiles, at level 0.
    path : str or Path
        File to write; it appears, replacing an older one, when everything is in it.
    quality : int, optional
        JPEG quality, 1 to 100.
    tile_px : int, optional
        Edge of a tile in pixels, a multiple of 16.

    Yields
    ------
    Progress
        Rows of tiles of level 0; the box is in level-0 pixels.

    Raises
    ------
    StoreError
        If the parameters are out of range or the file cannot be written.
    SlideReadError
        If the slide cannot be read.

    Notes
    -----
    Coarser levels are means of what was read, so a slide that draws each level anew is
    written consistently. Memory: one row of tiles per level, 100 MB for a width of
    100,000 pixels. Closing the generator removes what has been written.
    """
    path = Path(path)
    if tile_px < 16 or tile_px % 16 or not 1 <= quality <= 100:
        raise StoreError(
            f"a tile's edge is a multiple of 16 and the quality 1 to 100; got tile_px "
            f"{tile_px}, quality {quality}"
        )
    part = path.with_name(f"{path.name}.partial")
    with store_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with store_errors(path):
            with part.open("wb") as file:
                yield from _Writer(slide, file, quality, tile_px).run()
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


class _Writer:
    """One pass over a slide: bands of rows go down the levels as they fill up."""

    def __init__(
        self, slide: ReadableSlide, file: BinaryIO, quality: int, tile_px: int
    ) -> None:
        self._slide = slide
        mpp = None if slide.mpp_yx is None else math.sqrt(math.prod(slide.mpp_yx))
        self._tiff = BigTiff(file, mpp)
        self._quality, self._tile_px = quality, tile_px
        shapes = _level_shapes(slide.levels[0].shape)
        text = _description(shapes[0], tile_px, quality, mpp)
        self._pages = [
            Page(shape, tile_px, text.format(height=shape[0], width=shape[1]))
            for shape in shapes
        ]
        self._bands = [np.empty((tile_px, shape[1], 3), np.uint8) for shape in shapes]
        self._filled = [0] * len(shapes)
        self._written = [0] * len(shapes)
        self._coarsest = np.empty((*shapes[-1], 3), np.uint8)

    def run(self) -> Iterator[Progress]:
        """Write everything."""
        height, width = self._slide.levels[0].shape
        rows = TileGrid((height, width), self._tile_px).shape_ij[0]
        for row in range(rows):
            y = row * self._tile_px
            box = Box(y, 0, min(self._tile_px, height - y), width)
            for x in range(0, width, _PIECE_PX):
                piece = Box(y, x, box.height, min(_PIECE_PX, width - x))
                self._bands[0][: box.height, x : piece.x1] = self._slide.read(piece, 0)
            self._finish_band(0, box.height)
            yield Progress(row + 1, rows, box)
        self._finish()

    def _finish_band(self, level: int, height: int) -> None:
        """Write a band of tiles and hand its means down to the next level."""
        band = self._bands[level][:height]
        page = self._pages[level]
        first = self._written[level] // self._tile_px * page.across
        for column in range(page.across):
            x = column * self._tile_px
            tile = self._encode(
                _filled_up(band[:, x : x + self._tile_px], self._tile_px)
            )
            self._tiff.put(page, first + column, tile)
        start = self._written[level]
        self._written[level] += height
        if level == len(self._pages) - 1:
            self._coarsest[start : start + height] = band
            return
        coarse = _block_mean(band, _STEP)
        below, filled = level + 1, self._filled[level + 1]
        self._bands[below][filled : filled + len(coarse)] = coarse
        self._filled[below] += len(coarse)
        is_last = self._written[level] == page.shape[0]
        if self._filled[below] == self._tile_px or is_last:
            complete, self._filled[below] = self._filled[below], 0
            self._finish_band(below, complete)

    def _finish(self) -> None:
        """Write the thumbnail, which SVS has as second page, and the pages."""
        factor = -(-max(self._coarsest.shape) // _THUMBNAIL_PX)
        picture = _block_mean(self._coarsest, factor)
        height, width = picture.shape[:2]
        text = f"Aperio Image Library v12.0.0 \r\n{width}x{height} -> thumbnail"
        thumbnail = Page((height, width), 0, text)
        self._tiff.put(thumbnail, 0, self._encode(picture))
        self._tiff.finish([self._pages[0], thumbnail, *self._pages[1:]])

    def _encode(self, tile: NDArray[np.uint8]) -> bytes:
        import imagecodecs

        return bytes(
            imagecodecs.jpeg8_encode(
                np.ascontiguousarray(tile),
                level=self._quality,
                colorspace="rgb",
                outcolorspace="ycbcr",
                subsampling="420",
            )
        )


def _level_shapes(shape: tuple[int, int]) -> list[tuple[int, int]]:
    shapes = [shape]
    while max(shapes[-1]) > _COARSEST_PX:
        height, width = shapes[-1]
        shapes.append((-(-height // _STEP), -(-width // _STEP)))
    return shapes


def _description(
    shape0: tuple[int, int], tile_px: int, quality: int, mpp: float | None
) -> str:
    """Return a template of the text by which programs recognise an SVS."""
    height, width = shape0
    text = (
        f"Aperio Image Library v12.0.0 \r\n{width}x{height} [0,0 {width}x{height}] "
        f"({tile_px}x{tile_px}) -> {{width}}x{{height}} JPEG/RGB Q={quality}"
    )
    if mpp is None:
        return text
    return f"{text}|AppMag = {_magnification(mpp)}|MPP = {mpp:.6g}"


def _magnification(mpp: float) -> float:
    """Return the usual name of a scan of a scale: 40 for 0.25 um per pixel."""
    return float(f"{40 * _MPP_AT_40X / mpp:.3g}")


def _filled_up(part: NDArray[np.uint8], tile_px: int) -> NDArray[np.uint8]:
    """Repeat the edges of an incomplete tile: no ringing where the slide ends."""
    missing = tile_px - part.shape[0], tile_px - part.shape[1]
    if not any(missing):
        return part
    return np.pad(part, ((0, missing[0]), (0, missing[1]), (0, 0)), mode="edge")


def _block_mean(picture: NDArray[np.uint8], block: int) -> NDArray[np.uint8]:
    """Average blocks; incomplete ones repeat their edge."""
    height, width = picture.shape[:2]
    margins = ((0, -height % block), (0, -width % block), (0, 0))
    whole = np.pad(picture, margins, mode="edge") if any(map(any, margins)) else picture
    sums = np.zeros((whole.shape[0] // block, whole.shape[1], 3), np.uint32)
    for offset in range(block):
        sums += whole[offset::block]
    totals = sum(sums[:, offset::block] for offset in range(block))
    area = block * block
    return np.asarray((totals + area // 2) // area).astype(np.uint8)
