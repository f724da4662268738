"""Features of tiles: one vector a patch of tissue, as a kind of run."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_histossl.overlays.attention import AttentionPredictor
from napari_histossl.overlays.device import Halving
from napari_histossl.overlays.finite import half_then_full
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.predictor import Values
from napari_histossl.slide import SlideSource


class FeaturePredictor(AttentionPredictor):
    """A slide and a model that gives features, open; a `Predictor`.

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
        super().__init__(source, plan)
        self._forward = Halving(self._features)

    def compute(self, inputs: NDArray[np.uint8]) -> Values:
        """Return the features of tiles.

        Parameters
        ----------
        inputs : ndarray of shape (N, edge, edge, 3) and dtype uint8
            As `read` returns it.

        Returns
        -------
        tuple of one ndarray of shape (N, D) and dtype float32
            What the model gives, neither scaled nor centred.

        Raises
        ------
        ModelError
            If the model gives values that are not finite.
        """
        with torch.inference_mode():
            features: NDArray[Any] = self._forward(self.images(inputs)).cpu().numpy()
        self._need_finite(features)
        return (features,)

    def _features(self, images: Tensor) -> Tensor:
        """Return what the model makes of pictures, (N, D) in single precision."""
        return half_then_full(self._model, images, self._plan.precision)
