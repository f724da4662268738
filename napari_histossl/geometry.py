"""Rectangles and the frames they live in.

Pairs are always (row, column). A name says its frame:

======== ================================== ==============================
suffix   frame                              unit
======== ================================== ==============================
`_px0`   the slide at level 0               level-0 pixels, int
`_px`    one pyramid level, named alongside pixels of that level, int
`_um`    the glass                          micrometres, float
`_ij`    a tile grid                        tile index, int
======== ================================== ==============================
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from napari_histossl.errors import GeometryError

_ON_GRID_PX = 1e-6
"""An edge this close to a grid line is on it: 17 / (17 / 7) is 7.000000000000001."""


@dataclass(frozen=True, slots=True)
class Box:
    """Half-open rectangle: rows [y, y + height), columns [x, x + width).

    Attributes
    ----------
    y, x : int
        First row and column. May be negative: a box may hang over an edge.
    height, width : int
        Extent in pixels, at least 1.
    """

    y: int
    x: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise GeometryError(
                f"a box covers at least one pixel; got height={self.height}, "
                f"width={self.width} at row {self.y}, column {self.x}"
            )

    @property
    def y1(self) -> int:
        """Row after the last."""
        return self.y + self.height

    @property
    def x1(self) -> int:
        """Column after the last."""
        return self.x + self.width

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.height, self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices; meaningful for a box without negative corners."""
        return slice(self.y, self.y1), slice(self.x, self.x1)

    def shifted(self, rows: int, columns: int) -> Box:
        """Return the box moved by whole pixels."""
        return Box(self.y + rows, self.x + columns, self.height, self.width)

    def padded(self, margin_px: int) -> Box:
        """Return the box grown by a margin on all four sides."""
        return Box(
            self.y - margin_px,
            self.x - margin_px,
            self.height + 2 * margin_px,
            self.width + 2 * margin_px,
        )

    def intersection(self, other: Box) -> Box | None:
        """Return the common part of two boxes, or None where there is none."""
        y0, x0 = max(self.y, other.y), max(self.x, other.x)
        y1, x1 = min(self.y1, other.y1), min(self.x1, other.x1)
        if y1 <= y0 or x1 <= x0:
            return None
        return Box(y0, x0, y1 - y0, x1 - x0)

    def union(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        y0, x0 = min(self.y, other.y), min(self.x, other.x)
        y1, x1 = max(self.y1, other.y1), max(self.x1, other.x1)
        return Box(y0, x0, y1 - y0, x1 - x0)


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution of a pyramid.

    Attributes
    ----------
    shape : tuple of int
        Height and width in pixels of this level.
    downsample : float
        Level-0 pixels per pixel of this level, at least 1; never rounded.
    """

    shape: tuple[int, int]
    downsample: float

    def __post_init__(self) -> None:
        if min(self.shape) < 1 or self.downsample < 1:
            raise GeometryError(
                f"a level has at least one pixel and a downsample of at least 1; "
                f"got shape {self.shape}, downsample {self.downsample}"
            )

    @property
    def box(self) -> Box:
        """The whole level as a box."""
        return Box(0, 0, *self.shape)


@dataclass(frozen=True, slots=True)
class TileGrid:
    """Square tiles that cover a level; the last row and column may hang over it.

    Attributes
    ----------
    shape : tuple of int
        Height and width of the level in pixels.
    tile_px : int
        Edge of a tile in pixels of the level, at least 1.
    """

    shape: tuple[int, int]
    tile_px: int

    def __post_init__(self) -> None:
        if self.tile_px < 1 or min(self.shape) < 1:
            raise GeometryError(
                f"a grid needs a level and a tile of at least one pixel; got shape "
                f"{self.shape}, tile_px {self.tile_px}"
            )

    @property
    def shape_ij(self) -> tuple[int, int]:
        """Number of tile rows and columns."""
        return (
            math.ceil(self.shape[0] / self.tile_px),
            math.ceil(self.shape[1] / self.tile_px),
        )

    def box(self, row: int, column: int) -> Box:
        """Return a full tile; it is not cropped at the edge of the level."""
        return Box(
            row * self.tile_px, column * self.tile_px, self.tile_px, self.tile_px
        )

    def covering(self, box: Box) -> Iterator[tuple[int, int]]:
        """Yield (row, column) of every tile of the grid that a box touches."""
        rows, columns = self.shape_ij
        first_row, first_column = box.y // self.tile_px, box.x // self.tile_px
        last_row = (box.y1 - 1) // self.tile_px
        last_column = (box.x1 - 1) // self.tile_px
        for row in range(max(first_row, 0), min(last_row, rows - 1) + 1):
            for column in range(
                max(first_column, 0), min(last_column, columns - 1) + 1
            ):
                yield row, column


def to_level(box_px0: Box, downsample_yx: tuple[float, float]) -> Box:
    """Return the smallest box of a level that covers a level-0 box.

    Parameters
    ----------
    box_px0 : Box
        Rectangle in level-0 pixels.
    downsample_yx : tuple of float
        Level-0 pixels per level pixel along rows and columns, each at least 1.
        Not rounded: a level written as 8 may be 8.06, two rows off at row 250.

    Returns
    -------
    Box
        Rectangle in pixels of the level.

    Raises
    ------
    GeometryError
        If a downsample is smaller than 1.

    Examples
    --------
    >>> to_level(Box(10, 10, 4, 4), (4.0, 4.0))
    Box(y=2, x=2, height=2, width=2)
    """
    down_y, down_x = downsample_yx
    if down_y < 1 or down_x < 1:
        raise GeometryError(f"downsample is at least 1; got {downsample_yx}")
    y0 = math.floor(box_px0.y / down_y + _ON_GRID_PX)
    x0 = math.floor(box_px0.x / down_x + _ON_GRID_PX)
    y1 = math.ceil((box_px0.y + box_px0.height) / down_y - _ON_GRID_PX)
    x1 = math.ceil((box_px0.x + box_px0.width) / down_x - _ON_GRID_PX)
    return Box(y0, x0, y1 - y0, x1 - x0)


def from_level(box_px: Box, downsample_yx: tuple[float, float]) -> Box:
    """Return the smallest level-0 box that covers a box of a level.

    Parameters
    ----------
    box_px : Box
        Rectangle in pixels of the level.
    downsample_yx : tuple of float
        Level-0 pixels per level pixel along rows and columns, each at least 1.

    Returns
    -------
    Box
        Rectangle in level-0 pixels.

    Raises
    ------
    GeometryError
        If a downsample is smaller than 1.

    Examples
    --------
    >>> from_level(Box(2, 2, 4, 4), (4.0, 4.0))
    Box(y=8, x=8, height=16, width=16)
    """
    down_y, down_x = downsample_yx
    if down_y < 1 or down_x < 1:
        raise GeometryError(f"downsample is at least 1; got {downsample_yx}")
    y0 = math.floor(box_px.y * down_y + _ON_GRID_PX)
    x0 = math.floor(box_px.x * down_x + _ON_GRID_PX)
    y1 = math.ceil(box_px.y1 * down_y - _ON_GRID_PX)
    x1 = math.ceil(box_px.x1 * down_x - _ON_GRID_PX)
    return Box(y0, x0, y1 - y0, x1 - x0)
