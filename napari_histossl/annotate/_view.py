"""The mask as it is by its journal, also where blocks are not filled yet."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import _blocks
from napari_histossl.annotate._blocks import block_of
from napari_histossl.annotate._effects import Effects
from napari_histossl.annotate._owed import Owed, OwedBlocks
from napari_histossl.annotate._patches import Patch
from napari_histossl.annotate._planes import Planes
from napari_histossl.classes import Origin
from napari_histossl.geometry import Box

Plane = Literal["labels", "origin"]

_AT_ONCE_PX = 2048 * 2048
"""Larger boxes are read in parts: a change may have to wait for one of them."""


class View:
    """Reads planes and lays over them what is owed.

    Level 0 is exact. On coarser levels what strokes owe is drawn at that level, which
    may differ along edges until the blocks are filled, but hides no label; what else is
    owed is exact there, too.

    Parameters
    ----------
    planes : Planes
        The mask.
    owed : OwedBlocks
        What is left to fill.
    effects : Effects
        What the entries do.
    """

    def __init__(self, planes: Planes, owed: OwedBlocks, effects: Effects) -> None:
        self._planes = planes
        self._owed = owed
        self._effects = effects

    def read(self, plane: Plane, box: Box, level: int) -> NDArray[Any]:
        """Read a box of a level as it is at one moment; outside the mask it is 0.

        A large box is read in parts, each as it is at one moment.
        """
        seen = self._planes.moments.seen
        if box.height * box.width <= _AT_ONCE_PX:
            return seen(lambda: self._read(plane, box, level))
        whole = np.empty(box.shape, getattr(self._planes, plane).arrays[0].dtype)
        for part in _blocks.blocks_of(box):
            pixels = seen(partial(self._read, plane, part, level))
            whole[part.shifted(-box.y, -box.x).slices] = pixels
        return whole

    def _read(self, plane: Plane, box: Box, level: int) -> NDArray[Any]:
        owed = self._owed_in(box, level)
        pyramid = getattr(self._planes, plane)
        if not owed:
            pixels: NDArray[Any] = pyramid.read(box, level)
            return pixels
        patch = Patch(
            box,
            self._planes.labels.read(box, level),
            self._planes.origin.read(box, level),
        )
        if level == 0:
            self._lay_over(patch, owed)
        elif self._is_drawn(owed):
            self._draw_over(patch, owed, level)
        else:
            self._lay_over_reduced(patch, owed, level)
        found: NDArray[Any] = getattr(patch, plane)
        return found

    def _owed_in(self, box: Box, level: int) -> list[Owed]:
        if not len(self._owed):
            return []
        fine = Box(*(value << level for value in (box.y, box.x, *box.shape)))
        inside = fine.intersection(Box(0, 0, *self._planes.shape))
        numbers = self._owed.touching(inside) if inside else []
        return [item for number in numbers for item in self._owed.of_block(number)]

    def _lay_over(self, patch: Patch, owed: list[Owed]) -> None:
        for item in owed:
            common = item.box.intersection(patch.box)
            after = common and self._effects.after(item, patch.cropped(common))
            if after:
                patch.paste(after)

    def _is_drawn(self, owed: list[Owed]) -> bool:
        effects = [self._effects.of(seq) for seq in {item.seq for item in owed}]
        return not any(e.is_undo or e.drawing.spared for e in effects)

    def _draw_over(self, patch: Patch, owed: list[Owed], level: int) -> None:
        box = patch.box
        for seq in sorted({item.seq for item in owed}):
            is_owed = np.zeros(box.shape, np.bool_)
            for item in owed:
                part = _at_level(item.box, level).intersection(box)
                if item.seq == seq and part is not None:
                    is_owed[part.shifted(-box.y, -box.x).slices] = True
            drawing = self._effects.of(seq).drawing.at_level(level)
            covered = drawing.shape.covered(box) & is_owed
            patch.labels[covered] = drawing.class_index
            patch.origin[covered] = Origin.HUMAN

    def _lay_over_reduced(self, patch: Patch, owed: list[Owed], level: int) -> None:
        if _blocks.BLOCK_PX % (1 << level):
            return  # several blocks a pixel: it changes when they are filled
        for number in dict.fromkeys(item.number for item in owed):
            block = block_of(number).intersection(Box(0, 0, *self._planes.shape))
            assert block is not None  # blocks are owed inside the mask only
            whole = self._planes.read(block)
            self._lay_over(whole, [item for item in owed if item.number == number])
            for _ in range(level):
                whole = self._planes.halved(whole)
            common = whole.box.intersection(patch.box)
            if common is not None:
                patch.paste(whole.cropped(common))


def _at_level(box: Box, level: int) -> Box:
    y0, x0 = box.y >> level, box.x >> level
    y1, x1 = -(-box.y1 >> level), -(-box.x1 >> level)
    return Box(y0, x0, y1 - y0, x1 - x0)
