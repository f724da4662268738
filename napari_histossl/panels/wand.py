"""The wand on a slide: grown at the screen's resolution, set on the mask."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import Found
from napari_histossl.annotate.wand import grow
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box, to_level
from napari_histossl.slide import Slide, read_virtual, virtual_levels

REACH_PX = 100
"""Pixels of the screen that the wand reaches at most from where it is held: what
colours alone decide farther away is rarely what was meant."""


@dataclass(frozen=True, slots=True)
class WandChoice:
    """How picky the wand is.

    Attributes
    ----------
    tolerance : float
        Largest distance in CIELAB from the colour that is pointed at.
    smoothing_px : float
        Blur and closed gaps, in pixels of the screen.
    """

    tolerance: float = 12.0
    smoothing_px: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Grown:
    """An area of the slide at one of its virtual levels.

    Attributes
    ----------
    found : ndarray of shape (height, width) and dtype bool
        Which pixels of the level belong to it.
    box_px : Box
        Where they are, in pixels of the level.
    downsample : float
        Level-0 pixels of the slide per pixel.
    """

    found: NDArray[np.bool_]
    box_px: Box
    downsample: float

    def joined(self, other: Grown) -> Grown:
        """Return both areas as one; they are of the same level."""
        box = self.box_px.union(other.box_px)
        found = np.zeros(box.shape, np.bool_)
        for area in (self, other):
            found[area.box_px.shifted(-box.y, -box.x).slices] |= area.found
        return Grown(found, box, self.downsample)

    def outline_px0(self) -> NDArray[np.float64]:
        """Return the edges of its pixels that lie between in and out.

        Returns
        -------
        ndarray of shape (N, 2, 2)
            Both ends of N edges, as (y, x) in level-0 pixels of the slide from the
            outer edge.
        """
        padded = np.pad(self.found, 1)
        rows, columns = np.nonzero(padded[1:] != padded[:-1])
        across = np.stack([(rows, columns - 1), (rows, columns)])
        rows, columns = np.nonzero(padded[:, 1:] != padded[:, :-1])
        along = np.stack([(rows - 1, columns), (rows, columns)])
        edges = np.concatenate([across, along], axis=2).transpose(2, 0, 1)
        corner = np.array([self.box_px.y, self.box_px.x])
        outline: NDArray[np.float64] = (edges + corner) * self.downsample
        return outline

    def on_mask(
        self,
        downsample_yx: tuple[float, float],
        levels: int,
        class_index: int,
        spared: tuple[int, ...] = (),
        author: str | None = None,
    ) -> Found:
        """Return the area on a mask, on the level that is about as coarse.

        Parameters
        ----------
        downsample_yx : tuple of float
            Level-0 pixels of the slide per pixel of the mask.
        levels : int
            How many levels the mask has.
        class_index : int
            What is set; 0 takes labels away.
        spared : tuple of int, optional
            Classes that are not painted over.
        author : str or None, optional
            Who did it; None stands for the login name.
        """
        coarser = math.log2(self.downsample / min(downsample_yx))
        level = min(max(math.floor(coarser + 1e-6), 0), levels - 1)
        ratio_y, ratio_x = (d * 2**level / self.downsample for d in downsample_yx)
        rows, inside_y = _under(self.box_px.y, self.box_px.height, ratio_y)
        columns, inside_x = _under(self.box_px.x, self.box_px.width, ratio_x)
        found = self.found[np.ix_(inside_y, inside_x)]
        box = Box(int(rows[0]), int(columns[0]), len(rows), len(columns))
        return Found(found, box, level, class_index, spared, author=author)


def level_on_screen(slide: Slide, px0_per_screen_px: float) -> int:
    """Return the virtual level whose pixels are about as large as the screen's."""
    wished = round(math.log2(max(px0_per_screen_px, 1)))
    return min(wished, len(virtual_levels(slide)) - 1)


def grow_at(
    slide: Slide,
    level: int,
    at_px0: tuple[float, float],
    view_px0: Box,
    choice: WandChoice,
) -> Grown:
    """Return what the wand takes where it is held.

    Parameters
    ----------
    slide : Slide
        As it is shown, colours included.
    level : int
        Virtual level, from `level_on_screen`.
    at_px0 : tuple of float
        Where, as (y, x) in level-0 pixels from the outer edge.
    view_px0 : Box
        Part of the slide on the screen, beyond which nothing is taken.
    choice : WandChoice
        How picky.

    Raises
    ------
    AnnotationError
        If the place is not on the part of the slide that is in view.
    SlideReadError
        If the slide cannot be read there.
    """
    of_level = virtual_levels(slide)[level]
    down = of_level.downsample
    seed_y, seed_x = (math.floor(at / down) for at in at_px0)
    seen = to_level(view_px0, (down, down)).intersection(of_level.box)
    around = Box(seed_y, seed_x, 1, 1).padded(REACH_PX)
    part = seen.intersection(around) if seen else None
    if part is None or part.intersection(Box(seed_y, seed_x, 1, 1)) is None:
        raise AnnotationError(
            "the wand works on the slide; that place is outside it, click on tissue"
        )
    found = grow(
        read_virtual(slide, part, level),
        (seed_y - part.y, seed_x - part.x),
        tolerance=choice.tolerance,
        smoothing_px=choice.smoothing_px,
        reach_px=REACH_PX,
    )
    return Grown(found, part, down)


def _under(
    start: int, count: int, ratio: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return coarse indices, and which of some fine pixels lies at their centres.

    Parameters
    ----------
    start, count : int
        The fine pixels: the first one, and how many.
    ratio : float
        Fine pixels per coarse one; below 1 where they are not finer at all.
    """
    first, last = math.floor(start / ratio), math.ceil((start + count) / ratio)
    indices = np.arange(first, last)
    fine = np.floor((indices + 0.5) * ratio).astype(np.intp) - start
    is_inside = (fine >= 0) & (fine < count)
    if not is_inside.any():  # thinner than a pixel of the mask: the nearest one
        middle = math.floor((start + count / 2) / ratio)
        return np.array([middle]), np.array([count // 2])
    return indices[is_inside], fine[is_inside]
