"""What a source of tiles is: whatever can be cut into squares at factor-2 levels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_histossl.closing import Closing
from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box, Level, TileGrid
from napari_histossl.jobs import Progress

TileKey: TypeAlias = "tuple[TileSource, int, int, int]"
"""A tile: source, level, row and column in the grid of tiles."""

LookUp: TypeAlias = Callable[["TileSource", int, int, int], NDArray[Any] | None]
"""Returns a tile that has been decoded already, or None; never decodes."""

TileKind: TypeAlias = Literal["image", "values", "labels"]
"""How a tile is to be drawn: RGB as it is, by a colour map, by a colour table."""

TILE_PX = 256
"""Edge of a tile where the file has no squares of its own."""


class TileSource(Closing, ABC):
    """A picture cut into square tiles at factor-2 levels.

    Attributes
    ----------
    name : str
        What people call it.
    levels : tuple of Level
        Downsamples 1, 2, 4, ... as `virtual_levels` counts them: shapes are those of
        level 0 divided and rounded up; the last one's longer side is at most 512.
    tile_size : int
        Edge of every tile in pixels.
    dtype : numpy.dtype
        Type of the values.
    channels : int or None
        3 for RGB tiles of shape (tile_size, tile_size, 3); None for (tile_size,
        tile_size).
    kind : {"image", "values", "labels"}
        RGB, numbers for a colour map, or indices of a colour table.
    fill_value : float
        Value of pixels beyond the edge of the level: 255 in pictures, 0 in labels,
        NaN in floats.

    Notes
    -----
    Tiles are always whole, C-contiguous and written by nobody else: the last row and
    column hang over the edge of the level and hold `fill_value` there, `inside_px`
    tells how much counts. `read_tile` is safe to call from several threads, and so is
    `close` while it runs.
    """

    name: str
    levels: tuple[Level, ...]
    tile_size: int
    dtype: np.dtype[Any]
    channels: int | None
    kind: TileKind
    fill_value: float

    @abstractmethod
    def read_tile(self, level: int, ty: int, tx: int) -> NDArray[Any]:
        """Read and decode one tile.

        Parameters
        ----------
        level : int
            Index into `levels`.
        ty, tx : int
            Row and column in the grid of tiles of that level.

        Returns
        -------
        ndarray of shape `tile_shape` and dtype `dtype`
            Whole; `fill_value` beyond the edge of the level.

        Raises
        ------
        GeometryError
            If there is no such tile.
        SlideReadError
            If the tile cannot be read or decoded.
        SlideUnreachableError
            If the file does not answer now; trying again later makes sense.
        SlideChangedError
            If the file has been replaced or written to since it was opened.
        """

    def read_tile_using(
        self,
        level: int,
        ty: int,
        tx: int,
        look_up: LookUp,
    ) -> NDArray[Any]:
        """Read a tile, taking finer tiles that it is made of from a cache.

        Parameters
        ----------
        level, ty, tx : int
            As for `read_tile`, whose pixels are the same.
        look_up : callable
            ``look_up(source, level, ty, tx)`` returns a decoded tile or None.

        Returns
        -------
        ndarray of shape `tile_shape` and dtype `dtype`
            As `read_tile` gives it.
        """
        del look_up
        return self.read_tile(level, ty, tx)

    def is_costly(self, level: int) -> bool:
        """Return True where one tile takes hundreds of the file's tiles to make."""
        del level
        return False

    def prepare(self) -> Iterator[Progress]:
        """Make the coarse levels cheap, where `is_costly` says that they are not.

        Yields
        ------
        Progress
            Pieces of the slide; nothing where there is nothing to prepare.

        Raises
        ------
        SlideReadError
            If the file does not answer or was changed; a tile that cannot be decoded
            does not stop the work.
        """
        yield from ()

    def prepared(self) -> tuple[int, int]:
        """Return how many pieces `prepare` or reading has finished, and of how many."""
        return 1, 1

    def close(self) -> None:
        """Release files once the reads in flight are through."""
        return

    # ---- Geometry ----

    @property
    def tile_shape(self) -> tuple[int, ...]:
        """Shape of every tile."""
        edge = (self.tile_size, self.tile_size)
        return edge if self.channels is None else (*edge, self.channels)

    @property
    def tile_bytes(self) -> int:
        """Memory of one tile."""
        return int(np.prod(self.tile_shape)) * self.dtype.itemsize

    def grid(self, level: int) -> TileGrid:
        """Return the grid of tiles of a level."""
        return TileGrid(self.levels[level].shape, self.tile_size)

    def inside_px(self, level: int, ty: int, tx: int) -> tuple[int, int]:
        """Return how many rows and columns of a tile lie inside the level."""
        height, width = self.levels[level].shape
        size = self.tile_size
        return min(size, height - ty * size), min(size, width - tx * size)

    def inside_box(self, level: int, ty: int, tx: int) -> Box:
        """Return the part of a level that a tile shows, in pixels of the level.

        Raises
        ------
        GeometryError
            If there is no such tile.
        """
        if 0 <= level < len(self.levels) and ty >= 0 and tx >= 0:
            height, width = self.inside_px(level, ty, tx)
            if height > 0 and width > 0:
                return Box(ty * self.tile_size, tx * self.tile_size, height, width)
        raise GeometryError(
            f"{self.name} has no tile at level {level}, row {ty}, column {tx}: it has "
            f"levels 0 to {len(self.levels) - 1} of "
            f"{[self.grid(k).shape_ij for k in range(len(self.levels))]} tiles"
        )

    def whole_tile(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return a tile from pixels that begin at its upper left corner."""
        if pixels.shape == self.tile_shape and pixels.flags.c_contiguous:
            return pixels
        tile = np.full(self.tile_shape, self.fill_value, self.dtype)
        tile[: pixels.shape[0], : pixels.shape[1]] = pixels
        return tile
