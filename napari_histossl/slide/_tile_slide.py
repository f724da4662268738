"""Tiles of any slide, through `read_virtual`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.jobs import Progress
from napari_histossl.slide._tile_file import FileWatch
from napari_histossl.slide._tile_source import TILE_PX, LookUp, TileSource
from napari_histossl.slide._tile_sums import FEWEST, CoarseSums, block_edge
from napari_histossl.slide.base import WHITE, Slide
from napari_histossl.slide.levels import native_level, read_virtual, virtual_levels


class SlideTileSource(TileSource):
    """Tiles of a slide: RGB, 8 bits.

    Parameters
    ----------
    slide : Slide
        Any slide; whoever opened it closes it.
    tile_size : int, optional
        Edge of a tile in pixels.
    watch : FileWatch, optional
        Tells whether the file is still the same; by default one for the slide's path.

    Notes
    -----
    Tiles hold the pixels of `read_virtual`. Where the file has no coarse levels they
    are made of sums of blocks that are read once, see `prepare`; a tile of the file
    that cannot be decoded is grey in there, and an error at the finer levels.

    The coarsest level, and those sums, are kept with the slide: all who show the same
    file through it make them once.
    """

    dtype = np.dtype(np.uint8)
    channels = 3
    kind = "image"
    fill_value = WHITE

    def __init__(
        self, slide: Slide, tile_size: int = TILE_PX, watch: FileWatch | None = None
    ) -> None:
        self.slide = slide
        self.name = slide.source.name
        self.levels = virtual_levels(slide)
        self.tile_size = tile_size
        self._watch = watch or _watch_of(slide)
        self._kept = _kept_with(slide, self._watch)
        self._natives = [native_level(slide, lv.downsample) for lv in self.levels]
        self._ratios = [
            level.downsample / slide.levels[native].downsample
            for level, native in zip(self.levels, self._natives, strict=True)
        ]
        self._block = block_edge(self.levels[0].shape)
        is_coarse = any(map(self._is_made_of_sums, range(len(self.levels))))
        self._sums = CoarseSums(slide, self._kept) if is_coarse else None

    def _is_made_of_sums(self, level: int) -> bool:
        return self._natives[level] == 0 and self._ratios[level] >= self._block

    def is_costly(self, level: int) -> bool:
        """Return True where one tile takes 256 of the file's tiles or more."""
        if self._ratios[level] < FEWEST:
            return False
        if self._sums is None or not self._is_made_of_sums(level):
            return True
        done, total = self._sums.done
        return done < total

    def prepare(self) -> Iterator[Progress]:
        """Read the slide once where it has no coarse levels; see `TileSource`."""
        if self._sums is not None:
            message = f"making an overview of {self.name}"
            for done, total in self._sums.make_all():
                yield Progress(done, total, message=message)

    def prepared(self) -> tuple[int, int]:
        """Return how much of the coarse levels is there; see `TileSource`."""
        return (1, 1) if self._sums is None else self._sums.done

    def read_tile(self, level: int, ty: int, tx: int) -> NDArray[Any]:
        """Read one tile; see `TileSource.read_tile`."""
        return self.read_tile_using(level, ty, tx, _nothing)

    def read_tile_using(
        self, level: int, ty: int, tx: int, look_up: LookUp
    ) -> NDArray[Any]:
        """Read one tile, finer ones from a cache; see `TileSource`."""
        if level < len(self.levels) - 1:
            return self._make_tile(level, ty, tx, look_up)
        key = ty, tx, self.tile_size
        with self._kept.setdefault(("making", key), threading.Lock()):  # never twice
            tile: NDArray[Any] | None = self._kept.get(key)
            if tile is None:
                tile = self._kept[key] = self._make_tile(level, ty, tx, look_up)
                return tile
        self._refuse_changed()
        return tile

    def _make_tile(self, level: int, ty: int, tx: int, look_up: LookUp) -> NDArray[Any]:
        """Return a tile from the slide's pixels."""
        del look_up  # for those who can use finer tiles
        box = self.inside_box(level, ty, tx)
        if self._sums is not None and self._is_made_of_sums(level):
            pixels = self._sums.mean(box, round(self._ratios[level]))
        else:
            pixels = read_virtual(self.slide, box, level)
        self._refuse_changed()  # afterwards: the pixels are of the old file
        return self.whole_tile(pixels)

    def _refuse_changed(self) -> None:
        if self._watch is not None:
            self._watch.refuse_changed()


def _nothing(*_: Any) -> None:
    """Look up nothing."""


def _kept_with(slide: Slide, watch: FileWatch | None) -> dict[Any, Any]:
    """Return what is kept with a slide for its file; nothing is where it has none."""
    if watch is None or watch.identity is None:
        return {}
    kept: dict[Any, Any] = slide.kept.setdefault(("tiles", watch.identity), {})
    return kept


def _watch_of(slide: Slide) -> FileWatch | None:
    path = getattr(slide.source, "path", None)
    return FileWatch(path) if isinstance(path, Path) else None
