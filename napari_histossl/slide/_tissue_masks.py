"""Connected parts and neighbourhoods of large masks, holding little at once."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

_ROWS = 256
"""Rows looked up or counted at once: numpy takes eight bytes a pixel for it."""


def has(signs: NDArray[np.uint8], bit: int, *, but: int = 0) -> Mask:
    """Tell which signs have a bit, and not another."""
    return np.asarray((signs & np.uint8(bit | but)) == bit)


def grow(certain: Mask, possible: Mask) -> Mask:
    """Return the connected parts of what is possible that hold something certain."""
    parts, count = _label(possible)
    kept = np.zeros(count + 1, bool)
    for rows in _rows(parts):
        kept[parts[rows][certain[rows]]] = True
    kept[0] = False
    return _those(parts, kept)


def without_small(mask: Mask, smallest_px: float) -> Mask:
    """Drop connected parts of fewer pixels."""
    parts, count = _label(mask)
    kept = _sizes(parts, count) >= smallest_px
    kept[0] = False
    return _those(parts, kept)


def without_holes(mask: Mask, largest_px: float) -> Mask:
    """Fill gaps of fewer pixels that do not reach the edge of the picture."""
    parts, count = _label(~mask)
    filled = _sizes(parts, count) < largest_px
    edges = (parts[0], parts[-1], parts[:, 0], parts[:, -1])
    filled[np.unique(np.concatenate(edges))] = False
    gaps = _those(parts, filled)
    gaps |= mask
    return gaps


def closed(mask: Mask, radius_px: int) -> Mask:
    """Close gaps up to twice the radius, also at the edge of the picture."""
    from scipy import ndimage

    grown = near(np.pad(mask, radius_px), radius_px).view(np.uint8)
    size = 2 * radius_px + 1
    inner = ndimage.minimum_filter(grown, size, mode="constant", cval=1)
    margin = slice(radius_px, -radius_px)
    return np.asarray(inner.view(bool)[margin, margin] | mask)


def near(mask: Mask, radius_px: int) -> Mask:
    """Return what lies in squares about the pixels of a mask, the mask included."""
    from scipy import ndimage

    size = 2 * radius_px + 1
    grown = ndimage.maximum_filter(mask.view(np.uint8), size, mode="constant")
    return np.asarray(grown.view(bool))


def _label(mask: Mask) -> tuple[NDArray[np.int32], int]:
    from scipy import ndimage

    parts = np.empty(mask.shape, np.int32)
    return parts, int(ndimage.label(mask, output=parts))


def _sizes(parts: NDArray[np.int32], count: int) -> NDArray[np.intp]:
    """Return the pixels of each part, the background first."""
    sizes = np.zeros(count + 1, np.intp)
    for rows in _rows(parts):
        found = np.bincount(parts[rows].ravel())
        sizes[: len(found)] += found
    return sizes


def _those(parts: NDArray[np.int32], chosen: Mask) -> Mask:
    """Return the pixels of the parts that are chosen."""
    mask = np.empty(parts.shape, bool)
    for rows in _rows(parts):
        mask[rows] = chosen[parts[rows]]
    return mask


def _rows(parts: NDArray[np.int32]) -> Iterator[slice]:
    for start in range(0, len(parts), _ROWS):
        yield slice(start, start + _ROWS)
