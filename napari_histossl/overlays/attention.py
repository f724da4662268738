"""Attention of a batch of tiles, in this process or in another one."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_histossl.closing import Closing
from napari_histossl.errors import WeightsError
from napari_histossl.geometry import Box
from napari_histossl.models.metadata import hash_file
from napari_histossl.models.weights import load_spec
from napari_histossl.overlays.plan import DTYPE, RunPlan
from napari_histossl.slide import SlideSource, read_virtual


class AttentionPredictor(Closing):
    """A slide and a model, open.

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
    """

    def __init__(self, source: SlideSource, plan: RunPlan) -> None:
        if hash_file(plan.weights) != plan.weights_sha256:
            raise WeightsError(
                f"{plan.weights} has changed since the run was planned: its sha256 is "
                f"not {plan.weights_sha256[:12]}...; plan the run again"
            )
        self._plan = plan
        self._model: Any = load_spec(plan.spec, Path(plan.weights))
        self._mean = torch.tensor(plan.spec.mean).view(1, 3, 1, 1)
        self._std = torch.tensor(plan.spec.std).view(1, 3, 1, 1)
        self._slide = source.open()

    def compute(self, boxes: Sequence[Box]) -> NDArray[np.float16]:
        """Read tiles and return their attention.

        Parameters
        ----------
        boxes : sequence of Box
            N tiles in pixels of the plan's level.

        Returns
        -------
        ndarray of shape (N, heads, tokens, tokens) and dtype float16
            Class-token attention relative to uniform: 1.0 where all tokens, the class
            token included, get the same.

        Raises
        ------
        SlideReadError
            If pixels cannot be decoded.
        """
        pixels = [read_virtual(self._slide, box, self._plan.level) for box in boxes]
        with torch.inference_mode():
            weights: Tensor = self._model.attention_from(self._normalise(pixels))
        relative = weights[:, :, 1:] * weights.shape[-1]  # (N, heads, tokens**2)
        edge = self._plan.tile_tokens
        grid = relative.reshape(len(boxes), -1, edge, edge)
        return grid.numpy().astype(DTYPE)

    def close(self) -> None:
        """Close the slide."""
        self._slide.close()

    def _normalise(self, pixels: list[NDArray[np.uint8]]) -> Tensor:
        images = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2)  # (N, 3, P, P)
        return (images.float() / 255 - self._mean) / self._std


def compute_batch(
    source: SlideSource, plan: RunPlan, boxes: Sequence[Box]
) -> NDArray[np.float16]:
    """Do `AttentionPredictor.compute` for an executor: all arguments are picklable.

    Notes
    -----
    The process that computes keeps its last slide and model open, since opening them
    costs more than a batch.
    """
    if not isinstance(source, Hashable):
        with AttentionPredictor(source, plan) as predictor:
            return predictor.compute(boxes)
    return _kept_predictor(source, plan).compute(boxes)


@lru_cache(maxsize=1)
def _kept_predictor(source: Any, plan: RunPlan) -> AttentionPredictor:
    return AttentionPredictor(source, plan)
