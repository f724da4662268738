"""Square tiles at regular steps; they overlap where a step is shorter than a tile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box

Tile = tuple[int, int]
"""Row and column of a tile in its grid."""


@dataclass(frozen=True, slots=True)
class StepGrid:
    """Tiles that cover a level; the last row and column may hang over it.

    Attributes
    ----------
    shape : tuple of int
        Height and width of the level in pixels.
    tile_px : int
        Edge of a tile in pixels of the level.
    step_px : int
        From one tile to the next, 1 to `tile_px`; as long as a tile they do not
        overlap.
    """

    shape: tuple[int, int]
    tile_px: int
    step_px: int

    def __post_init__(self) -> None:
        if min(self.shape) < 1 or not 1 <= self.step_px <= self.tile_px:
            raise GeometryError(
                f"a grid needs a level of at least one pixel and steps of 1 px to a "
                f"whole tile; got shape {self.shape}, tile_px {self.tile_px}, step_px "
                f"{self.step_px}"
            )

    @property
    def shape_ij(self) -> tuple[int, int]:
        """Number of tile rows and columns."""
        rows, columns = (
            max(-(-(length - self.tile_px) // self.step_px), 0) + 1
            for length in self.shape
        )
        return rows, columns

    def box(self, row: int, column: int) -> Box:
        """Return a full tile; it is not cropped at the edge of the level."""
        step, tile = self.step_px, self.tile_px
        return Box(row * step, column * step, tile, tile)

    def spans(self, axis: int) -> NDArray[np.int64]:
        """Return first and last edge of every row (axis 0) or column (1) of tiles.

        Returns
        -------
        ndarray of shape (2, rows or columns)
            In pixels, cut off at the edge of the level.
        """
        starts = np.arange(self.shape_ij[axis], dtype=np.int64) * self.step_px
        return np.minimum(np.stack([starts, starts + self.tile_px]), self.shape[axis])

    def covering(self, box: Box) -> Iterator[Tile]:
        """Yield (row, column) of every tile of the grid that a box touches."""
        rows, columns = (
            range(
                max((first - self.tile_px) // self.step_px + 1, 0),
                min((end - 1) // self.step_px, count - 1) + 1,
            )
            for first, end, count in zip(
                (box.y, box.x), (box.y1, box.x1), self.shape_ij, strict=True
            )
        )
        for row in rows:
            for column in columns:
                yield row, column
