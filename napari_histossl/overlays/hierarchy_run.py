"""Two levels of attention over a slide, region by region, as a kind of run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.closing import Closing
from napari_histossl.geometry import Box
from napari_histossl.models.registry import spec_with
from napari_histossl.overlays.device import choose_device, describe_device
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.hierarchy_model import HierarchyModel, RegionMaps
from napari_histossl.overlays.hierarchy_view import channel_names
from napari_histossl.overlays.loaded import loaded_model
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.predictor import Values
from napari_histossl.overlays.raster import Raster, RasterSink
from napari_histossl.overlays.reading import TileReader
from napari_histossl.slide import SlideSource

VALUES = (
    "ranks: of a token within its patch, of a patch within its region, above 0 and up "
    "to 1, the highest attention; combined: their mean over passes and heads, those of "
    "patches counted twice; NaN is not computed"
)
"""What the numbers mean; stored with each overlay."""

_COARSEST_PX = 16
"""Levels go on to where a pixel is a patch, on small slides too: there region heads
are shown."""

_NOT_OF_NUMBERS = ("values", "unit", "block", "region_weights", "patch_batch")
"""Parameters of a plan that the numbers do not depend on, or that are said better."""


class HierarchyPredictor(Closing):
    """A slide and two models, open; a `Predictor` whose tiles are regions.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : RunPlan
        From `panels.hierarchy.resolve_hierarchy`; its tiles are not used.

    Raises
    ------
    WeightsError
        If weights cannot be read or have changed since the plan was made.
    SlideOpenError
        If the slide cannot be opened.
    PlanError
        If a GPU is asked for and absent.
    ModelError
        If the models were not trained on one another.
    """

    def __init__(self, source: SlideSource, plan: RunPlan) -> None:
        self._plan = plan
        told = dict(plan.options)
        self._device = choose_device(plan.device)
        self._patch_px = int(told["patch_px"])
        spec = replace(plan.spec, tile_px=self._patch_px)
        place = str(self._device)
        self._model = HierarchyModel(
            loaded_model(spec, plan.weights, plan.weights_sha256, place),
            loaded_model(
                spec_with(told["region_model"], json.loads(told["region_config"])),
                told["region_weights"],
                told["region_sha256"],
                place,
            ),
            spec,
            batch=int(told["patch_batch"]),
            shifted=bool(told["shifted"]),
            as_published=bool(told["as_published"]),
            precision=plan.precision,
        )
        self._reader = TileReader(source)

    @property
    def device(self) -> str:
        """Where it computes, in words for people."""
        return describe_device(self._device)

    @property
    def readers(self) -> int:
        """One: a region is 50 MB, and few of them are to be held at once."""
        return 1

    def read(self, tiles: Sequence[Tile]) -> list[NDArray[np.uint8]]:
        """Return the pixels of regions.

        Parameters
        ----------
        tiles : sequence of (row, column)
            N regions.

        Returns
        -------
        list of ndarray of shape (height, width, 3) and dtype uint8
            RGB at the scale of the run. At the edges of the slide the whole patches
            that hold what there is of a region, white outside the slide.

        Raises
        ------
        SlideReadError
            If pixels cannot be decoded.
        """
        return [
            self._reader.read_scaled(self._box(tile), self._plan.downsample)
            for tile in tiles
        ]

    def compute(self, inputs: Sequence[NDArray[np.uint8]]) -> Values:
        """Return the scores of regions.

        Parameters
        ----------
        inputs : sequence of ndarray of shape (height, width, 3) and dtype uint8
            As `read` returns them.

        Returns
        -------
        tuple of one ndarray of shape (N, channels, tokens, tokens)
            In the order of `hierarchy_view.channel_names`; NaN off the slide.

        Raises
        ------
        ModelError
            If a model gives values that are not finite.
        """
        edge = self._plan.tile_tokens
        regions = []
        for pixels in inputs:
            scores = _stack(self._model.maps(pixels))
            whole = np.full((len(scores), edge, edge), np.nan, np.float32)
            whole[:, : scores.shape[1], : scores.shape[2]] = scores
            regions.append(whole)
        return (np.stack(regions),)

    def close(self) -> None:
        """Close the slide."""
        self._reader.close()

    def _box(self, tile: Tile) -> Box:
        box = self._plan.tile_box(*tile)
        height, width = (
            min(length, -(-(end - start) // self._patch_px) * self._patch_px)
            for length, end, start in zip(
                box.shape, self._plan.level_shape, (box.y, box.x), strict=True
            )
        )
        return Box(box.y, box.x, height, width)


def _stack(maps: RegionMaps) -> NDArray[np.float32]:
    return np.concatenate([maps.patch, maps.region, maps.combined_mean()[None]])


def hierarchy_sink(source: SlideSource, plan: RunPlan) -> RasterSink:
    """Return where a run writes: one pyramid, one pixel a token of the patch model."""
    told = dict(plan.options)
    names = channel_names(plan.spec.heads, int(told["region_heads"]))
    parameters = hierarchy_parameters(plan)
    raster = Raster(plan.out, plan.spec.token_px, names, parameters, _COARSEST_PX)
    return RasterSink(source, plan, (raster,))


def hierarchy_parameters(plan: RunPlan) -> dict[str, Any]:
    """Return what the numbers depend on besides slide and weights; JSON values."""
    told = {k: v for k, v in plan.parameters.items() if k not in _NOT_OF_NUMBERS}
    return {**told, "values": VALUES, "unit": "rank (1 = most)"}
