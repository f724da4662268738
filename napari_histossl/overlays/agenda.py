"""Tiles that wait to be computed, in an order that changes with the view."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from napari_histossl.geometry import Box
from napari_histossl.overlays.grid import StepGrid, Tile
from napari_histossl.overlays.tiles import rank_tiles


class Agenda:
    """Tiles that wait.

    Parameters
    ----------
    tiles : sequence of tuple of int
        In the order in which they are computed until `look_at` changes it.
    grid : StepGrid
        Where they lie.
    """

    def __init__(self, tiles: Sequence[Tile], grid: StepGrid) -> None:
        # the next one is last: taking it costs nothing, however many there are
        self._waiting = np.array(tiles, np.int32).reshape(-1, 2)[::-1].copy()
        self._grid = grid
        self._view_px: Box | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def take(self, count: int) -> list[Tile]:
        """Return the next tiles; fewer at the end, and where the view ends.

        A batch does not mix what is in view with what is not: a person waits for it.
        """
        taken = self._waiting[-count:][::-1].tolist()
        tiles = [(row, column) for row, column in taken]
        if self._view_px is not None:
            seen = [tile for tile in tiles if self.is_in_view(tile)]
            tiles = tiles[: len(seen)] or tiles
        self._waiting = self._waiting[: len(self._waiting) - len(tiles)]
        return tiles

    def give_back(self, tiles: Iterable[Tile]) -> None:
        """Put tiles in front that were taken and not computed."""
        back = np.array(list(tiles), np.int32).reshape(-1, 2)[::-1]
        self._waiting = np.concatenate([self._waiting, back])

    def look_at(self, view_px: Box) -> None:
        """Put what is in view first, then what is around it.

        Parameters
        ----------
        view_px : Box
            In pixels of the level that is read.
        """
        self._view_px = view_px
        order = rank_tiles(self._waiting, self._grid, view_px)
        self._waiting = self._waiting[order[::-1]]

    def next_is_in_view(self) -> bool:
        """Return True while tiles in view wait."""
        if self._view_px is None or not len(self._waiting):
            return False
        row, column = self._waiting[-1].tolist()
        return self.is_in_view((row, column))

    def is_in_view(self, tile: Tile) -> bool:
        """Return True for a tile that a person looks at, as far as that is known."""
        view = self._view_px
        return view is not None and self._grid.box(*tile).intersection(view) is not None
