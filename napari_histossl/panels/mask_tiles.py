"""Tiles of a mask that is being corrected, with what is not saved yet drawn in."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import MaskStore
from napari_histossl.errors import JournalError, SlideReadError, StoreError
from napari_histossl.geometry import Box, Level
from napari_histossl.panels.sketches import Sketch
from napari_histossl.slide.tiles import TileKey, TileSource

if TYPE_CHECKING:
    import dask.array as da

_MOST_CLASSES = 256
"""Labels above are more than the colour table of tiles has."""


_MOST_FRESH = 24
"""More tiles are not worth waiting for: what there is is shown first."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """Tiles as they were at one time.

    Attributes
    ----------
    added : int
        How many changes had been drawn over the mask by then.
    tiles : dict of TileKey to ndarray
        Their pixels.
    """

    added: int
    tiles: dict[TileKey, NDArray[Any]]


class MaskTiles(TileSource):
    """Tiles of a mask as the person left it, saved or not.

    Parameters
    ----------
    store : MaskStore
        The mask; it outlives the tiles.

    Attributes
    ----------
    sketches : tuple of Sketch
        Changes that are on their way into the store, oldest first.

    Notes
    -----
    Which tiles are out of date after a change, `touching` says.
    """

    channels = None
    kind = "labels"
    tile_size = 256
    fill_value = 0

    def __init__(self, store: MaskStore) -> None:
        self.store, self.name = store, store.path.name
        self.dtype = np.dtype(np.uint8)
        self.levels = store.levels
        if len(self.levels) == 1:  # napari takes one level for a plain array
            height, width = self.levels[0].shape
            self.levels = (*self.levels, Level((-(-height // 2), -(-width // 2)), 2.0))
        self.sketches: tuple[Sketch, ...] = ()
        self._added = 0
        self._uniform: dict[int, NDArray[Any]] = {}
        self._changing = threading.Lock()

    @staticmethod
    def can_show(store: MaskStore) -> bool:
        """Whether all classes of a mask have a place in the table of colours."""
        return all(info.index < _MOST_CLASSES for info in store.classes)

    def add(self, sketch: Sketch) -> None:
        """Draw a change from now on over what the store has."""
        with self._changing:
            self.sketches = (*self.sketches, sketch)
            self._added += 1

    def drop(self, sketch: Sketch) -> None:
        """Draw a change no more: it is in the store, or will not be."""
        with self._changing:
            self.sketches = tuple(one for one in self.sketches if one is not sketch)

    def read_tile(self, level: int, ty: int, tx: int) -> NDArray[Any]:
        """Read one tile; see `TileSource.read_tile`."""
        box = self.inside_box(level, ty, tx)
        sketches = self.sketches  # before the store: drawn twice is drawn once
        labels = self.whole_tile(self._labels(box, level).astype(np.uint8, copy=False))
        if any(self._is_near(sketch, box, level) for sketch in sketches):
            labels = labels.copy()
            inside = labels[: box.height, : box.width]
            for sketch in sketches:
                sketch.draw(inside, box, level)
        return self._shared(labels)

    def _shared(self, labels: NDArray[Any]) -> NDArray[Any]:
        """Return one and the same tile wherever there is one class: nearly always."""
        first = int(labels[0, 0])
        if not (labels == first).all():
            return labels
        return self._uniform.setdefault(first, labels.copy())

    def read_fresh(self, box_px0: Box | None, keys: Iterable[TileKey]) -> Fresh:
        """Read those of a few tiles that show a box; none where they are too many."""
        added = self._added
        touching = self.touching(box_px0, keys) if box_px0 else []
        if len(touching) > _MOST_FRESH:
            touching = []
        return Fresh(added, {key: self.read_tile(*key[1:]) for key in touching})

    def is_true(self, fresh: Fresh) -> bool:
        """Whether nothing was drawn since tiles were read."""
        return fresh.added == self._added

    def value_at(self, y: int, x: int) -> int:
        """Return the class of a pixel of level 0, as the person left it."""
        labels = self.store.read(Box(y, x, 1, 1))
        for sketch in self.sketches:
            sketch.draw(labels, Box(y, x, 1, 1), 0)
        return int(labels[0, 0])

    def touching(self, box_px0: Box, keys: Iterable[TileKey]) -> list[TileKey]:
        """Return those of some tiles that show something of a box of level 0."""
        spans = []
        for level in range(len(self.levels)):
            edge = self.tile_size << level
            wide = box_px0.padded(1 << level)  # coarse edges of sketches are wide
            spans.append(
                [value // edge for value in (wide.y, wide.y1, wide.x, wide.x1)]
            )
        return [
            key
            for key in keys
            for y0, y1, x0, x1 in (spans[key[1]],)
            if y0 <= key[2] <= y1 and x0 <= key[3] <= x1
        ]

    def arrays(self) -> list[da.Array]:
        """Return the levels as dask arrays, which read what the store has then."""
        from napari_histossl.slide._level_array import LevelArray

        levels = self.store.lazy()
        if len(levels) < len(self.levels):
            levels.append(levels[-1][::2, ::2])
        return [LevelArray.guarding(level) for level in levels]

    def _labels(self, box: Box, level: int) -> NDArray[Any]:
        try:
            if level < len(self.store.levels):
                return self.store.read(box, level)
            fine = Box(2 * box.y, 2 * box.x, 2 * box.height, 2 * box.width)
            return self.store.read(fine, level - 1)[::2, ::2]
        except (StoreError, JournalError) as error:
            raise SlideReadError(str(error)) from error

    @staticmethod
    def _is_near(sketch: Sketch, box: Box, level: int) -> bool:
        fine = Box(*(value << level for value in (box.y, box.x, *box.shape)))
        return fine.padded(1 << level).intersection(sketch.box_px0) is not None
