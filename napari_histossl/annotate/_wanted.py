"""Changes that are journalled as pixels: how each block looks afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate._blocks import blocks_of
from napari_histossl.annotate._patches import Patch
from napari_histossl.annotate._shapes import Shape
from napari_histossl.classes import UNLABELLED, Origin
from napari_histossl.geometry import Box


class LabelSource(Protocol):
    """Anything that gives the labels of a box of the mask's level 0."""

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return class indices of shape (height, width)."""


@dataclass(frozen=True, slots=True, eq=False)
class Pixels:
    """Given pixels of a box.

    Attributes
    ----------
    wanted : Patch
        How the box looks afterwards.
    where : ndarray of shape (height, width) and dtype bool, or None
        Pixels that are set; None for those whose class differs from the present one.
    """

    wanted: Patch
    where: NDArray[np.bool_] | None

    def after(self, before: Patch) -> Patch | None:
        """Return the pixels of a box afterwards, or None where nothing changes."""
        wanted = self.wanted.cropped(before.box)
        return with_pixels(before, self.set_in(before), wanted.labels, wanted.origin)

    def set_in(self, before: Patch) -> NDArray[np.bool_]:
        """Return which pixels of a box are set."""
        box, whole = before.box, self.wanted.box
        if self.where is not None:
            return self.where[box.shifted(-whole.y, -whole.x).slices]
        differs: NDArray[np.bool_] = before.labels != self.wanted.cropped(box).labels
        return differs


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """An area that was found at some level, and gets one class.

    Attributes
    ----------
    found : ndarray of shape (height, width) and dtype bool
        Which pixels of the level it holds.
    box : Box
        Where it was looked for, in pixels of the level.
    level : int
        At which level.
    within_px0 : Box
        Beyond which nothing is set, in pixels of level 0.
    class_index : int
        What is set.
    only : int or None
        Class that is replaced; None for all but those spared.
    spared : tuple of int
        Classes that are not painted over.
    """

    found: NDArray[np.bool_]
    box: Box
    level: int
    within_px0: Box
    class_index: int
    only: int | None = None
    spared: tuple[int, ...] = ()

    def boxes(self) -> list[Box]:
        """Return boxes that together hold all its pixels, in the order of blocks."""
        rows, columns = (np.flatnonzero(self.found.any(axis=axis)) for axis in (1, 0))
        if not len(rows):
            return []
        y0, x0 = self.box.y + int(rows[0]), self.box.x + int(columns[0])
        height, width = (int(x[-1] - x[0]) + 1 for x in (rows, columns))
        around = Box(*(value << self.level for value in (y0, x0, height, width)))
        inside = around.intersection(self.within_px0)
        return list(blocks_of(inside)) if inside else []

    def covered(self, box: Box) -> NDArray[np.bool_]:
        """Return which pixels of one of its boxes lie under it."""
        rows = (np.arange(box.y, box.y1) >> self.level) - self.box.y
        columns = (np.arange(box.x, box.x1) >> self.level) - self.box.x
        covered: NDArray[np.bool_] = self.found[np.ix_(rows, columns)]
        return covered

    def after(self, before: Patch) -> Patch | None:
        """Return the pixels of a box afterwards, or None where nothing changes."""
        is_set = self.covered(before.box) & (before.labels != self.class_index)
        if self.only is not None:
            is_set &= before.labels == self.only
        if self.spared:
            is_set &= ~np.isin(before.labels, self.spared)
        return with_pixels(before, is_set, self.class_index, Origin.HUMAN)


@dataclass(frozen=True, slots=True, eq=False)
class Taken:
    """What a brush takes from a proposal, or what of it the brush takes away.

    Attributes
    ----------
    shape : Shape
        Where.
    source : LabelSource
        The proposal.
    removes : bool
        Take away what the mask and the proposal agree on.
    spared : tuple of int
        Classes that are not painted over.
    """

    shape: Shape
    source: LabelSource
    removes: bool
    spared: tuple[int, ...] = ()

    def after(self, before: Patch) -> Patch | None:
        """Return the pixels of a box afterwards, or None where nothing changes."""
        is_set = self.shape.covered(before.box)
        if not is_set.any():
            return None
        proposed = self.source.read(before.box)
        is_set &= proposed != UNLABELLED
        if self.spared:
            is_set &= ~np.isin(before.labels, self.spared)
        if self.removes:
            is_set &= before.labels == proposed
            return with_pixels(before, is_set, UNLABELLED, Origin.HUMAN)
        return with_pixels(before, is_set, proposed, Origin.MODEL_ACCEPTED)


def with_pixels(
    before: Patch, is_set: NDArray[np.bool_], labels: Any, origin: Any
) -> Patch | None:
    """Return a patch in which some pixels are set, or None where there are none."""
    if not is_set.any():
        return None
    return Patch(
        before.box,
        np.where(is_set, labels, before.labels).astype(before.labels.dtype),
        np.where(is_set, origin, before.origin).astype(before.origin.dtype),
    )
