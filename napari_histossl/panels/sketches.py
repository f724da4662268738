"""How a mask looks with a change that is not saved yet: drawn at any level, at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import (
    FloodFill,
    Found,
    HoleFill,
    Polygon,
    Stroke,
    Take,
)
from napari_histossl.classes import UNLABELLED
from napari_histossl.geometry import Box

Drawn: TypeAlias = Stroke | Polygon | FloodFill | HoleFill | Found | Take
"""Everything that a person can draw on a mask."""

_MOST_READ_PX = 1 << 20
"""A proposal is sketched where so many of its pixels, or fewer, show a tile."""


class Sketch(Protocol):
    """What a change does to the picture before it is saved."""

    @property
    def box_px0(self) -> Box:
        """Where, in pixels of level 0; it may hang over the mask."""

    def draw(self, labels: NDArray[Any], box: Box, level: int) -> None:
        """Draw it into the labels of a box of a level; outside it they stay."""


def sketch_of(drawn: Drawn) -> Sketch | None:
    """Return how something that was drawn looks; None where that has to be computed."""
    if isinstance(drawn, Stroke | Polygon):
        return ShapeSketch(drawn)
    if isinstance(drawn, Found):
        return FoundSketch(drawn)
    return TakeSketch(drawn) if isinstance(drawn, Take) else None


class ShapeSketch:
    """A stroke or an outlined area, with edges as exact as the level shows them.

    Parameters
    ----------
    drawn : Stroke or Polygon
        What was drawn.
    """

    def __init__(self, drawn: Stroke | Polygon) -> None:
        self._drawing = drawn.drawing()
        if isinstance(drawn, Stroke):
            self.box_px0 = _around(drawn.points_px0, drawn.radius_px0)
        else:
            self.box_px0 = _around(np.concatenate(drawn.rings_px0), 0.0)

    def draw(self, labels: NDArray[Any], box: Box, level: int) -> None:
        """Draw it into the labels of a box of a level."""
        common = box.intersection(_at_level(self.box_px0, level))
        if common is None:
            return
        drawing = self._drawing.at_level(level) if level else self._drawing
        part = labels[common.shifted(-box.y, -box.x).slices]
        covered = drawing.shape.covered(common)
        if drawing.spared:
            covered &= ~np.isin(part, drawing.spared)
        part[covered] = drawing.class_index


@dataclass(frozen=True, slots=True)
class FoundSketch:
    """An area that a tool found.

    Attributes
    ----------
    drawn : Found
        What was found.
    """

    drawn: Found

    @property
    def box_px0(self) -> Box:
        """Where, in pixels of level 0."""
        box, level = self.drawn.box_px, self.drawn.level
        return Box(*(value << level for value in (box.y, box.x, *box.shape)))

    def draw(self, labels: NDArray[Any], box: Box, level: int) -> None:
        """Draw it into the labels of a box of a level."""
        found = self.drawn
        common = box.intersection(_at_level(self.box_px0, level, margin=0))
        if common is None:
            return
        rows, columns = (
            np.clip(_rescaled(low, high, level - found.level) - start, 0, length - 1)
            for low, high, start, length in (
                (common.y, common.y1, found.box_px.y, found.box_px.height),
                (common.x, common.x1, found.box_px.x, found.box_px.width),
            )
        )
        part = labels[common.shifted(-box.y, -box.x).slices]
        is_set = found.found[np.ix_(rows, columns)]
        if found.spared:
            is_set = is_set & ~np.isin(part, found.spared)
        part[is_set] = found.class_index


class TakeSketch:
    """What a brush takes from a proposal, where that is quickly read.

    Parameters
    ----------
    drawn : Take
        The stroke.
    """

    def __init__(self, drawn: Take) -> None:
        self._drawn = drawn
        self._way = Stroke(drawn.points_px0, drawn.radius_px0, 1).drawing()
        self.box_px0 = _around(drawn.points_px0, drawn.radius_px0)

    def draw(self, labels: NDArray[Any], box: Box, level: int) -> None:
        """Draw it into the labels of a box of a level."""
        common = box.intersection(_at_level(self.box_px0, level))
        if common is None or common.height * common.width << 2 * level > _MOST_READ_PX:
            return
        fine = Box(*(v << level for v in (common.y, common.x, *common.shape)))
        step = 1 << level
        proposed = self._drawn.source.read(fine)[step // 2 :: step, step // 2 :: step]
        part = labels[common.shifted(-box.y, -box.x).slices]
        way = self._way.at_level(level) if level else self._way
        is_set = way.shape.covered(common) & (proposed != UNLABELLED)
        if self._drawn.spared:
            is_set &= ~np.isin(part, self._drawn.spared)
        if self._drawn.removes:
            part[is_set & (part == proposed)] = UNLABELLED
        else:
            part[is_set] = proposed[is_set]


def _around(points_px0: NDArray[np.float32], radius_px0: float) -> Box:
    low = points_px0.min(axis=0).astype(np.float64) - radius_px0
    high = points_px0.max(axis=0).astype(np.float64) + radius_px0
    y0, x0 = np.floor(low).astype(int).tolist()
    y1, x1 = (np.ceil(high).astype(int) + 1).tolist()
    return Box(y0, x0, y1 - y0, x1 - x0)


def _at_level(box: Box, level: int, margin: int = 1) -> Box:
    """Return a box around another one on a coarser level, where lines are wider."""
    if not level:
        return box
    y0, x0 = box.y >> level, box.x >> level
    y1, x1 = -(-box.y1 >> level), -(-box.x1 >> level)
    return Box(y0, x0, y1 - y0, x1 - x0).padded(margin)


def _rescaled(low: int, high: int, steps_down: int) -> NDArray[np.intp]:
    """Return which pixels of another level lie at the centres of some of this one."""
    centres = (np.arange(low, high) + 0.5) * 2.0**steps_down
    pixels: NDArray[np.intp] = np.floor(centres).astype(np.intp)
    return pixels
