"""From rings of corners to pixels: inside, a ray crosses an odd number of edges.

An edge crosses a row of pixel centres where it has one end at or above the row and one
below it, so that a corner on a row counts once. What lies right of a crossing, or on
it, changes sides: a running sum of crossings along the row tells who is inside.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box

_CROSSINGS_AT_ONCE = 1 << 18
"""Crossings that are computed together: about 20 MB of intermediate values."""

_Floats = NDArray[np.float64]


def rasterise_rings(
    rings_px0: tuple[NDArray[np.float32], ...], box: Box
) -> NDArray[np.bool_]:
    """Return which pixels of a box lie inside rings.

    Parameters
    ----------
    rings_px0 : tuple of ndarray of shape (N, 2)
        Corners as (y, x), each ring closed by itself; the centre of pixel (i, j) is at
        (i, j). A ring inside another one is a hole.
    box : Box
        Pixels that are asked for.

    Returns
    -------
    ndarray of shape (height, width) and dtype bool
        True where the centre of the pixel is inside; a centre on a left edge is, one
        on a right edge is not.
    """
    flips = np.zeros((box.height, box.width), np.bool_)
    for rows, columns in _crossings(_edges_near(rings_px0, box), box):
        kept = columns < box.width
        index = rows[kept] * box.width + np.maximum(columns[kept], 0)
        counts = np.bincount(index, minlength=0)
        flips.reshape(-1)[: len(counts)] ^= (counts & 1).astype(np.bool_)
    inside: NDArray[np.bool_] = np.logical_xor.accumulate(flips, axis=1)
    return inside


def _edges_near(rings: tuple[NDArray[np.float32], ...], box: Box) -> _Floats:
    """Return (ay, ax, by, bx) of the edges that matter, with a above b, as columns."""
    starts = np.concatenate(rings).astype(np.float64)
    ends = np.concatenate([np.roll(ring, -1, axis=0) for ring in rings])
    edges = np.concatenate([starts, ends.astype(np.float64)], axis=1)
    upside_down = edges[:, 0] > edges[:, 2]
    edges[upside_down] = edges[upside_down][:, [2, 3, 0, 1]]
    near = (
        (edges[:, 0] <= box.y1 - 1)
        & (edges[:, 2] > box.y)
        & (edges[:, 0] < edges[:, 2])
        & (edges[:, [1, 3]].min(axis=1) <= box.x1 - 1)
    )
    found: _Floats = edges[near].T
    return found


def _crossings(
    edges: _Floats, box: Box
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield row and first column at or right of each crossing, counted from the box."""
    first = np.maximum(np.ceil(edges[0]), box.y).astype(np.int64)
    last = np.minimum(np.ceil(edges[2]) - 1, box.y1 - 1).astype(np.int64)
    counts = np.maximum(last - first + 1, 0)
    batch = np.cumsum(counts) // _CROSSINGS_AT_ONCE
    for number in np.unique(batch):
        members = np.flatnonzero((batch == number) & (counts > 0))
        index = np.repeat(members, counts[members])
        first_run = np.cumsum(counts[members]) - counts[members]
        offset = np.arange(len(index)) - np.repeat(first_run, counts[members])
        rows = first[index] + offset
        ay, ax, by, bx = edges[:, index]
        # In this order a crossing at a whole pixel is computed without rounding.
        columns = np.ceil(ax + (rows - ay) * (bx - ax) / (by - ay)).astype(np.int64)
        yield rows - box.y, columns - box.x
