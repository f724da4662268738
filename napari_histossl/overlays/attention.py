"""Attention of the class token, tile by tile."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_histossl.closing import Closing
from napari_histossl.overlays.device import (
    Halving,
    choose_device,
    describe_device,
)
from napari_histossl.overlays.finite import half_then_full, need_finite
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.loaded import loaded_model
from napari_histossl.overlays.normalise import normalise
from napari_histossl.overlays.pictures import Pictures
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.predictor import Values
from napari_histossl.overlays.reading import TileReader
from napari_histossl.slide import SlideSource

_MOST_READERS = 8
"""Threads that decode for a GPU; more do not come faster from one file."""


class AttentionPredictor(Closing):
    """A slide and a model, open; a `Predictor`.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : RunPlan
        What to compute; its tiles are not used.

    Raises
    ------
    WeightsError
        If the weights cannot be read or have changed since the plan was made.
    SlideOpenError
        If the slide cannot be opened.
    PlanError
        If a GPU is asked for and absent.
    """

    def __init__(self, source: SlideSource, plan: RunPlan) -> None:
        self._plan = plan
        self._device = choose_device(plan.device)
        self._model: Any = loaded_model(
            plan.spec, plan.weights, plan.weights_sha256, str(self._device)
        )
        self.images = Pictures(plan.spec, self._device)
        self._forward = Halving(self._attention)
        self._reader = TileReader(source)

    @property
    def device(self) -> str:
        """Where it computes, in words for people."""
        return describe_device(self._device)

    @property
    def readers(self) -> int:
        """Threads that read: one beside a CPU that computes, several for a GPU."""
        if self._device.type == "cpu":
            return 1
        return max(1, min(_MOST_READERS, (os.cpu_count() or 2) - 1))

    def read(self, tiles: Sequence[Tile]) -> NDArray[np.uint8]:
        """Return the pixels of tiles.

        Parameters
        ----------
        tiles : sequence of (row, column)
            N tiles.

        Returns
        -------
        ndarray of shape (N, edge, edge, 3) and dtype uint8
            RGB at the scale of the run, white outside the slide.

        Raises
        ------
        SlideReadError
            If pixels cannot be decoded.
        """
        plan = self._plan
        boxes = [plan.tile_box(*tile) for tile in tiles]
        return np.stack([self._reader.read_scaled(b, plan.downsample) for b in boxes])

    def compute(self, inputs: NDArray[np.uint8]) -> Values:
        """Return the attention of tiles.

        Parameters
        ----------
        inputs : ndarray of shape (N, edge, edge, 3) and dtype uint8
            As `read` returns it.

        Returns
        -------
        tuple of one ndarray of shape (N, channels, tokens, tokens)
            As the plan's `values` says.

        Raises
        ------
        ModelError
            If the model gives values that are not finite.
        """
        with torch.inference_mode():
            weights = self._forward(self.images(inputs)).cpu()
        edge = self._plan.tile_tokens
        grids = weights[:, :, 1:].reshape(len(inputs), -1, edge, edge).numpy()
        self._need_finite(grids)
        if self._plan.has_mean:
            grids = np.concatenate([grids, grids.mean(1, keepdims=True)], axis=1)
        return (normalise(grids, self._plan.values),)

    def drawn(self, count: int) -> Any:
        """Return what `read` might of so many tiles: noise, to measure `compute`."""
        return _noise(count, self._plan.spec.tile_px)

    def _attention(self, images: Tensor) -> Tensor:
        """Return what the class token attends to, (N, heads, 1 + tokens)."""
        attention = partial(self._model.attention_from, block=self._plan.block)
        return half_then_full(attention, images, self._plan.precision)

    def _need_finite(self, values: NDArray[Any]) -> None:
        plan = self._plan
        need_finite(values, plan.spec.name, f"the weights {plan.weights}")

    def close(self) -> None:
        """Close the slide."""
        self._reader.close()


def _noise(count: int, edge_px: int) -> NDArray[np.uint8]:
    shape = count, edge_px, edge_px, 3
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)
