"""What a classifier sees under the cursor: a tile is computed once, and kept."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import torch
from numpy.typing import NDArray

from napari_histossl.models.cam import cams_of
from napari_histossl.overlays.attention import AttentionPredictor
from napari_histossl.overlays.class_tile import TileClasses
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.slide import SlideSource

_KEPT_TILES = 256
"""Tiles whose activation is kept: 13 kB each."""


class ClassTilePredictor(AttentionPredictor):
    """Class activation of any tile of a slide.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : RunPlan
        From `panels.class_maps.plan_tile`: classifier, scale, tiles.

    Raises
    ------
    WeightsError
        If the weights cannot be read or have changed since the plan was made.
    SlideOpenError
        If the slide cannot be opened.
    """

    def __init__(self, source: SlideSource, plan: RunPlan) -> None:
        super().__init__(source, plan)
        self._kept: OrderedDict[Tile, TileClasses] = OrderedDict()

    def tile(self, tile: Tile) -> TileClasses:
        """Return the class activation of a tile.

        Parameters
        ----------
        tile : tuple of int
            Row and column in the grid of the plan.

        Raises
        ------
        SlideReadError
            If the tile cannot be decoded.
        ModelError
            If the model gives values that are not finite.
        """
        kept = self._kept.get(tile)
        if kept is None:
            kept = self._kept[tile] = TileClasses(tile, self._activation(tile))
            if len(self._kept) > _KEPT_TILES:
                self._kept.popitem(last=False)
        self._kept.move_to_end(tile)
        return kept

    def close(self) -> None:
        """Close the slide."""
        super().close()
        self._kept.clear()

    def _activation(self, tile: Tile) -> NDArray[np.float32]:
        with torch.inference_mode():
            features = self._model.features(self.images(self.read((tile,))))
            maps = cams_of(features, self._model.class_weights)[0]
        activation: NDArray[np.float32] = maps.float().cpu().numpy()
        self._need_finite(activation)
        return activation
