"""Which pieces of coarser levels lie below a box, and what they are made from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box, TileGrid

_REFRESH_PX = 1024
"""Large boxes are refreshed in squares of this many pixels: memory stays bounded."""


def pieces_below(box: Box, levels: int) -> Iterator[tuple[int, Box]]:
    """Yield each level from 1 on and its pieces below a box of level 0, finest first.

    Parameters
    ----------
    box : Box
        In pixels of level 0.
    levels : int
        Number of levels, level 0 included.

    Yields
    ------
    tuple of int and Box
        A level, and a piece in its pixels. Pieces lie on a fixed grid, so that they
        meet at chunk borders.
    """
    for level in range(1, levels):
        box = _halved(box)
        grid = TileGrid((box.y1, box.x1), _REFRESH_PX)
        for row, column in grid.covering(box):
            piece = grid.box(row, column).intersection(box)
            if piece is not None:
                yield level, piece


def padded_to_even(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return pixels (..., height, width) with an odd last row or column twice."""
    missing = pixels.shape[-2] % 2, pixels.shape[-1] % 2
    if not any(missing):
        return pixels
    margins = [(0, 0)] * (pixels.ndim - 2) + [(0, count) for count in missing]
    return np.pad(pixels, margins, mode="edge")


def _halved(box: Box) -> Box:
    y, x = box.y // 2, box.x // 2
    return Box(y, x, -(-box.y1 // 2) - y, -(-box.x1 // 2) - x)
