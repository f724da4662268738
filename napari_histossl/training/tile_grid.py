"""Which tiles of a slide to take: a grid, and how much of a tile is tissue."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from napari_histossl.errors import PlanError
from napari_histossl.geometry import TileGrid, from_level
from napari_histossl.slide import Slide, find_tissue
from napari_histossl.training.slide_patches import Place, downsample_of


@dataclass(frozen=True, slots=True)
class TilePlan:
    """A grid of tiles.

    Attributes
    ----------
    tile_px : int
        Edge in pixels.
    mpp : float
        Micrometres per pixel.
    least_tissue : float
        Share of a tile that is tissue, at least; 0 takes them all.
    """

    tile_px: int = 512
    mpp: float = 1.0
    least_tissue: float = 0.25

    def __post_init__(self) -> None:
        if self.tile_px < 1 or self.mpp <= 0 or not 0 <= self.least_tissue <= 1:
            raise PlanError(
                f"tiles need an edge, a scale above 0 um/px and a share of tissue from "
                f"0 to 1; got tile_px={self.tile_px}, mpp={self.mpp}, "
                f"least_tissue={self.least_tissue}"
            )


def find_tiles(slide: Slide, plan: TilePlan) -> Iterator[Place]:
    """Yield the tiles of a slide that show enough tissue, row by row.

    Parameters
    ----------
    slide : Slide
        The slide.
    plan : TilePlan
        The grid; it begins at the upper left corner, and its last tiles hang over.

    Yields
    ------
    Place
        A box at the scale of the plan.

    Raises
    ------
    MissingScaleError
        If the slide does not say its scale.
    PlanError
        If it is coarser than the plan.
    """
    downsample = downsample_of(slide, plan.mpp)
    tissue = find_tissue(slide)
    height, width = (max(round(n / downsample), 1) for n in slide.levels[0].shape)
    grid = TileGrid((height, width), plan.tile_px)
    for row, column in product(*map(range, grid.shape_ij)):
        box = grid.box(row, column)
        there = from_level(box, (downsample, downsample))
        if not plan.least_tissue or tissue.fraction(there) >= plan.least_tissue:
            yield Place(slide.source, box, downsample)
