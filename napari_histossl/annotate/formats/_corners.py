"""Corners of the outlines of regions of equal class, found tile by tile.

An outline follows the edges of pixels, with its region on the right-hand side (as seen
on the screen). Whether it turns at a vertex of the pixel grid depends on the four
pixels around the vertex alone, so that tiles need a margin of one pixel and no outline
is ever cut: what is kept is the corners, and these are joined later.

Regions are 4-connected: pixels that touch at a vertex only are two regions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.measure import label

from napari_histossl.classes import ClassTable
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box, Level, TileGrid
from napari_histossl.jobs import Progress

RIGHT, DOWN, LEFT, UP = range(4)
"""Directions in which an outline runs."""

MOST_CORNERS = 10_000_000
"""Corners that are held at once, about 2 GB; some 140,000 nests of cells."""

_TILE_PX = 1024
_OVERVIEW_PX = 1 << 22
"""Pixels of the overview that tells empty tiles, at most."""


class ReadableMask(Protocol):
    """What exporting needs of a mask."""

    @property
    def levels(self) -> tuple[Level, ...]: ...
    @property
    def classes(self) -> ClassTable: ...
    @property
    def downsample(self) -> float: ...
    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]: ...


def whole_level(mask: ReadableMask, level: int) -> Box:
    """Return a level of a mask as a box.

    Raises
    ------
    AnnotationError
        If there is no such level.
    """
    if not 0 <= level < len(mask.levels):
        raise AnnotationError(
            f"the mask has levels 0 to {len(mask.levels) - 1}; got level {level}"
        )
    return mask.levels[level].box


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
    class_index : ndarray of uint8
        Class of the region.
    """

    y: NDArray[np.int64]
    x: NDArray[np.int64]
    comes: NDArray[np.uint8]
    goes: NDArray[np.uint8]
    region: NDArray[np.int64]
    class_index: NDArray[np.uint8]


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
        self._mask, self._box, self._level = mask, box, level
        self._found: list[Corners] = []
        self._same: list[NDArray[np.int64]] = []
        self._region_count = 1  # 0 is no region
        self._above = np.zeros(box.width + 2, np.int64)
        self._left = np.zeros(0, np.int64)
        self._corner = 0

    def run(self) -> Iterator[Progress]:
        """Go through the tiles.

        Raises
        ------
        AnnotationError
            If there are more corners than memory should hold.
        """
        # Tiles of vertices: one row and one column more than there are pixels.
        grid = TileGrid((self._box.height + 1, self._box.width + 1), _TILE_PX)
        rows, columns = grid.shape_ij
        is_empty = _EmptyTiles(self._mask, self._level)
        for number in range(rows * columns):
            row, column = divmod(number, columns)
            tile = grid.box(row, column).intersection(Box(0, 0, *grid.shape))
            assert tile is not None  # every tile of the grid lies on it
            if column == 0:
                self._left, self._corner = np.zeros(tile.height + 1, np.int64), 0
            self._take(tile, is_empty)
            yield Progress(number + 1, rows * columns, tile, "tracing outlines")

    def corners(self) -> Corners:
        """Return all corners, with one number for each region across tiles."""
        if not self._found:
            place, kind = np.zeros(0, np.int64), np.zeros(0, np.uint8)
            return Corners(place, place, kind, kind, place, kind)
        joined = [np.concatenate(column) for column in zip(*self._found, strict=True)]
        whole = Corners(*joined)
        pairs = np.concatenate([np.zeros((2, 0), np.int64), *self._same], axis=1)
        links = coo_array(
            (np.ones(pairs.shape[1], bool), (pairs[0], pairs[1])),
            shape=(self._region_count, self._region_count),
        )
        _count, region = connected_components(links, directed=False)
        return whole._replace(region=region[whole.region].astype(np.int64))

    def _take(self, tile: Box, is_empty: _EmptyTiles) -> None:
        # The tile's pixels, and the row above and the column to the left of them.
        pixels = Box(tile.y - 1, tile.x - 1, tile.height + 1, tile.width + 1)
        labels = np.zeros(pixels.shape, np.uint8)
        inside = pixels.intersection(Box(0, 0, *self._box.shape))
        part = None if inside is None else inside.shifted(self._box.y, self._box.x)
        if inside is not None and part is not None and not is_empty(part):
            labels[inside.shifted(-pixels.y, -pixels.x).slices] = self._mask.read(
                part, self._level
            )
        regions = self._number(labels, tile)
        if labels.any():
            self._found.append(_tile_corners(labels, regions, tile))
            self._refuse_too_many()

    def _number(self, labels: NDArray[np.uint8], tile: Box) -> NDArray[np.int64]:
        """Number the regions of a tile and note which continue those before it."""
        regions = np.zeros(labels.shape, np.int64)
        above = self._above[tile.x : tile.x1 + 1].copy()
        # The tile to the left has put its own last row there meanwhile.
        above[0], self._corner = self._corner, int(above[-1])
        if labels.any():
            local = _label(labels)
            regions = np.where(local > 0, local + (self._region_count - 1), 0)
            self._region_count += int(local.max())
            self._note_same(regions[0], above)
            self._note_same(regions[1:, 0], self._left[1:])
        self._left = regions[:, -1].copy()
        self._above[tile.x + 1 : tile.x1 + 1] = regions[-1, 1:]
        return regions

    def _note_same(self, ours: NDArray[np.int64], theirs: NDArray[np.int64]) -> None:
        pairs = np.stack([ours, theirs])
        self._same.append(np.unique(pairs[:, (pairs > 0).all(axis=0)], axis=1))

    def _refuse_too_many(self) -> None:
        count = sum(len(corners.y) for corners in self._found)
        if count > MOST_CORNERS:
            raise AnnotationError(
                f"the outlines of {self._box} at level {self._level} have more than "
                f"{MOST_CORNERS} corners; export a coarser level, or part of the mask"
            )


class _EmptyTiles:
    """Tells empty boxes from a coarse level, on which no label ever vanishes."""

    def __init__(self, mask: ReadableMask, level: int) -> None:
        self._overview: NDArray[np.uint8] | None = None
        for coarse in range(level, len(mask.levels)):
            shape = mask.levels[coarse].shape
            if shape[0] * shape[1] <= _OVERVIEW_PX:
                self._overview = mask.read(Box(0, 0, *shape), coarse)
                self._shift = coarse - level
                break

    def __call__(self, box: Box) -> bool:
        if self._overview is None:
            return False
        rows = slice(box.y >> self._shift, (box.y1 - 1 >> self._shift) + 1)
        columns = slice(box.x >> self._shift, (box.x1 - 1 >> self._shift) + 1)
        return not self._overview[rows, columns].any()


def _label(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Number the 4-connected regions of equal class from 1."""
    numbers: Any = label(labels, background=0, connectivity=1)  # type: ignore[no-untyped-call]
    return np.asarray(numbers, np.int64)


def _tile_corners(
    labels: NDArray[np.uint8], regions: NDArray[np.int64], tile: Box
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
