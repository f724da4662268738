"""Which tiles of a slide are worth computing, and in which order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box, TileGrid
from napari_histossl.overlays.grid import StepGrid, Tile

_BLOCK = 8
"""Tiles are computed in blocks of 8 x 8, so that few chunks are open at a time."""

_AROUND = 0.5
"""What is around a view: this share of its longer side, on every side of it."""


def tissue_fractions(
    is_tissue: NDArray[Any],
    downsample: float,
    grid: TileGrid | StepGrid,
    level_downsample: float,
) -> NDArray[np.float64]:
    """Return the share of each tile that is tissue.

    Parameters
    ----------
    is_tissue : ndarray of shape (h, w) and dtype bool
        Tissue at low power.
    downsample : float
        Level-0 pixels per pixel of `is_tissue`.
    grid : TileGrid or StepGrid
        Tiles of the level that will be read.
    level_downsample : float
        Level-0 pixels per pixel of that level.

    Returns
    -------
    ndarray of shape (rows, columns)
        0 to 1, of the part of the tile that lies on the slide.
    """
    if isinstance(grid, TileGrid):
        grid = StepGrid(grid.shape, grid.tile_px, grid.tile_px)
    ratio = level_downsample / downsample  # mask pixels a pixel of the level
    rows, (left, right) = grid.spans(0).T * ratio, grid.spans(1) * ratio
    fractions = np.empty(grid.shape_ij)
    for row, (top, bottom) in enumerate(rows):  # a row at a time: maps can be large
        sums = np.cumsum(_strip(is_tissue, top, bottom))
        tissue = np.interp(right, *_edges(sums)) - np.interp(left, *_edges(sums))
        fractions[row] = tissue / ((bottom - top) * (right - left))
    return np.clip(fractions, 0.0, 1.0)


def _strip(mask: NDArray[Any], top: float, bottom: float) -> NDArray[np.float64]:
    """Return the sums of columns between two rows; rows that are cut count in part."""
    first = min(int(top), len(mask))
    cells = mask[first : math.ceil(bottom)]
    place = np.arange(first, first + len(cells))
    share = np.minimum(place + 1, bottom) - np.maximum(place, top)
    strip: NDArray[np.float64] = share @ cells
    return strip


def _edges(sums: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Return places and running sums between which sums grow evenly."""
    return np.arange(len(sums) + 1), np.concatenate([[0.0], sums])


def order_tiles(
    wanted: NDArray[np.bool_], grid: TileGrid | StepGrid, view_px: Box | None = None
) -> tuple[Tile, ...]:
    """Return the wanted tiles, those in view first.

    Parameters
    ----------
    wanted : ndarray of shape (rows, columns) and dtype bool
        Tiles to be computed.
    grid : TileGrid or StepGrid
        Where they lie.
    view_px : Box, optional
        What a person looks at, in pixels of the level.

    Returns
    -------
    tuple of tuple of int
        (row, column): in view from its middle outwards, then what is around the view,
        then the rest, block by block.
    """
    tiles = np.argwhere(wanted)
    ordered = tiles[rank_tiles(tiles, grid, view_px)]
    place = list(range(max(wanted.shape)))  # one object a number: there are many tiles
    return tuple((place[row], place[column]) for row, column in ordered)


def rank_tiles(
    tiles: NDArray[Any] | Sequence[Tile],
    grid: TileGrid | StepGrid,
    view_px: Box | None = None,
) -> NDArray[np.intp]:
    """Return in which order tiles are computed, as `order_tiles` says.

    Parameters
    ----------
    tiles : ndarray of shape (n, 2)
        Rows and columns.
    grid : TileGrid or StepGrid
        Where they lie.
    view_px : Box, optional
        What a person looks at, in pixels of the level.

    Returns
    -------
    ndarray of shape (n,)
        Indices into `tiles`.
    """
    rows, columns = np.asarray(tiles, np.int64).reshape(-1, 2).T
    keys = [columns, rows, columns // _BLOCK, rows // _BLOCK]
    if view_px is not None:
        near = _nearness(rows, columns, grid, view_px)
        distance = np.where(near == 0, _distance(rows, columns, grid, view_px), 0.0)
        keys += [distance, near]
    return np.lexsort(keys)


def _nearness(
    rows: NDArray[Any], columns: NDArray[Any], grid: TileGrid | StepGrid, view: Box
) -> NDArray[np.int64]:
    """Return 0 for tiles in view, 1 for those around it, 2 for the rest."""
    around = view.padded(round(_AROUND * max(view.shape)))
    step = _step_px(grid)
    near = np.full(len(rows), 2)
    for place, box in ((1, around), (0, view)):
        inside = (rows * step < box.y1) & (rows * step + grid.tile_px > box.y)
        inside &= (columns * step < box.x1) & (columns * step + grid.tile_px > box.x)
        near[inside] = place
    return near


def _distance(
    rows: NDArray[Any], columns: NDArray[Any], grid: TileGrid | StepGrid, view: Box
) -> NDArray[np.float64]:
    """Return the squared distances of tiles from the middle of a view."""
    step = _step_px(grid)
    y = rows * step + grid.tile_px / 2 - (view.y + view.y1) / 2
    x = columns * step + grid.tile_px / 2 - (view.x + view.x1) / 2
    squared: NDArray[np.float64] = y**2 + x**2
    return squared


def _step_px(grid: TileGrid | StepGrid) -> int:
    return grid.step_px if isinstance(grid, StepGrid) else grid.tile_px
