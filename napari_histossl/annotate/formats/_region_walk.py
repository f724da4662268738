"""Regions of equal class, numbered tile by tile and joined across tiles.

Regions are 4-connected: pixels that touch at a vertex only are two regions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from skimage.measure import label

from napari_histossl.classes import ClassTable
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box, Level, TileGrid
from napari_histossl.jobs import Progress

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
    def read(self, box: Box, level: int = 0) -> NDArray[Any]: ...


class ScaledMask(ReadableMask, Protocol):
    """A mask that may know how large its pixels are."""

    @property
    def mpp_yx(self) -> tuple[float, float] | None: ...


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


@dataclass(frozen=True, slots=True, eq=False)
class Tile:
    """A tile that holds labels.

    Attributes
    ----------
    box : Box
        Where, in pixels from the corner of the walk's box. Tiles reach one row and one
        column beyond the last pixels, which there are unlabelled.
    labels : ndarray of shape (1 + height, 1 + width)
        Classes, with the row above and the column to the left of the tile.
    regions : ndarray of shape (1 + height, 1 + width) and dtype int64
        Number of the region of each pixel, 0 where it is unlabelled; parts of a region
        in two tiles have two numbers, which `RegionWalk.joined` makes one.
    """

    box: Box
    labels: NDArray[Any]
    regions: NDArray[np.int64]


class RegionWalk:
    """Goes through a box of a level, tile by tile.

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
        self.box, self.level = box, level
        self._mask = mask
        self._same: list[NDArray[np.int64]] = []
        self._region_count = 1  # 0 is no region
        self._above = np.zeros(box.width + 2, np.int64)
        self._left = np.zeros(0, np.int64)
        self._corner = 0

    def run(self, message: str) -> Iterator[tuple[Progress, Tile | None]]:
        """Yield every tile, None for one without labels."""
        # Tiles of vertices: one row and one column more than there are pixels.
        grid = TileGrid((self.box.height + 1, self.box.width + 1), _TILE_PX)
        rows, columns = grid.shape_ij
        is_empty = EmptyTiles(self._mask, self.level)
        for number in range(rows * columns):
            row, column = divmod(number, columns)
            tile = grid.box(row, column).intersection(Box(0, 0, *grid.shape))
            assert tile is not None  # every tile of the grid lies on it
            if column == 0:
                self._left, self._corner = np.zeros(tile.height + 1, np.int64), 0
            progress = Progress(number + 1, rows * columns, tile, message)
            yield progress, self._tile(tile, is_empty)

    def joined(self) -> NDArray[np.int64]:
        """Return for each number that was given the number of its whole region."""
        pairs = np.concatenate([np.zeros((2, 0), np.int64), *self._same], axis=1)
        links = coo_array(
            (np.ones(pairs.shape[1], bool), (pairs[0], pairs[1])),
            shape=(self._region_count, self._region_count),
        )
        _count, region = connected_components(links, directed=False)
        return np.asarray(region, np.int64)

    def _tile(self, tile: Box, is_empty: EmptyTiles) -> Tile | None:
        above = self._above[tile.x : tile.x1 + 1].copy()
        # The tile to the left has put its own last row there meanwhile.
        above[0], self._corner = self._corner, int(above[-1])
        labels = self._labels(tile, is_empty)
        if labels is None or not labels.any():
            self._left = np.zeros(tile.height + 1, np.int64)
            self._above[tile.x + 1 : tile.x1 + 1] = 0
            return None
        return Tile(tile, labels, self._number(labels, tile, above))

    def _labels(self, tile: Box, is_empty: EmptyTiles) -> NDArray[Any] | None:
        """Return a tile's pixels, the row above and the column to the left of them."""
        pixels = Box(tile.y - 1, tile.x - 1, tile.height + 1, tile.width + 1)
        inside = pixels.intersection(Box(0, 0, *self.box.shape))
        part = None if inside is None else inside.shifted(self.box.y, self.box.x)
        if inside is None or part is None or is_empty(part):
            return None
        found = self._mask.read(part, self.level)
        labels = np.zeros(pixels.shape, found.dtype)
        labels[inside.shifted(-pixels.y, -pixels.x).slices] = found
        return labels

    def _number(
        self, labels: NDArray[Any], tile: Box, above: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Number the regions of a tile and note which continue those before it."""
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


class EmptyTiles:
    """Tells empty boxes from a coarse level, on which no label ever vanishes."""

    def __init__(self, mask: ReadableMask, level: int) -> None:
        self._overview: NDArray[Any] | None = None
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


def _label(labels: NDArray[Any]) -> NDArray[np.int64]:
    """Number the 4-connected regions of equal class from 1."""
    if (labels == labels[0, 0]).all():  # in the midst of a large region
        return np.ones(labels.shape, np.int64)
    numbers: Any = label(labels, background=0, connectivity=1)  # type: ignore[no-untyped-call]
    return np.asarray(numbers, np.int64)
