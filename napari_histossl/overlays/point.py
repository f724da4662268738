"""What one token attends to: attention from a point, following the cursor.

A tile is computed once; as long as it is kept, any of its tokens is a look-up.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from napari_histossl.geometry import Box, from_level
from napari_histossl.overlays.attention import AttentionPredictor
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.normalise import normalise
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.questions import PointAttention
from napari_histossl.overlays.tile_attention import TileAttention, locate
from napari_histossl.slide import SlideSource

KEPT_BYTES = 96 << 20
"""Weights of tiles that are kept: 45 of the sample model, 4 of 1,024 tokens."""


class PointPredictor(AttentionPredictor):
    """Attention from any token of a slide.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : RunPlan
        An attention run: model, scale, tiles, block, normalisation.

    Raises
    ------
    WeightsError
        If the weights cannot be read or have changed since the plan was made.
    SlideOpenError
        If the slide cannot be opened.
    """

    def __init__(self, source: SlideSource, plan: RunPlan) -> None:
        super().__init__(source, plan)
        self._kept: OrderedDict[Tile, NDArray[np.float32]] = OrderedDict()

    def at(self, y_px0: float, x_px0: float) -> PointAttention:
        """Return what the token at a point of the slide attends to.

        Parameters
        ----------
        y_px0, x_px0 : float
            In level-0 pixels.

        Raises
        ------
        GeometryError
            If the point is not on the slide.
        SlideReadError
            If the tile cannot be decoded.
        ModelError
            If the model gives values that are not finite.
        """
        plan = self._plan
        tile, (row, column) = locate(plan, y_px0, x_px0)
        box, token_px = plan.tile_box(*tile), plan.spec.token_px
        token = Box(
            box.y + row * token_px, box.x + column * token_px, token_px, token_px
        )
        down_yx = plan.downsample, plan.downsample
        return PointAttention(
            tile,
            (row, column),
            from_level(box, down_yx),
            from_level(token, down_yx),
            self._row(tile, row * plan.tile_tokens + column),
        )

    def tile(self, tile: Tile) -> TileAttention:
        """Return what all tokens of a tile attend to.

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
        weights = self._weights(tile)
        relative = weights[:, 1:, 1:] * weights.shape[-1]
        return TileAttention(tile, relative.astype(np.float16))

    def close(self) -> None:
        """Close the slide."""
        super().close()
        self._kept.clear()

    def _row(self, tile: Tile, token: int) -> NDArray[np.float16]:
        weights = self._weights(tile)[:, 1 + token, 1:]
        edge = self._plan.tile_tokens
        maps = weights.reshape(1, -1, edge, edge)
        if self._plan.has_mean:
            maps = np.concatenate([maps, maps.mean(1, keepdims=True)], axis=1)
        values: NDArray[Any] = normalise(maps, self._plan.values)[0]
        return values.astype(np.float16)

    def _weights(self, tile: Tile) -> NDArray[np.float32]:
        """Return all weights of a tile, (heads, 1 + tokens, 1 + tokens)."""
        kept = self._kept.get(tile)
        if kept is not None:
            self._kept.move_to_end(tile)
            return kept
        with torch.inference_mode():
            images = self.images(self.read((tile,)))
            weights = self._model.attention(images, self._plan.block)[0]
        made: NDArray[np.float32] = weights.cpu().numpy()
        self._need_finite(made)
        self._kept[tile] = made
        while len(self._kept) * made.nbytes > KEPT_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return made
