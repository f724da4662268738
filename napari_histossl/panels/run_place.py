"""Where a run computes, whatever it computes: scale, extent, tissue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import MissingScaleError, NoTissueError, PlanError
from napari_histossl.geometry import Box, Level, to_level
from napari_histossl.models.metadata import WeightsRecord
from napari_histossl.overlays.grid import StepGrid
from napari_histossl.overlays.tiles import order_tiles, tissue_fractions
from napari_histossl.slide import SlideSource

Extent = Literal["view", "region", "slide"]

_ABSURD_MPP = (0.01, 100.0)
"""Micrometres per pixel outside of this are a mistake of unit, not a slide."""


@dataclass(frozen=True, slots=True, eq=False)
class SlideFacts:
    """What a plan depends on besides the choice.

    Attributes
    ----------
    source : SlideSource
        The slide's record.
    levels : tuple of Level
        Its virtual levels.
    mpp_yx : tuple of float or None
        Micrometres per level-0 pixel, as the slide says.
    is_tissue : ndarray of shape (h, w) and dtype bool, or None
        Tissue at low power; None to take the whole slide for tissue.
    tissue_downsample : float
        Level-0 pixels per pixel of `is_tissue`.
    weights : WeightsRecord
        The weights that were chosen.
    view_px0, region_px0 : Box or None
        What is on the screen, and what is selected, in level-0 pixels.
    """

    source: SlideSource
    levels: tuple[Level, ...]
    mpp_yx: tuple[float, float] | None
    is_tissue: NDArray[Any] | None
    tissue_downsample: float
    weights: WeightsRecord
    view_px0: Box | None = None
    region_px0: Box | None = None


def scale_of(facts: SlideFacts, mpp: float | None = None) -> tuple[float, float]:
    """Return micrometres per level-0 pixel.

    Parameters
    ----------
    facts : SlideFacts
        What the slide says.
    mpp : float, optional
        What a person says in its place.

    Raises
    ------
    MissingScaleError
        If neither says how large a pixel is.
    PlanError
        If it would be of an absurd size.
    """
    mpp_yx = facts.mpp_yx if mpp is None else (mpp, mpp)
    if mpp_yx is None:
        raise MissingScaleError(
            f"{facts.source.name} does not say how large a pixel is, and the model "
            f"needs to know; give it, for example --mpp 0.5 for most 20x scans"
        )
    low, high = _ABSURD_MPP
    if not all(low <= mpp <= high for mpp in mpp_yx):
        raise PlanError(
            f"a pixel of {facts.source.name} would be {mpp_yx[0]:g} x {mpp_yx[1]:g} um "
            f"large; expected {low:g} to {high:g} um: give the right one with --mpp"
        )
    return mpp_yx


def chosen_tiles(
    facts: SlideFacts,
    grid: StepGrid,
    downsample: float,
    extent: Extent = "slide",
    min_tissue: float = 0.1,
) -> tuple[tuple[int, int], ...]:
    """Return the tissue tiles inside an extent, in the order of computing.

    Parameters
    ----------
    facts : SlideFacts
        Tissue, view and region.
    grid : StepGrid
        All tiles.
    downsample : float
        Level-0 pixels per pixel of the grid.
    extent : {"slide", "region", "view"}, optional
        Which part of the tissue.
    min_tissue : float, optional
        Least share of a tile that is tissue.

    Raises
    ------
    NoTissueError
        If there is nothing to compute.
    PlanError
        If there is no view or region.
    """
    if facts.is_tissue is None:
        wanted = np.ones(grid.shape_ij, bool)
    else:
        shares = tissue_fractions(
            facts.is_tissue, facts.tissue_downsample, grid, downsample
        )
        wanted = shares >= min_tissue
    if not wanted.any():
        raise NoTissueError(
            f"no tissue was found on {facts.source.name}, so there is nothing to "
            f"compute; look at the tissue layer and correct it if it is wrong"
        )
    inside = _extent(extent, facts)
    if inside is not None:
        wanted &= _covered(grid, to_level(inside, (downsample,) * 2))
        if not wanted.any():
            raise NoTissueError(
                f"there is no tissue in the chosen {extent} of "
                f"{facts.source.name}; move it, or run on the slide"
            )
    view = facts.view_px0
    in_view = None if view is None else to_level(view, (downsample,) * 2)
    return order_tiles(wanted, grid, in_view)


def _extent(extent: Extent, facts: SlideFacts) -> Box | None:
    if extent == "slide":
        return None
    box = facts.view_px0 if extent == "view" else facts.region_px0
    if box is None:
        raise PlanError(
            f"there is no {extent} to run on; "
            + ("open the slide in a viewer" if extent == "view" else "draw one")
        )
    return box


def _covered(grid: StepGrid, box: Box) -> NDArray[np.bool_]:
    covered = np.zeros(grid.shape_ij, bool)
    for row, column in grid.covering(box):
        covered[row, column] = True
    return covered
