"""Corners of the outlines of regions of equal class, found tile by tile.

An outline follows the edges of pixels, with its region on the right-hand side (as seen
on the screen). Whether it turns at a vertex of the pixel grid depends on the four
pixels around the vertex alone, so that tiles need a margin of one pixel and no outline
is ever cut: what is kept is the corners, and these are joined later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate.formats._region_walk import ReadableMask, RegionWalk
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress

RIGHT, DOWN, LEFT, UP = range(4)
"""Directions in which an outline runs."""

MOST_CORNERS = 10_000_000
"""Corners that are held at once, about 2 GB; some 140,000 nests of cells."""


class Corners(NamedTuple):
    """Turns of outlines, one value each.

    Attributes
    ----------
    y, x : ndarray of int64
        Vertex: the upper left corner of the pixel of that row and column.
    comes, goes : ndarray of uint8
        Direction of the outline before and after the turn.
    region : ndarray of int64
        Number of the region; the same for all outlines of a region.
    class_index : ndarray of uint8 or uint16
        Class of the region.
    """

    y: NDArray[np.int64]
    x: NDArray[np.int64]
    comes: NDArray[np.uint8]
    goes: NDArray[np.uint8]
    region: NDArray[np.int64]
    class_index: NDArray[Any]


class CornerFinder:
    """Collects the corners of all regions in a box of a level.

    Parameters
    ----------
    mask : ReadableMask
        Where to read.
    box : Box
        Rectangle in pixels of the level; everything outside counts as unlabelled.
    level : int
        Index into the mask's levels.
    """

    def __init__(self, mask: ReadableMask, box: Box, level: int) -> None:
        self._walk = RegionWalk(mask, box, level)
        self._found: list[Corners] = []

    def run(self) -> Iterator[Progress]:
        """Go through the tiles.

        Raises
        ------
        AnnotationError
            If there are more corners than memory should hold.
        """
        for progress, tile in self._walk.run("tracing outlines"):
            if tile is not None:
                self._found.append(_tile_corners(tile.labels, tile.regions, tile.box))
                self._refuse_too_many()
            yield progress

    def corners(self) -> Corners:
        """Return all corners, with one number for each region across tiles."""
        if not self._found:
            place, kind = np.zeros(0, np.int64), np.zeros(0, np.uint8)
            return Corners(place, place, kind, kind, place, kind)
        joined = [np.concatenate(column) for column in zip(*self._found, strict=True)]
        whole = Corners(*joined)
        return whole._replace(region=self._walk.joined()[whole.region])

    def _refuse_too_many(self) -> None:
        count = sum(len(corners.y) for corners in self._found)
        if count > MOST_CORNERS:
            raise AnnotationError(
                f"the outlines of {self._walk.box} at level {self._walk.level} have "
                f"more than {MOST_CORNERS} corners; export a coarser level, or part of "
                f"the mask"
            )


def _tile_corners(
    labels: NDArray[Any], regions: NDArray[np.int64], tile: Box
) -> Corners:
    """Return the corners at the vertices of a tile."""
    up_left, up_right = labels[:-1, :-1], labels[:-1, 1:]  # around each vertex
    low_left, low_right = labels[1:, :-1], labels[1:, 1:]
    is_edge = (up_left != up_right) | (up_left != low_left) | (low_left != low_right)
    y, x = np.nonzero(is_edge)  # few: the rest looks at these alone
    a, b, c, d = (plane[y, x] for plane in (up_left, up_right, low_left, low_right))
    ab, ac, bd, cd = a == b, a == c, b == d, c == d
    # condition, direction before, direction after, row and column of the pixel
    turns = [
        ((a > 0) & ~ab & ~ac, DOWN, LEFT, 0, 0),
        ((b > 0) & ~ab & ~bd, LEFT, UP, 0, 1),
        ((c > 0) & ~ac & ~cd, RIGHT, DOWN, 1, 0),
        ((d > 0) & ~bd & ~cd, UP, RIGHT, 1, 1),
        ((a > 0) & ab & ac & ~bd, LEFT, DOWN, 0, 0),
        ((b > 0) & ab & bd & ~ac, UP, LEFT, 0, 1),
        ((c > 0) & ac & cd & ~ab, DOWN, RIGHT, 1, 0),
        ((d > 0) & bd & cd & ~ab, RIGHT, UP, 1, 1),
    ]
    found = []
    for is_turn, comes, goes, i, j in turns:
        at = y[is_turn], x[is_turn]
        found.append((*at, comes, goes, regions[i:, j:][at], labels[i:, j:][at]))
    return _joined(found, tile)


def _joined(found: list[tuple[Any, ...]], tile: Box) -> Corners:
    """Return turns of several kinds as one, in the frame of the whole box."""
    y, x, comes, goes, regions, labels = zip(*found, strict=True)
    counts = [len(part) for part in y]
    return Corners(
        np.concatenate(y) + tile.y,
        np.concatenate(x) + tile.x,
        np.repeat(np.array(comes, np.uint8), counts),
        np.repeat(np.array(goes, np.uint8), counts),
        np.concatenate(regions),
        np.concatenate(labels),
    )
