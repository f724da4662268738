"""Virtual levels: a pyramid of exact factors of two over whatever a file has.

Files step by 2, by 4, by 8.06 or not at all. Everything that is drawn or computed
counts in virtual levels instead: 1, 2, 4, ... down to 512 pixels. A virtual level is
read from the coarsest level of the file that is not coarser, and area-averaged.
"""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box, Level
from napari_histossl.slide._block_mean import block_mean
from napari_histossl.slide.base import WHITE, Slide

COARSEST_PX = 512
"""Virtual levels end where the longer side is at most this many pixels."""

_SAME = 0.02
"""Levels whose downsamples differ by less than this share are taken for the same.

Scanners write 8.06 where 8 is meant. Averaging less than two pixels would only blur:
such a level is sampled at the nearest pixel, at most half a pixel off anywhere.
"""

_AT_ONCE_PX = 1 << 22
"""Pixels of the file read at once (12 MB); larger boxes are cut, the result is the
same."""


class Leveled(Protocol):
    """What is asked of a slide, or of labels on one, to sample them."""

    @property
    def levels(self) -> tuple[Level, ...]:
        """Shapes and downsamples, finest first."""

    def read(self, box: Box, level: int) -> NDArray[np.uint8]:
        """Read a box of a level."""


def virtual_levels(slide: Leveled) -> tuple[Level, ...]:
    """Return the factor-2 levels that drawing and computing count in.

    Parameters
    ----------
    slide : Slide
        Any slide, or labels on one.

    Returns
    -------
    tuple of Level
        Downsamples 1, 2, 4, ...; shapes are those of level 0 divided and rounded up;
        the last level's longer side is at most 512 pixels.
    """
    height, width = slide.levels[0].shape
    steps = max(0, math.ceil(math.log2(max(height, width) / COARSEST_PX)))
    return tuple(
        Level((-(-height // 2**step), -(-width // 2**step)), float(2**step))
        for step in range(steps + 1)
    )


def read_virtual(slide: Slide, box: Box, level: int) -> NDArray[np.uint8]:
    """Read a box of a virtual level.

    Parameters
    ----------
    slide : Slide
        Any slide.
    box : Box
        Rectangle in pixels of the virtual level; it may hang over the edges.
    level : int
        Index into ``virtual_levels(slide)``.

    Returns
    -------
    ndarray of shape (height, width, 3) and dtype uint8
        RGB, white outside the slide. A pixel at the edge that covers less than a whole
        block is the mean of what there is of it.

    Raises
    ------
    GeometryError
        If there is no such level.
    SlideReadError
        If the pixels cannot be decoded.

    Notes
    -----
    A box gives the same pixels however it is cut out of a larger one, because every
    pixel's footprint depends on its place in the level alone. Memory is bounded: a
    large footprint is read in pieces.
    """
    levels = virtual_levels(slide)
    if not 0 <= level < len(levels):
        raise GeometryError(
            f"{slide.source.name} has virtual levels 0 to {len(levels) - 1}; "
            f"got level {level}"
        )
    inside = box.intersection(levels[level].box)
    if inside == box:
        return _read_inside(slide, box, levels[level].downsample)
    picture = np.full((*box.shape, 3), WHITE, np.uint8)
    if inside is not None:
        picture[inside.shifted(-box.y, -box.x).slices] = _read_inside(
            slide, inside, levels[level].downsample
        )
    return picture


def read_at(slide: Slide, box: Box, downsample: float) -> NDArray[np.uint8]:
    """Read a box at any scale: a level that is not one of the factor-2 levels.

    Parameters
    ----------
    slide : Slide
        Any slide.
    box : Box
        Rectangle in pixels at the scale; it may hang over the edges.
    downsample : float
        Level-0 pixels per pixel, at least 1; fractions are averaged by their share.

    Returns
    -------
    ndarray of shape (height, width, 3) and dtype uint8
        RGB, white outside the slide; the same however a box is cut out of a larger
        one, as with `read_virtual`.

    Raises
    ------
    GeometryError
        If the downsample is below 1.
    SlideReadError
        If the pixels cannot be decoded.
    """
    height, width = (math.ceil(n / downsample - 1e-6) for n in slide.levels[0].shape)
    whole = Level((height, width), downsample)
    inside = box.intersection(whole.box)
    if inside == box:
        return _read_inside(slide, box, downsample)
    picture = np.full((*box.shape, 3), WHITE, np.uint8)
    if inside is not None:
        picture[inside.shifted(-box.y, -box.x).slices] = _read_inside(
            slide, inside, downsample
        )
    return picture


def native_level(slide: Leveled, downsample: float) -> int:
    """Return the coarsest of the file's levels that is not coarser than asked.

    Parameters
    ----------
    slide : Slide
        Any slide, or labels on one.
    downsample : float
        Level-0 pixels per wanted pixel, at least 1.

    Returns
    -------
    int
        Index into ``slide.levels``. A level coarser by up to 2 % counts as the same.
    """
    fitting = [
        index
        for index, level in enumerate(slide.levels)
        if level.downsample <= downsample * (1 + _SAME)
    ]
    return max(fitting, key=lambda index: slide.levels[index].downsample, default=0)


def _read_inside(slide: Slide, box: Box, downsample: float) -> NDArray[np.uint8]:
    index = native_level(slide, downsample)
    native = slide.levels[index]
    ratio = downsample / native.downsample
    if abs(ratio - 1) < 1e-9 and box.intersection(native.box) == box:
        return slide.read(box, index)
    if abs(ratio - 1) <= _SAME:
        return nearest_pixels(slide, box, index, ratio)
    if box.height * box.width * ratio * ratio > _AT_ONCE_PX:
        halves = _halves(box)
        if halves is not None:
            axis = 0 if halves[0].width == box.width else 1
            parts = [_read_inside(slide, half, downsample) for half in halves]
            return np.concatenate(parts, axis=axis)
    rows = _weights(box.y, box.height, ratio, native.shape[0])
    columns = _weights(box.x, box.width, ratio, native.shape[1])
    picture = slide.read(
        Box(rows.start, columns.start, rows.length, columns.length), index
    )
    return _area_mean(picture, rows, columns)


def _halves(box: Box) -> tuple[Box, Box] | None:
    """Cut a box in two along its longer side, or return None for a single pixel."""
    if box.height >= box.width and box.height > 1:
        first = box.height // 2
        return (
            Box(box.y, box.x, first, box.width),
            Box(box.y + first, box.x, box.height - first, box.width),
        )
    if box.width > 1:
        first = box.width // 2
        return (
            Box(box.y, box.x, box.height, first),
            Box(box.y, box.x + first, box.height, box.width - first),
        )
    return None


def nearest_pixels(
    slide: Leveled, box: Box, index: int, ratio: float
) -> NDArray[np.uint8]:
    """Sample a level at the pixels that lie nearest, without mixing them.

    Parameters
    ----------
    slide : Slide
        Any slide, or labels on one.
    box : Box
        Rectangle at the wanted scale.
    index : int
        The level that is read.
    ratio : float
        Pixels of that level per wanted pixel.
    """
    shape = slide.levels[index].shape
    rows = np.minimum(
        ((np.arange(box.y, box.y1) + 0.5) * ratio).astype(np.intp), shape[0] - 1
    )
    columns = np.minimum(
        ((np.arange(box.x, box.x1) + 0.5) * ratio).astype(np.intp), shape[1] - 1
    )
    y, x = int(rows[0]), int(columns[0])
    around = Box(y, x, int(rows[-1]) - y + 1, int(columns[-1]) - x + 1)
    picture = slide.read(around, index)
    sampled: NDArray[np.uint8] = picture[_selector(rows)][:, _selector(columns)]
    return sampled


def _selector(indices: NDArray[np.intp]) -> slice | NDArray[np.intp]:
    """Return what picks these pixels of a picture that begins at the first one."""
    if np.all(np.diff(indices) == 1):  # none is left out or doubled: no copy
        return slice(None)
    relative: NDArray[np.intp] = indices - indices[0]
    return relative


# ---- Area mean, one axis at a time ----


class _Weights:
    """Which source pixels make each output pixel along one axis, and by how much.

    Attributes
    ----------
    start, length : int
        Source pixels that are needed.
    whole : int
        The ratio where it is a whole number, else 0.
    share : ndarray of shape (taps, outputs)
        Weight of source pixel ``first + tap`` in each output; columns sum to 1.
    first : ndarray of shape (outputs,)
        First source pixel of each output, counted from `start`.
    """

    __slots__ = ("first", "length", "share", "start", "whole")

    def __init__(
        self,
        start: int,
        length: int,
        whole: int,
        first: NDArray[np.intp],
        share: NDArray[np.float64],
    ) -> None:
        self.start, self.length, self.whole = start, length, whole
        self.first, self.share = first, share


def _weights(start: int, count: int, ratio: float, source_length: int) -> _Weights:
    whole = round(ratio) if abs(ratio - round(ratio)) < 1e-9 else 0
    if whole:
        ratio = float(whole)
    edges = np.arange(start, start + count + 1) * ratio
    if edges[-2] >= source_length:
        whole = 0  # the last pixel begins beyond a file level that was rounded down
    low = np.minimum(edges[:-1], source_length - 1)
    high = np.maximum(np.minimum(edges[1:], source_length), low + 1e-6)
    first = np.floor(low + 1e-9).astype(np.intp)
    taps = int(np.ceil(ratio)) + (0 if whole else 1)
    cells = first + np.arange(taps)[:, None]
    share = np.minimum(cells + 1, high) - np.maximum(cells, low)
    share = np.clip(share, 0.0, None)
    share /= share.sum(0)
    begin = int(first[0])
    end = min(int(first[-1]) + taps, source_length)
    return _Weights(begin, end - begin, whole, first - begin, share)


def _area_mean(
    picture: NDArray[np.uint8], rows: _Weights, columns: _Weights
) -> NDArray[np.uint8]:
    if rows.whole and columns.whole:
        return block_mean(picture, rows.whole)
    return _fractional_mean(picture, rows, columns)


def _fractional_mean(
    picture: NDArray[np.uint8], rows: _Weights, columns: _Weights
) -> NDArray[np.uint8]:
    """Average blocks of a fractional size: border pixels count by their share."""
    last = len(picture) - 1
    mean = np.zeros((len(rows.first), *picture.shape[1:]), np.float64)
    for tap, share in enumerate(rows.share):
        mean += picture[np.minimum(rows.first + tap, last)] * share[:, None, None]
    last = picture.shape[1] - 1
    result = np.zeros((len(mean), len(columns.first), 3), np.float64)
    for tap, share in enumerate(columns.share):
        taken = mean[:, np.minimum(columns.first + tap, last)]
        result += taken * share[None, :, None]
    # sums of the same products in the same order: equal however the box is cut
    return np.floor(result + 0.5).clip(0, 255).astype(np.uint8)
