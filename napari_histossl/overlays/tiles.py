"""Which tiles of a slide are worth computing, and in which order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box, TileGrid

_BLOCK = 8
"""Tiles are computed in blocks of 8 x 8, so that few chunks are open at a time."""


def tissue_fractions(
    is_tissue: NDArray[Any], downsample: float, grid: TileGrid, level_downsample: float
) -> NDArray[np.float64]:
    """Return the share of each tile that is tissue.

    Parameters
    ----------
    is_tissue : ndarray of shape (h, w) and dtype bool
        Tissue at low power.
    downsample : float
        Level-0 pixels per pixel of `is_tissue`.
    grid : TileGrid
        Tiles of the level that will be read.
    level_downsample : float
        Level-0 pixels per pixel of that level.

    Returns
    -------
    ndarray of shape (rows, columns)
        0 to 1, of the part of the tile that lies on the slide.
    """
    step = grid.tile_px * level_downsample / downsample  # tile edge in mask pixels
    ends = [n * level_downsample / downsample for n in grid.shape]
    rows, columns = (
        np.minimum(np.arange(count + 1) * step, end)
        for count, end in zip(grid.shape_ij, ends, strict=True)
    )
    sums = np.pad(is_tissue.astype(np.float64), ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    corners = _between(_between(sums, rows, 0), columns, 1)
    tissue = np.diff(np.diff(corners, axis=0), axis=1)
    areas = np.outer(np.diff(rows), np.diff(columns))
    fractions: NDArray[np.float64] = np.clip(tissue / areas, 0.0, 1.0)
    return fractions


def order_tiles(
    wanted: NDArray[np.bool_], grid: TileGrid, view_px: Box | None = None
) -> tuple[tuple[int, int], ...]:
    """Return the wanted tiles, those in view first.

    Parameters
    ----------
    wanted : ndarray of shape (rows, columns) and dtype bool
        Tiles to be computed.
    grid : TileGrid
        Where they lie.
    view_px : Box, optional
        What a person looks at, in pixels of the level.

    Returns
    -------
    tuple of tuple of int
        (row, column): in view from its middle outwards, then block by block.
    """
    tiles = [(int(i), int(j)) for i, j in np.argwhere(wanted)]
    if view_px is None:
        return tuple(sorted(tiles, key=_block_by_block))
    seen = set(grid.covering(view_px))
    middle_i = (view_px.y + view_px.y1) / 2 / grid.tile_px - 0.5
    middle_j = (view_px.x + view_px.x1) / 2 / grid.tile_px - 0.5

    def distance(tile: tuple[int, int]) -> float:
        return (tile[0] - middle_i) ** 2 + (tile[1] - middle_j) ** 2

    near = sorted((t for t in tiles if t in seen), key=distance)
    far = sorted((t for t in tiles if t not in seen), key=_block_by_block)
    return (*near, *far)


def _block_by_block(tile: tuple[int, int]) -> tuple[int, int, int, int]:
    row, column = tile
    return row // _BLOCK, column // _BLOCK, row, column


def _between(sums: NDArray[np.float64], at: NDArray[Any], axis: int) -> NDArray[Any]:
    """Interpolate running sums linearly at fractional places along an axis."""
    last = sums.shape[axis] - 1
    at = np.clip(at, 0, last)
    low = np.minimum(at.astype(np.intp), max(last - 1, 0))
    part = at - low
    part = part[:, None] if axis == 0 else part[None, :]
    lower = np.take(sums, low, axis)
    upper = np.take(sums, np.minimum(low + 1, last), axis)
    between: NDArray[Any] = lower + part * (upper - lower)
    return between
