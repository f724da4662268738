"""Coarse levels of a slide that has none: every pixel is read once, exactly.

A slide of one level and 30,000 x 30,000 pixels has 14,000 tiles, all of which make up
its overview. What has been averaged is kept as sums of blocks, in a few megabytes, and
every coarser level is made of those. Means of means would drift by half a grey level.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import (
    SlideChangedError,
    SlideReadError,
    SlideUnreachableError,
)
from napari_histossl.geometry import Box, TileGrid
from napari_histossl.slide._block_mean import block_sums, mean_of_sums
from napari_histossl.slide.base import Slide

FEWEST = 16
"""Levels coarser than this many pixels of the slide are made of sums."""

_KEPT_BYTES = 48 << 20
"""Sums of all blocks take at most this much, where need be of larger blocks."""

_SUMS_PX = 128
"""Sums are made and kept in squares of this edge, in blocks."""

_PIECE_PX0 = 1024
"""Pixels are read in squares of this edge."""

_UNREADABLE = 128
"""Grey of what cannot be decoded, so that one tile does not cost the overview."""


class CoarseSums:
    """Sums of blocks of level-0 pixels, made when they are needed, and kept.

    Parameters
    ----------
    slide : Slide
        Read at level 0.
    kept : dict
        Where sums are kept; whoever has the same one need not make them again.

    Attributes
    ----------
    block : int
        Edge of a block in level-0 pixels, a power of two from 16.
    """

    def __init__(self, slide: Slide, kept: dict[Any, Any]) -> None:
        self._slide = slide
        self._shape = slide.levels[0].shape
        self.block = block_edge(self._shape)
        blocks = -(-self._shape[0] // self.block), -(-self._shape[1] // self.block)
        self._grid = TileGrid(blocks, _SUMS_PX)
        self._sums: dict[tuple[int, int], NDArray[Any]] = kept.setdefault("sums", {})
        self._locks: dict[tuple[int, int], threading.Lock] = kept.setdefault(
            "locks", {}
        )
        self._lock = threading.Lock()

    def mean(self, box: Box, ratio: int) -> NDArray[np.uint8]:
        """Return a box of a coarser level.

        Parameters
        ----------
        box : Box
            In pixels of that level, inside it.
        ratio : int
            Level-0 pixels per pixel, a multiple of `block`.

        Returns
        -------
        ndarray of shape (height, width, 3) and dtype uint8
            The same as `read_virtual` returns; grey where nothing can be decoded.

        Raises
        ------
        SlideUnreachableError
            If the file does not answer now.
        SlideChangedError
            If the file was replaced.
        """
        step = ratio // self.block
        inside = _scaled(box, ratio).intersection(Box(0, 0, *self._shape))
        blocks = _scaled(box, step).intersection(Box(0, 0, *self._grid.shape))
        assert inside is not None
        assert blocks is not None
        sums = np.add.reduceat(
            self._read(blocks), np.arange(0, blocks.height, step), axis=0
        )
        sums = np.add.reduceat(sums, np.arange(0, blocks.width, step), axis=1)
        return mean_of_sums(sums, ratio, inside.shape)

    def make_all(self) -> Iterator[tuple[int, int]]:
        """Read the whole slide; yield how many squares are done, and of how many."""
        rows, columns = self._grid.shape_ij
        for index in range(rows * columns):
            self._square(index // columns, index % columns)
            yield index + 1, rows * columns

    @property
    def done(self) -> tuple[int, int]:
        """How many squares of sums there are, and of how many."""
        rows, columns = self._grid.shape_ij
        return len(self._sums), rows * columns

    def _read(self, box: Box) -> NDArray[np.uint32]:
        """Return sums of a box of blocks."""
        result = np.empty((*box.shape, 3), np.uint32)
        for row, column in self._grid.covering(box):
            where = self._grid.box(row, column)
            common = where.intersection(box)
            assert common is not None
            result[common.shifted(-box.y, -box.x).slices] = self._square(row, column)[
                common.shifted(-where.y, -where.x).slices
            ]
        return result

    def _square(self, row: int, column: int) -> NDArray[Any]:
        with self._lock:
            lock = self._locks.setdefault((row, column), threading.Lock())
        with lock:  # others who need the same square wait for it
            sums = self._sums.get((row, column))
            if sums is None:
                sums = self._sums[row, column] = self._make(row, column)
        return sums

    def _make(self, row: int, column: int) -> NDArray[Any]:
        whole = _scaled(self._grid.box(row, column), self.block)
        inside = whole.intersection(Box(0, 0, *self._shape))
        assert inside is not None
        blocks = -(-inside.height // self.block), -(-inside.width // self.block)
        sums = np.empty((*blocks, 3), np.uint16 if self.block == FEWEST else np.uint32)
        step = _PIECE_PX0 // self.block
        for y in range(0, blocks[0], step):
            for x in range(0, blocks[1], step):
                corner = Box(
                    inside.y + y * self.block,
                    inside.x + x * self.block,
                    _PIECE_PX0,
                    _PIECE_PX0,
                )
                piece = corner.intersection(inside)
                assert piece is not None
                part = block_sums(self._pixels(piece), self.block)
                sums[y : y + step, x : x + step] = part
        return sums

    def _pixels(self, box: Box) -> NDArray[np.uint8]:
        try:
            return self._slide.read(box, 0)
        except (SlideUnreachableError, SlideChangedError):
            raise
        except SlideReadError:
            return self._readable_parts(box)

    def _readable_parts(self, box: Box) -> NDArray[np.uint8]:
        """Read what can be read in four parts, down to small squares."""
        picture = np.full((*box.shape, 3), _UNREADABLE, np.uint8)
        if max(box.shape) <= _PIECE_PX0 // 4:
            return picture
        half = -(-max(box.shape) // 2)
        for row, column in TileGrid(box.shape, half).covering(Box(0, 0, *box.shape)):
            part = Box(row * half, column * half, half, half)
            part = part.intersection(Box(0, 0, *box.shape)) or part
            pixels = self._pixels(part.shifted(box.y, box.x))
            picture[part.slices] = pixels
        return picture


def block_edge(shape: tuple[int, int]) -> int:
    """Return the smallest block whose sums take little memory for a whole slide."""
    block = FEWEST
    while _sum_bytes(shape, block) > _KEPT_BYTES:
        block *= 2
    return block


def _sum_bytes(shape: tuple[int, int], block: int) -> int:
    itemsize = 2 if block == FEWEST else 4
    return -(-shape[0] // block) * -(-shape[1] // block) * 3 * itemsize


def _scaled(box: Box, factor: int) -> Box:
    return Box(box.y * factor, box.x * factor, box.height * factor, box.width * factor)
