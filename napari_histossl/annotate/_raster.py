"""From a stroke to pixels: the union of round-capped segments.

A pixel is painted where its centre is within the radius of the polyline. A segment
with round caps is convex, so that in each row it covers one run of pixels: runs of all
segments and rows are found at once, their ends are settled by the exact condition, and
those that overlap are joined. The cost grows with the number of rows, not with the area
of the brush.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import _blocks
from napari_histossl.annotate._blocks import blocks_of, number_of
from napari_histossl.geometry import Box

_RUNS_AT_ONCE = 1 << 17
"""Runs that are computed together: about 30 MB of intermediate values."""

_Floats = NDArray[np.float64]
_Condition = Callable[[_Floats], NDArray[np.bool_]]


class _Segments(NamedTuple):
    """Segments from a to b, one value each, or one value for each run."""

    ay: _Floats
    ax: _Floats
    by: _Floats
    bx: _Floats

    def take(self, index: NDArray[np.intp]) -> _Segments:
        return _Segments(*(values[index] for values in self))


def rasterise(
    points_px0: NDArray[np.float32], radius_px0: float, box: Box
) -> NDArray[np.bool_]:
    """Return which pixels of a box a stroke covers.

    Parameters
    ----------
    points_px0 : ndarray of shape (N, 2)
        Points as (y, x); the centre of pixel (i, j) is at (i, j).
    radius_px0 : float
        Radius of the brush.
    box : Box
        Pixels that are asked for.

    Returns
    -------
    ndarray of shape (height, width) and dtype bool
        True where the centre of the pixel is within the radius of the polyline.
    """
    covered = np.zeros((box.height, box.width + 1), np.bool_)
    segments = _segments_near(points_px0, radius_px0, box)
    for rows, run_segments in _runs(segments, radius_px0, box):
        first, last = _run_ends(rows, run_segments, radius_px0)
        first = np.maximum(first, box.x) - box.x
        last = np.minimum(last, box.x1 - 1) - box.x
        kept = first <= last
        # a column more than there are pixels: runs of two rows never meet
        before = (rows[kept] - box.y) * (box.width + 1)
        covered |= _union(before + first[kept], before + last[kept] + 1, covered.shape)
    return covered[:, :-1]


def _union(first: _Floats, end: _Floats, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """Return which pixels some run covers; runs count pixels row by row."""
    order = np.argsort(first)
    first, end = first[order], np.maximum.accumulate(end[order])
    begins_new = np.ones(len(first), np.bool_)
    begins_new[1:] = first[1:] > end[:-1]
    steps = np.zeros(shape, np.int8)
    steps.reshape(-1)[first[begins_new].astype(np.intp)] = 1
    steps.reshape(-1)[end[np.roll(begins_new, -1)].astype(np.intp)] = -1
    return np.cumsum(steps, dtype=np.int8).view(np.bool_).reshape(shape)


def stroke_boxes(
    points_px0: NDArray[np.float32], radius_px0: float, shape: tuple[int, int]
) -> list[Box]:
    """Return boxes inside a mask that together hold every pixel of a stroke.

    One box where the stroke is small; otherwise at most one for each block of
    `BLOCK_PX`, so that a stroke across the slide costs what it touches. None
    where the stroke lies wholly outside.
    """
    mask_box = Box(0, 0, *shape)
    whole = _box_around(points_px0, radius_px0).intersection(mask_box)
    if whole is None:
        return []
    if whole.height * whole.width <= _blocks.BLOCK_PX**2:
        return [whole]
    found: dict[int, Box] = {}
    for piece in _short_pieces(points_px0):
        around = _box_around(piece, radius_px0).intersection(mask_box)
        for part in blocks_of(around) if around else ():
            key = number_of(part)
            found[key] = part.union(found[key]) if key in found else part
    return [found[key] for key in sorted(found)]


def _box_around(points: NDArray[np.float32], radius: float) -> Box:
    low = np.floor(points.min(axis=0).astype(np.float64) - radius)
    high = np.ceil(points.max(axis=0).astype(np.float64) + radius) + 1
    (y0, x0), (y1, x1) = low, high
    return Box(int(y0), int(x0), int(y1) - int(y0), int(x1) - int(x0))


def _short_pieces(points: NDArray[np.float32]) -> Iterator[NDArray[np.float32]]:
    """Yield the two ends of pieces at most a block long."""
    if len(points) == 1:
        yield points
    for a, b in pairwise(points):
        length = float(np.abs(b - a).max())
        count = int(length // _blocks.BLOCK_PX) + 1
        steps = a + np.linspace(0, 1, count + 1)[:, None] * (b - a)
        for number in range(count):
            yield steps[number : number + 2]


def _segments_near(points: NDArray[np.float32], radius: float, box: Box) -> _Segments:
    exact = points.astype(np.float64)
    a, b = (exact, exact) if len(exact) == 1 else (exact[:-1], exact[1:])
    low, high = np.minimum(a, b) - radius, np.maximum(a, b) + radius
    near = (
        (high[:, 0] >= box.y)
        & (low[:, 0] <= box.y1 - 1)
        & (high[:, 1] >= box.x)
        & (low[:, 1] <= box.x1 - 1)
    )
    return _Segments(a[near, 0], a[near, 1], b[near, 0], b[near, 1])


def _runs(
    segments: _Segments, radius: float, box: Box
) -> Iterator[tuple[_Floats, _Segments]]:
    """Yield rows, and the segment that each row may hold a run of, in batches."""
    low = np.floor(np.minimum(segments.ay, segments.by) - radius)
    high = np.ceil(np.maximum(segments.ay, segments.by) + radius)
    low = np.maximum(low, box.y).astype(np.int64)
    high = np.minimum(high, box.y1 - 1).astype(np.int64)
    counts = np.maximum(high - low + 1, 0)
    batch = np.cumsum(counts) // _RUNS_AT_ONCE
    for number in np.unique(batch):
        members = np.flatnonzero(batch == number)
        index = np.repeat(members, counts[members])
        first_run = np.cumsum(counts[members]) - counts[members]
        offset = np.arange(len(index)) - np.repeat(first_run, counts[members])
        yield (low[index] + offset).astype(np.float64), segments.take(index)


def _run_ends(
    rows: _Floats, segments: _Segments, radius: float
) -> tuple[_Floats, _Floats]:
    """Return first and last column of each run; first > last where there is none."""
    lows, highs = zip(
        _disc_run(rows - segments.ay, segments.ax, radius),
        _disc_run(rows - segments.by, segments.bx, radius),
        _strip_run(rows, segments, radius),
        strict=True,
    )
    low, high = np.minimum.reduce(lows), np.maximum.reduce(highs)
    first, last = np.ceil(low), np.floor(high)

    def is_inside(columns: _Floats) -> NDArray[np.bool_]:
        return _is_inside(rows, columns, segments, radius)

    return _settle(first, -1, is_inside), _settle(last, 1, is_inside)


def _settle(
    end: _Floats, outwards: int, is_inside: Callable[[_Floats], NDArray[np.bool_]]
) -> _Floats:
    """Move an end, computed with rounding errors, to where the condition puts it."""
    is_missing = ~np.isfinite(end)
    end = np.where(is_missing, 0.0, end)
    settled = np.select(
        [
            is_inside(end + outwards),
            is_inside(end),
            is_inside(end - outwards),
        ],
        [end + outwards, end, end - outwards],
        default=-outwards * np.inf,
    )
    return np.where(is_missing, -outwards * np.inf, settled)


def _disc_run(dy: _Floats, ax: _Floats, radius: float) -> tuple[_Floats, _Floats]:
    half = np.sqrt(np.maximum(radius**2 - dy**2, 0))
    is_met = np.abs(dy) <= radius
    return np.where(is_met, ax - half, np.inf), np.where(is_met, ax + half, -np.inf)


def _strip_run(
    rows: _Floats, segments: _Segments, radius: float
) -> tuple[_Floats, _Floats]:
    """Return the run of the rectangle between the two caps."""
    dy = rows - segments.ay
    uy, ux = segments.by - segments.ay, segments.bx - segments.ax
    length2 = uy**2 + ux**2
    reach = radius * np.sqrt(length2)
    along = _between(-dy * uy, length2 - dy * uy, ux)
    across = _between(dy * ux - reach, dy * ux + reach, uy)
    low = segments.ax + np.maximum(along[0], across[0])
    high = segments.ax + np.minimum(along[1], across[1])
    is_met = (low <= high) & (length2 > 0)
    return np.where(is_met, low, np.inf), np.where(is_met, high, -np.inf)


def _between(low: _Floats, high: _Floats, factor: _Floats) -> tuple[_Floats, _Floats]:
    """Return the x for which low <= factor * x <= high."""
    is_flat = factor == 0
    safe = np.where(is_flat, 1.0, factor)
    ends = low / safe, high / safe
    is_met = (low <= 0) & (high >= 0)
    everywhere = np.where(is_met, np.inf, -np.inf)
    return (
        np.where(is_flat, -everywhere, np.minimum(*ends)),
        np.where(is_flat, everywhere, np.maximum(*ends)),
    )


def _is_inside(
    rows: _Floats, columns: _Floats, segments: _Segments, radius: float
) -> NDArray[np.bool_]:
    """Return whether pixel centres are within the radius of their segments."""
    dy, dx = rows - segments.ay, columns - segments.ax
    uy, ux = segments.by - segments.ay, segments.bx - segments.ax
    along, across = dx * ux + dy * uy, dx * uy - dy * ux
    length2 = uy**2 + ux**2
    to_a = dy**2 + dx**2 <= radius**2
    to_b = (rows - segments.by) ** 2 + (columns - segments.bx) ** 2 <= radius**2
    to_line = across**2 <= radius**2 * length2
    return np.where(along <= 0, to_a, np.where(along >= length2, to_b, to_line))
