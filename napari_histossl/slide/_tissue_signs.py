"""What each pixel at low power may be, judged strip by strip: signs of tissue and ink.

A slide of 100,000 pixels has 40 million at low power. All that is kept of them is a
byte each; what it is made from is computed for a strip of rows at a time.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box
from napari_histossl.slide import _stain_colour as colour
from napari_histossl.slide.base import Slide
from napari_histossl.slide.levels import read_virtual, virtual_levels

STAINED, GREY, CERTAIN_INK, POSSIBLE_INK = 1, 2, 4, 8
"""Bits of a sign; a pixel may have several."""

_STRIP_PX = 1 << 20
"""Pixels judged at once: 12 MB for each of the arrays on the way."""

_READ_PX = 1 << 22
"""Pixels read at once: 12 MB; more, as files keep tiles, which strips cut."""

_REACH_PX = 3
"""How far smoothing by one pixel reaches, each of the two times."""


def find_signs(slide: Slide, level: int) -> NDArray[np.uint8]:
    """Judge all pixels of a virtual level.

    Parameters
    ----------
    slide : Slide
        Read once.
    level : int
        Index into ``virtual_levels(slide)``.

    Returns
    -------
    ndarray of shape (H, W) and dtype uint8
        Sums of `STAINED`, `GREY`, `CERTAIN_INK` and `POSSIBLE_INK`.

    Raises
    ------
    SlideReadError
        If the slide cannot be read.
    """
    picture = _read(slide, level)
    glass = colour.find_glass(_sample(picture))
    height, width, _ = picture.shape
    signs = np.empty((height, width), np.uint8)
    for rows, reach in _strips((height, width), 2 * _REACH_PX):
        inner = slice(rows.start - reach.start, rows.stop - reach.start)
        signs[rows] = _judge(_smoothed(_planes(picture[reach])), glass)[inner]
    return signs


def _read(slide: Slide, level: int) -> NDArray[np.uint8]:
    height, width = virtual_levels(slide)[level].shape
    picture = np.empty((height, width, 3), np.uint8)
    for rows, _ in _strips((height, width), at_once_px=_READ_PX):
        box = Box(rows.start, 0, rows.stop - rows.start, width)
        picture[rows] = read_virtual(slide, box, level)
    return picture


def _sample(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return a smoothed pixel of every so many, (3, h, w): enough to find glass."""
    height, width, _ = picture.shape
    every = colour.sample_step(height * width)
    parts = []
    for rows, reach in _strips((height, width), _REACH_PX):
        first = -(-rows.start // every) * every
        inner = slice(first - reach.start, rows.stop - reach.start, every)
        smooth = _smoothed(_planes(picture[reach]))
        parts.append(smooth[:, inner, ::every].copy())
    return np.concatenate(parts, axis=1)


def _judge(smooth: NDArray[np.float32], glass: colour.Glass) -> NDArray[np.uint8]:
    density = colour.densities(smooth, glass)
    signs = colour.find_stained(density, glass) * np.uint8(STAINED)
    signs |= colour.find_grey(density) * np.uint8(GREY)
    certain, possible = colour.find_ink(_smoothed(density))
    signs |= certain * np.uint8(CERTAIN_INK)
    signs |= possible * np.uint8(POSSIBLE_INK)
    return signs


def _planes(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.moveaxis(picture, -1, 0).astype(np.float32, order="C")


def _smoothed(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return planes (3, H, W) smoothed by a Gaussian of one pixel."""
    from scipy import ndimage

    return np.asarray(ndimage.gaussian_filter(planes, (0, 1, 1), truncate=_REACH_PX))


def _strips(
    shape: tuple[int, int], margin: int = 0, *, at_once_px: int | None = None
) -> Iterator[tuple[slice, slice]]:
    """Yield the rows of each strip, and those that it needs about it."""
    height, width = shape
    step = max((at_once_px or _STRIP_PX) // width, 1)
    for start in range(0, height, step):
        stop = min(start + step, height)
        reach = slice(max(start - margin, 0), min(stop + margin, height))
        yield slice(start, stop), reach
