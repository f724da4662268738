"""What to draw where: the best tiles that there are, never a hole. Numbers only."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box, Level
from napari_histossl.slide.tiles import TileKey, TileSource

ROUNDED = 1.42
"""A level is fine enough for a moving picture if its pixel covers at most this many
pixels of the screen: the nearest level on a logarithmic scale, as in mip mapping."""

STRICT = 1.0
"""A picture that rests has at least one pixel of the level for each of the screen."""

_SLACK = 1.0001
"""A level that is too coarse by rounding alone is fine enough."""


@dataclass(frozen=True, slots=True)
class Target:
    """Tiles that a view asks for.

    Attributes
    ----------
    level : int
        Level to draw.
    or_finer : bool
        Draw the tiles of the next finer level in place of one of `level` where they
        are all there: what is sharper already stays so.
    box_ij : Box
        Rows and columns of tiles of `level`.
    """

    level: int
    or_finer: bool
    box_ij: Box


@dataclass(slots=True)
class Drawing:
    """Pieces of tiles that together cover a view.

    Attributes
    ----------
    pieces : list of tuple
        Level, row and column of the square that is covered; the tile that covers it;
        whether what belongs there cannot be read.
    used : set of TileKey
        Tiles that are drawn.
    missing : list of TileKey
        Tiles that would make it better, most urgent first.
    unreadable : list of TileKey
        Tiles that cannot be read, as far as is known.
    holes : int
        Squares for which there was nothing at all.
    """

    pieces: list[tuple[int, int, int, TileKey, bool]] = field(default_factory=list)
    used: set[TileKey] = field(default_factory=set)
    missing: list[TileKey] = field(default_factory=list)
    unreadable: list[TileKey] = field(default_factory=list)
    holes: int = 0

    def add(
        self, square: tuple[int, int, int], key: TileKey, unreadable: bool = False
    ) -> None:
        """Cover a square by a tile."""
        self.pieces.append((*square, key, unreadable))
        self.used.add(key)


def choose_level(levels: Sequence[Level], px0_per_pixel: float, bias: float) -> int:
    """Return the coarsest level that is fine enough for the screen.

    Parameters
    ----------
    levels : sequence of Level
        Finest first.
    px0_per_pixel : float
        Level-0 pixels that a pixel of the screen covers along one side.
    bias : float
        Pixels of the screen that a pixel of the level may cover along one side.

    Returns
    -------
    int
        Index into `levels`; 0 where even the finest is too coarse.
    """
    limit = px0_per_pixel * bias * _SLACK
    fine = [index for index, level in enumerate(levels) if level.downsample <= limit]
    return max(fine, default=0)


def find_target(
    source: TileSource,
    corners_px0: NDArray[np.float64],
    level: int,
    *,
    or_finer: bool,
) -> Target | None:
    """Return the tiles of a level that a view touches, or None if there are none.

    Parameters
    ----------
    source : TileSource
        What is looked at.
    corners_px0 : ndarray of shape (N, 2)
        Corners of the view, (row, column) in level-0 pixels counted from the edge.
    level : int
        Level to draw.
    or_finer : bool
        As in `Target`.
    """
    tile_px0 = source.levels[level].downsample * source.tile_size
    rows, columns = source.grid(level).shape_ij
    low = np.floor(corners_px0.min(0) / tile_px0)
    high = np.ceil(corners_px0.max(0) / tile_px0)
    y0, x0 = np.maximum(low, 0)
    y1, x1 = np.minimum(high, (rows, columns))
    if y1 <= y0 or x1 <= x0:
        return None
    return Target(level, or_finer, Box(int(y0), int(x0), int(y1 - y0), int(x1 - x0)))


def squares_from_centre(box_ij: Box) -> list[tuple[int, int]]:
    """Return the tiles of a target, the middle of the view first."""
    middle_y = (box_ij.y + box_ij.y1 - 1) / 2
    middle_x = (box_ij.x + box_ij.x1 - 1) / 2
    squares = [
        (ty, tx)
        for ty in range(box_ij.y, box_ij.y1)
        for tx in range(box_ij.x, box_ij.x1)
    ]
    squares.sort(key=lambda at: (at[0] - middle_y) ** 2 + (at[1] - middle_x) ** 2)
    return squares


def draw_plan(
    source: TileSource,
    target: Target,
    there: Container[TileKey],
    is_unreadable: Callable[[TileKey], bool],
) -> Drawing:
    """Choose for every square of a target the best tile that is there.

    Parameters
    ----------
    source : TileSource
        What is looked at.
    target : Target
        Its squares.
    there : container of TileKey
        Tiles that can be drawn.
    is_unreadable : callable
        Whether a tile that is not there cannot be read.

    Returns
    -------
    Drawing
        In each square the four finer tiles if they are asked for and all there; else
        the tile itself; else the four finer ones; else the finest coarser one.
    """
    drawing = Drawing()
    level = target.level
    for ty, tx in squares_from_centre(target.box_ij):
        key = (source, level, ty, tx)
        finer = _finer(source, key, there) if level else ()
        if finer and target.or_finer:
            _add_all(drawing, finer)
        elif key in there:
            drawing.add(key[1:], key)
        else:
            unreadable = is_unreadable(key)
            (drawing.unreadable if unreadable else drawing.missing).append(key)
            if finer and not unreadable:
                _add_all(drawing, finer)
            else:
                _add_coarser(drawing, key, there, unreadable)
    return drawing


def _finer(
    source: TileSource, key: TileKey, there: Container[TileKey]
) -> list[TileKey]:
    """Return the tiles of the next finer level in a square if they are all there."""
    _source, level, ty, tx = key
    first = (source, level - 1, 2 * ty, 2 * tx)
    if first not in there:
        return []
    rows, columns = source.grid(level - 1).shape_ij
    finer = [
        (source, level - 1, y, x)
        for y in range(2 * ty, min(2 * ty + 2, rows))
        for x in range(2 * tx, min(2 * tx + 2, columns))
    ]
    return finer if all(one in there for one in finer) else []


def _add_all(drawing: Drawing, keys: Sequence[TileKey]) -> None:
    for key in keys:
        drawing.add(key[1:], key)


def _add_coarser(
    drawing: Drawing, key: TileKey, there: Container[TileKey], unreadable: bool
) -> None:
    source, level, ty, tx = key
    for up in range(1, len(source.levels) - level):
        coarser = (source, level + up, ty >> up, tx >> up)
        if coarser in there:
            drawing.add(key[1:], coarser, unreadable)
            return
    drawing.holes += 1
