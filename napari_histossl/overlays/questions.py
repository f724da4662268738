"""What a window asks of its worker: short questions, answered beside a run.

The functions can be named, and their answers taken, in a process without torch; they
import it where they are called.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box
from napari_histossl.overlays.class_tile import TileClasses
from napari_histossl.overlays.cost import Calibration
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.tile_attention import TileAttention
from napari_histossl.slide import SlideSource

if TYPE_CHECKING:
    from napari_histossl.overlays.class_point import ClassTilePredictor
    from napari_histossl.overlays.point import PointPredictor


@dataclass(frozen=True, slots=True, eq=False)
class PointAttention:
    """What one token attends to.

    Attributes
    ----------
    tile_ij : tuple of int
        Row and column of the tile in the plan's grid.
    token_ij : tuple of int
        Row and column of the token in the tile.
    tile_px0, token_px0 : Box
        Where they lie, in level-0 pixels of the slide.
    values : ndarray of shape (channels, rows, columns) and dtype float16
        What the token gives to each token of its tile, normalised as the plan says;
        channels are those of the plan.
    """

    tile_ij: Tile
    token_ij: tuple[int, int]
    tile_px0: Box
    token_px0: Box
    values: NDArray[np.float16]


def measure(source: SlideSource, plan: RunPlan) -> Calibration:
    """Do `calibrate.calibrate`: time what a plan does, and leave its models loaded.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : RunPlan
        `plan.bare()` is enough, and travels faster.
    """
    from napari_histossl.overlays.calibrate import calibrate

    return calibrate(source, plan)


def attention_from_point(
    source: SlideSource, plan: RunPlan, y_px0: float, x_px0: float
) -> PointAttention:
    """Do `PointPredictor.at` for a worker process, which keeps its last predictor.

    Parameters
    ----------
    source : SlideSource
        The slide; hashable.
    plan : RunPlan
        An attention run; `plan.bare()` is enough, and travels faster.
    y_px0, x_px0 : float
        In level-0 pixels.

    Returns
    -------
    PointAttention
        Picklable.

    Raises
    ------
    GeometryError
        If the point is not on the slide.
    SlideReadError
        If the tile cannot be decoded.
    """
    hashable: Any = source
    return _kept_predictor(hashable, plan.bare()).at(y_px0, x_px0)


def attention_of_tile(source: SlideSource, plan: RunPlan, tile: Tile) -> TileAttention:
    """Do `PointPredictor.tile` for a worker process, which keeps its last predictor.

    Parameters
    ----------
    source : SlideSource
        The slide; hashable.
    plan : RunPlan
        An attention run; `plan.bare()` is enough, and travels faster.
    tile : tuple of int
        Row and column in the grid of the plan.

    Returns
    -------
    TileAttention
        Picklable; a megabyte for 256 tokens and 8 heads.

    Raises
    ------
    SlideReadError
        If the tile cannot be decoded.
    """
    hashable: Any = source
    return _kept_predictor(hashable, plan.bare()).tile(tile)


def classes_of_tile(source: SlideSource, plan: RunPlan, tile: Tile) -> TileClasses:
    """Do `ClassTilePredictor.tile` for a worker process, which keeps the last one.

    Parameters
    ----------
    source : SlideSource
        The slide; hashable.
    plan : RunPlan
        From `panels.class_maps.plan_tile`.
    tile : tuple of int
        Row and column in the grid of the plan.

    Returns
    -------
    TileClasses
        Picklable; some kilobytes.

    Raises
    ------
    SlideReadError
        If the tile cannot be decoded.
    """
    hashable: Any = source
    return _kept_classifier(hashable, plan.bare()).tile(tile)


@lru_cache(maxsize=1)
def _kept_classifier(source: Any, plan: RunPlan) -> ClassTilePredictor:
    from napari_histossl.overlays.class_point import ClassTilePredictor

    return ClassTilePredictor(source, plan)


@lru_cache(maxsize=1)
def _kept_predictor(source: Any, plan: RunPlan) -> PointPredictor:
    from napari_histossl.overlays.point import PointPredictor

    return PointPredictor(source, plan)
