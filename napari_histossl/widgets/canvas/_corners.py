"""Triangles of a drawing: where pieces lie on the slide and in the texture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.slide.tiles import TileKey, TileSource
from napari_histossl.widgets.canvas._plan import Drawing


@dataclass(frozen=True, slots=True)
class Corners:
    """Corners of triangles, three a triangle.

    Attributes
    ----------
    places : ndarray of shape (N, 4) and dtype float32
        Level-0 pixel (x, y) and texel (x, y).
    limits : ndarray of shape (N, 4) and dtype float32
        Centres of the first and last texel (x, y, x, y) that belong to the tile.
        Negative where what belongs there cannot be read.
    """

    places: NDArray[np.float32]
    limits: NDArray[np.float32]

    @property
    def some_unreadable(self) -> bool:
        """Whether there is something to be hatched."""
        return bool((self.limits[:, 0] < 0).any())


def corners_of(
    source: TileSource,
    drawing: Drawing,
    place: Callable[[TileKey], tuple[int, int]],
) -> Corners:
    """Return two triangles for every piece of a drawing.

    Parameters
    ----------
    source : TileSource
        What is looked at.
    drawing : Drawing
        From `draw_plan`.
    place : callable
        Row and column of a tile in the atlas.

    Returns
    -------
    Corners
        Nothing of a tile that hangs over the edge of the slide is drawn.
    """
    table = np.array(
        [
            (level, ty, tx, key[1], *place(key), unreadable)
            for level, ty, tx, key, unreadable in drawing.pieces
        ],
        np.int64,
    ).reshape(-1, 7)
    rows = _along(source, table[:, [0, 1, 3, 4]], axis=0)
    columns = _along(source, table[:, [0, 2, 3, 5]], axis=1)
    places = np.empty((len(table), 4, 4), np.float32)
    for corner, (down, right) in enumerate(((0, 0), (0, 1), (1, 1), (1, 0))):
        places[:, corner, 0] = columns.px0[right]
        places[:, corner, 1] = rows.px0[down]
        places[:, corner, 2] = columns.texel[right]
        places[:, corner, 3] = rows.texel[down]
    edges = (columns.limits[0], rows.limits[0], columns.limits[1], rows.limits[1])
    limits = np.stack(edges, axis=1).astype(np.float32)
    limits[table[:, 6] > 0] *= -1
    triangles = [0, 1, 2, 0, 2, 3]
    return Corners(places[:, triangles].reshape(-1, 4), limits.repeat(6, axis=0))


@dataclass(frozen=True, slots=True)
class _Along:
    """Begin and end of every piece along one axis.

    Attributes
    ----------
    px0, texel, limits : tuple of ndarray
        On the slide, in the texture, and the centres of the first and last texel that
        belong to the tile: nothing is mixed in from its neighbours in the atlas.
    """

    px0: tuple[NDArray[np.float64], NDArray[np.float64]]
    texel: tuple[NDArray[np.float64], NDArray[np.float64]]
    limits: tuple[NDArray[np.float64], NDArray[np.float64]]


def _along(source: TileSource, table: NDArray[np.int64], axis: int) -> _Along:
    """Place pieces along one axis from (level, square, level of the tile, slot)."""
    size = source.tile_size
    lengths = np.array([level.shape[axis] for level in source.levels])
    level, square, of_tile, slot = table.T
    step = 2.0**level
    factor = 2 ** (of_tile - level)
    begin_px = square * size
    end_px0 = np.minimum((begin_px + size) * step, lengths[0])
    begin = slot * size + (square % factor) * (size / factor)
    end = begin + (end_px0 / step - begin_px) / factor
    inside = np.minimum(size, lengths[of_tile] - (square // factor) * size)
    return _Along(
        (begin_px * step, end_px0),
        (begin, end),
        (slot * size + 0.5, slot * size + inside - 0.5),
    )
