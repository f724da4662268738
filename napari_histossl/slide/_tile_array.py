"""The levels of a tile source as arrays, for those who draw arrays and not tiles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box
from napari_histossl.slide._tile_source import TileSource

LARGEST_BYTES = 512 << 20
"""A whole level above this is refused: nobody means to load a slide into memory."""

ReadTile = Callable[[TileSource, int, int, int], NDArray[Any]]


class TileArray:
    """One level of a tile source; slicing it reads tiles and waits for them.

    Parameters
    ----------
    source : TileSource
        Where tiles come from.
    level : int
        Index into ``source.levels``.
    read : callable, optional
        ``read(source, level, ty, tx)`` returns a tile, for instance
        `TileService.load`, which keeps it; by default the source's own `read_tile`.

    Attributes
    ----------
    shape : tuple of int
        Height, width and, for RGB, 3.
    dtype : numpy.dtype
        As the source has it.
    chunks : tuple of int
        Shape of a tile: viewers then ask for whole tiles.
    """

    def __init__(
        self, source: TileSource, level: int, read: ReadTile | None = None
    ) -> None:
        self._source, self._level = source, level
        self._read = read or (lambda source, *place: source.read_tile(*place))
        colours = () if source.channels is None else (source.channels,)
        self.shape = (*source.levels[level].shape, *colours)
        self.dtype = source.dtype
        self.chunks = source.tile_shape

    @property
    def ndim(self) -> int:
        """Number of axes: 3 for RGB, else 2."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        """Bytes of the whole level."""
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, key: Any) -> NDArray[Any]:
        keys = key if isinstance(key, tuple) else (key,)
        if any(one is Ellipsis for one in keys):
            at = next(i for i, one in enumerate(keys) if one is Ellipsis)
            missing = self.ndim - len(keys) + 1
            keys = (*keys[:at], *[slice(None)] * missing, *keys[at + 1 :])
        keys = (*keys, *[slice(None)] * (self.ndim - len(keys)))
        spans = [_span(one, self.shape[axis]) for axis, one in enumerate(keys[:2])]
        if any(high <= low for low, high, _ in spans):
            picture = np.empty(
                (*[max(0, high - low) for low, high, _ in spans], *self.shape[2:]),
                self.dtype,
            )
        else:
            (y, y1, _), (x, x1, _) = spans
            picture = self._read_box(Box(y, x, y1 - y, x1 - x))
        rest = (spans[0][2], spans[1][2], *keys[2:])
        pixels: NDArray[Any] = picture[rest]
        return pixels

    def _read_box(self, box: Box) -> NDArray[Any]:
        picture = np.empty((*box.shape, *self.shape[2:]), self.dtype)
        if picture.nbytes > LARGEST_BYTES:
            raise GeometryError(
                f"{self._source.name}: {box.height} x {box.width} px at level "
                f"{self._level} take {picture.nbytes >> 20} MB; at most "
                f"{LARGEST_BYTES >> 20} MB are read at once: take a coarser level"
            )
        grid = self._source.grid(self._level)
        for ty, tx in grid.covering(box):
            where = grid.box(ty, tx)
            common = where.intersection(box)
            assert common is not None
            tile = self._read(self._source, self._level, ty, tx)
            picture[common.shifted(-box.y, -box.x).slices] = tile[
                common.shifted(-where.y, -where.x).slices
            ]
        return picture

    def __array__(
        self, dtype: DTypeLike | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        del copy  # it is always new
        return np.asarray(self[...], dtype)


def _span(key: Any, length: int) -> tuple[int, int, Any]:
    """Return what to read along an axis, and what to take of that then."""
    if isinstance(key, slice):
        start, stop, step = key.indices(length)
        if step < 1:
            raise IndexError("tiles are sliced forwards; got a negative step")
        return start, stop, slice(None, None, step)
    index = range(length)[key]  # refuses what is outside, as arrays do
    return index, index + 1, 0


def tile_arrays(source: TileSource, read: ReadTile | None = None) -> list[TileArray]:
    """Return every level of a source as an array; see `TileArray`."""
    return [TileArray(source, level, read) for level in range(len(source.levels))]
