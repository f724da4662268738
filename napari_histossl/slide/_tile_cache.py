"""Decoded tiles kept in memory: the least recently used ones go first."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.slide._tile_source import TileKey, TileSource

_PINNED_SHARE = 4
"""At most one in so many bytes of the budget is pinned."""


class TileCache:
    """Tiles of all sources under one budget of bytes.

    Not safe by itself: `TileService` calls it with its lock held.

    Attributes
    ----------
    budget_bytes : int
        Never exceeded, pinned tiles included.
    held_bytes, pinned_bytes : int
        What is kept now, and what of it stays until its source goes.
    """

    def __init__(self, budget_bytes: int) -> None:
        self.budget_bytes = budget_bytes
        self.held_bytes = 0
        self.pinned_bytes = 0
        self._recent: OrderedDict[TileKey, NDArray[Any]] = OrderedDict()
        self._pinned: dict[TileKey, NDArray[Any]] = {}
        self._keys: dict[TileSource, set[TileKey]] = {}

    def __len__(self) -> int:
        return len(self._recent) + len(self._pinned)

    def __contains__(self, key: TileKey) -> bool:
        return key in self._recent or key in self._pinned

    def get(self, key: TileKey) -> NDArray[Any] | None:
        """Return a tile and remember that it is in use, or None."""
        tile = self._recent.get(key)
        if tile is None:
            return self._pinned.get(key)
        self._recent.move_to_end(key)
        return tile

    def put(self, key: TileKey, tile: NDArray[Any], *, pin: bool) -> None:
        """Keep a tile, dropping the least recently used ones for it."""
        if key in self or tile.nbytes > self.budget_bytes:
            return
        tile = _own(tile)
        pin = pin and (
            (self.pinned_bytes + tile.nbytes) * _PINNED_SHARE <= self.budget_bytes
        )
        while self._recent and self.held_bytes + tile.nbytes > self.budget_bytes:
            self._drop_oldest()
        if self.held_bytes + tile.nbytes > self.budget_bytes:
            return  # the rest is pinned
        self.held_bytes += tile.nbytes
        self._keys.setdefault(key[0], set()).add(key)
        if pin:
            self._pinned[key] = tile
            self.pinned_bytes += tile.nbytes
        else:
            self._recent[key] = tile

    def _drop_oldest(self) -> None:
        key, tile = self._recent.popitem(last=False)
        self.held_bytes -= tile.nbytes
        self._keys[key[0]].discard(key)

    def keys_of(self, source: TileSource) -> list[TileKey]:
        """Return the tiles of a source that are kept."""
        return list(self._keys.get(source, ()))

    def discard(self, key: TileKey) -> None:
        """Drop a tile, if it is kept."""
        tile = self._recent.pop(key, None)
        if tile is None:
            tile = self._pinned.pop(key, None)
            if tile is None:
                return
            self.pinned_bytes -= tile.nbytes
        self.held_bytes -= tile.nbytes
        self._keys[key[0]].discard(key)

    def forget(self, source: TileSource) -> None:
        """Drop all tiles of a source."""
        for key in self.keys_of(source):
            self.discard(key)
        self._keys.pop(source, None)


def _own(tile: NDArray[Any]) -> NDArray[Any]:
    """Return a tile that keeps no larger array alive and that nobody can write to."""
    base = tile.base
    if isinstance(base, np.ndarray) and base.nbytes > tile.nbytes:
        tile = tile.copy()
    tile.flags.writeable = False
    return tile
