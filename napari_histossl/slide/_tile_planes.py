"""Tiles of two-dimensional arrays: heat maps, channels, labels."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box, Level
from napari_histossl.slide._tile_source import TILE_PX, TileKind, TileSource
from napari_histossl.slide.levels import COARSEST_PX

_SAME_RATIO = 0.02
"""Levels whose downsamples differ by less are taken for the same."""

_ReadBox = Callable[[int, Box], NDArray[Any]]


class PlaneTileSource(TileSource):
    """Tiles of numbers or labels at several resolutions.

    Parameters
    ----------
    levels : sequence of array-like or of Level
        Two-dimensional arrays (numpy, zarr ...), finest first; with `read_box` only
        their geometry.
    labels : bool, optional
        True for indices of a colour table: coarser levels pick one, never average.
    tile_size : int, optional
        Edge of a tile in pixels.
    name : str, optional
        What people call it.
    dtype : numpy.dtype, optional
        Type of the values; needed with `read_box`.
    read_box : callable, optional
        ``read_box(level, box)`` returns a box that lies inside one of `levels`.

    Notes
    -----
    Levels that `levels` does not have are means of the next finer ones, without the
    pixels that are NaN; a mean of integers is rounded.
    """

    channels = None

    def __init__(
        self,
        levels: Sequence[Any],
        *,
        labels: bool = False,
        tile_size: int = TILE_PX,
        name: str = "array",
        dtype: Any = None,
        read_box: _ReadBox | None = None,
    ) -> None:
        self._natives = [_as_level(level, levels[0]) for level in levels]
        self._read_box = read_box or (lambda k, box: np.asarray(levels[k][box.slices]))
        self.name = name
        self.tile_size = tile_size
        self.dtype = np.dtype(dtype or levels[0].dtype)
        self.kind: TileKind = "labels" if labels else "values"
        self.fill_value = math.nan if self.dtype.kind == "f" and not labels else 0
        self.levels = _factor_two(self._natives[0].shape)

    def read_tile(self, level: int, ty: int, tx: int) -> NDArray[Any]:
        """Read one tile; see `TileSource.read_tile`."""
        return self.whole_tile(self._read(self.inside_box(level, ty, tx), level))

    def is_costly(self, level: int) -> bool:
        """Return True where one tile covers 256 tiles of the finer level."""
        downsample = self.levels[level].downsample
        return downsample / self._natives[self._native(downsample)].downsample >= 16

    def _native(self, downsample: float) -> int:
        fitting = [
            index
            for index, level in enumerate(self._natives)
            if level.downsample <= downsample * (1 + _SAME_RATIO)
        ]
        return max(fitting)

    def _read(self, box: Box, level: int) -> NDArray[Any]:
        downsample = self.levels[level].downsample
        index = self._native(downsample)
        native = self._natives[index]
        ratio = downsample / native.downsample
        block = round(ratio)
        if abs(ratio - 1) < 1e-9 and box.intersection(native.box) == box:
            return self._read_box(index, box)
        if block < 2 or abs(ratio - block) > 1e-9 or self.kind == "labels":
            return self._nearest(box, index, ratio)
        wide = Box(box.y * block, box.x * block, box.height * block, box.width * block)
        inside = wide.intersection(native.box)
        if inside is None or -(-inside.height // block) < box.height:
            return self._nearest(box, index, ratio)  # a level that was rounded down
        if -(-inside.width // block) < box.width:
            return self._nearest(box, index, ratio)
        return _mean(self._read_box(index, inside), block, self.dtype)

    def _nearest(self, box: Box, index: int, ratio: float) -> NDArray[Any]:
        native = self._natives[index]
        rows = _nearest_pixels(box.y, box.y1, ratio, native.shape[0])
        columns = _nearest_pixels(box.x, box.x1, ratio, native.shape[1])
        y, x = int(rows[0]), int(columns[0])
        around = Box(y, x, int(rows[-1]) - y + 1, int(columns[-1]) - x + 1)
        pixels = self._read_box(index, around)
        nearest: NDArray[Any] = pixels[np.ix_(rows - y, columns - x)]
        return nearest


def _as_level(level: Any, finest: Any) -> Level:
    if isinstance(level, Level):
        return level
    if len(level.shape) != 2:
        raise GeometryError(
            f"tiles of numbers are cut from two-dimensional arrays; got shape "
            f"{tuple(level.shape)}"
        )
    ratios = [finest.shape[i] / level.shape[i] for i in range(2)]
    exact = round(max(ratios))
    is_rounded = all(
        level.shape[i] in (finest.shape[i] // exact, -(-finest.shape[i] // exact))
        for i in range(2)
    )
    return Level(
        (int(level.shape[0]), int(level.shape[1])),
        float(exact) if is_rounded else max(1.0, sum(ratios) / 2),
    )


def _factor_two(shape: tuple[int, int]) -> tuple[Level, ...]:
    steps = max(0, math.ceil(math.log2(max(shape) / COARSEST_PX)))
    return tuple(
        Level((-(-shape[0] // 2**k), -(-shape[1] // 2**k)), float(2**k))
        for k in range(steps + 1)
    )


def _nearest_pixels(low: int, high: int, ratio: float, length: int) -> NDArray[np.intp]:
    centres = (np.arange(low, high) + 0.5) * ratio
    return np.minimum(centres.astype(np.intp), length - 1)


def _mean(pixels: NDArray[Any], block: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Average whole blocks; pixels that are NaN, or beyond the edge, do not count."""
    missing = [-length % block for length in pixels.shape]
    values = np.pad(
        pixels.astype(np.float64 if dtype.itemsize > 2 else np.float32),
        [(0, margin) for margin in missing],
        constant_values=math.nan,
    )
    height, width = values.shape
    blocks = values.reshape(height // block, block, width // block, block)
    with warnings.catch_warnings():
        # a block without a number stays without one
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)
        mean = np.nanmean(blocks, axis=(1, 3))
    if dtype.kind in "iub":
        mean = np.floor(mean + 0.5)
    result: NDArray[Any] = mean.astype(dtype)
    return result
