"""Finding the objects of a proposal, tile by tile, in bounded memory.

Objects are 4-connected regions of one class, as everywhere here; one that lies in
several tiles is one object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_histossl.annotate.formats._region_walk import (
    ReadableMask,
    RegionWalk,
    Tile,
    whole_level,
)
from napari_histossl.annotate.review_objects import ObjectTable
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress

Measure = Callable[[Box], NDArray[np.float32]]
"""Gives what is measured in the pixels of a box of the level, (measured, h, w)."""

_CODE = 1 << 8
"""Labels from this on hold two classes: that of the other mask in the upper byte."""


class ObjectSearch:
    """Goes through a level of a proposal once.

    Parameters
    ----------
    plane : ReadableMask
        The proposal, in the pixels of a mask; from 256 on a label holds two classes,
        see `paired`.
    level : int
        Level that is searched.
    proposal : str
        What proposed them, as people read it.
    measured : sequence of str
        What `measure` gives.
    measure : callable or None
        Values of each pixel, of which objects get the mean.
    """

    def __init__(
        self,
        plane: ReadableMask,
        level: int,
        proposal: str,
        measured: Sequence[str] = (),
        measure: Measure | None = None,
    ) -> None:
        self._whole = whole_level(plane, level)
        self._walk = RegionWalk(plane, self._whole, level)
        self._level, self._proposal = level, proposal
        self._measured, self._measure = tuple(measured), measure
        self._parts = [_no_parts(1, len(measured))]  # number 0 is no region
        self._next_region = 1

    def run(self) -> Iterator[Progress]:
        """Go through the tiles."""
        for progress, tile in self._walk.run("finding objects"):
            if tile is not None:
                self._take(tile)
            yield progress

    def objects(self, least_px: int = 1) -> ObjectTable:
        """Return the objects of at least so many pixels, in the order of their place.

        Parameters
        ----------
        least_px : int
            Smaller ones are counted only.
        """
        whole = _joined(_Parts.chained(self._parts), self._walk.joined())
        is_there, is_large = whole.areas_px > 0, whole.areas_px >= max(least_px, 1)
        width = self._whole.width
        kept = whole.picked(np.flatnonzero(is_large))
        kept = kept.picked(np.argsort(kept.first_px, kind="stable"))
        ends = np.stack([kept.tops, kept.lefts, kept.bottoms, kept.rights], axis=1)
        ends[:, 2:] -= ends[:, :2]
        return ObjectTable(
            self._proposal,
            self._level,
            self._measured,
            (kept.labels % _CODE).astype(np.uint16),
            (kept.labels // _CODE).astype(np.uint16),
            ends,
            np.stack(np.divmod(kept.first_px, width), axis=1),
            kept.areas_px,
            (kept.sums / np.maximum(kept.areas_px, 1)).astype(np.float32),
            int((is_there & ~is_large).sum()),
        )

    def _take(self, tile: Tile) -> None:
        """Note what a tile adds; its first row and column were seen before."""
        # numbers start at 1 and go on from tile to tile, also those of the margin alone
        numbers = np.maximum(tile.regions - (self._next_region - 1), 0)
        count = int(numbers.max())
        self._next_region += count
        parts = _no_parts(count, len(self._measured))
        box = tile.box.intersection(self._whole)
        if box is not None:
            inside = np.s_[1 : box.height + 1, 1 : box.width + 1]
            values = None if self._measure is None else self._measure(box)
            labels = tile.labels[inside]
            parts.fill(numbers[inside], labels, box, self._whole.width, values)
        self._parts.append(parts)


def paired(mine: NDArray[np.uint8], theirs: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return one label for two: where two masks differ, and in which classes.

    Parameters
    ----------
    mine, theirs : ndarray of one shape and dtype uint8
        Class indices.

    Returns
    -------
    ndarray of that shape and dtype uint16
        0 where both agree.
    """
    pairs = mine.astype(np.uint16) + theirs.astype(np.uint16) * _CODE
    return np.where(mine == theirs, np.uint16(0), pairs)


@dataclass(slots=True, eq=False)
class _Parts:
    """Parts of regions, those within a tile, or whole ones; one a row."""

    labels: NDArray[np.int64]
    areas_px: NDArray[np.int64]
    first_px: NDArray[np.int64]
    tops: NDArray[np.int64]
    lefts: NDArray[np.int64]
    bottoms: NDArray[np.int64]
    rights: NDArray[np.int64]
    sums: NDArray[np.float64]

    @classmethod
    def chained(cls, parts: Sequence[_Parts]) -> _Parts:
        names = cls.__slots__
        return cls(
            *(np.concatenate([getattr(p, name) for p in parts], -1) for name in names)
        )

    def picked(self, rows: NDArray[np.intp]) -> _Parts:
        return _Parts(*(getattr(self, name)[..., rows] for name in self.__slots__))

    def fill(
        self,
        numbers: NDArray[np.int64],
        labels: NDArray[np.uint16],
        box: Box,
        width: int,
        values: NDArray[np.float32] | None,
    ) -> None:
        """Take in the pixels of a box, numbered from 1 on."""
        rows, columns = np.nonzero(numbers)
        places = numbers[rows, columns] - 1
        count = len(self.labels)
        self.areas_px[:] = np.bincount(places, minlength=count)
        self.labels[places] = labels[rows, columns]
        # the last one written stays: backwards, that is the first one
        flat = (rows + box.y) * width + columns + box.x
        self.first_px[places[::-1]] = flat[::-1]
        for place, found in enumerate(ndimage.find_objects(numbers, count)):
            if found is not None:
                down, across = found
                self.tops[place], self.bottoms[place] = down.start, down.stop
                self.lefts[place], self.rights[place] = across.start, across.stop
        for ends, start in ((self.tops, box.y), (self.bottoms, box.y)):
            ends += start
        for ends, start in ((self.lefts, box.x), (self.rights, box.x)):
            ends += start
        for place, plane in enumerate(() if values is None else values):
            weights = np.nan_to_num(plane[rows, columns].astype(np.float64))
            self.sums[place] = np.bincount(places, weights, minlength=count)


def _no_parts(count: int, measured: int) -> _Parts:
    names = _Parts.__slots__[:-1]
    integers = {name: np.zeros(count, np.int64) for name in names}
    return _Parts(**integers, sums=np.zeros((measured, count)))


def _joined(parts: _Parts, numbers: NDArray[np.int64]) -> _Parts:
    """Return whole regions from parts that are known to belong together."""
    is_there = parts.areas_px > 0
    parts, numbers = parts.picked(np.flatnonzero(is_there)), numbers[is_there]
    count = int(numbers.max()) + 1 if len(numbers) else 0
    whole = _no_parts(count, len(parts.sums))
    whole.areas_px[:] = np.bincount(numbers, parts.areas_px, minlength=count)
    whole.labels[numbers] = parts.labels
    for name, take, empty in _JOINS:
        ends = getattr(whole, name)
        ends[:] = empty
        take.at(ends, numbers, getattr(parts, name))
    for place, sums in enumerate(parts.sums):
        whole.sums[place] = np.bincount(numbers, sums, minlength=count)
    return whole


_FARTHEST = np.iinfo(np.int64).max

_JOINS = (
    ("first_px", np.minimum, _FARTHEST),
    ("tops", np.minimum, _FARTHEST),
    ("lefts", np.minimum, _FARTHEST),
    ("bottoms", np.maximum, -1),
    ("rights", np.maximum, -1),
)
"""What of the parts of a region is that of the whole, and where that starts from."""
