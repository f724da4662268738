"""All tokens of tiles: one vector every few micrometres, as a kind of run."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_histossl.overlays.device import Halving
from napari_histossl.overlays.finite import half_then_full
from napari_histossl.overlays.plan import RunPlan
from napari_histossl.overlays.predictor import Values
from napari_histossl.overlays.windows import WindowPredictor, Windows
from napari_histossl.slide import SlideSource


class TokenPredictor(WindowPredictor):
    """A slide and a vision transformer, open; a `Predictor`.

    Parameters
    ----------
    source : SlideSource
        The slide.
    plan : RunPlan
        From `panels.learn.resolve_learning`; its tiles are not used.

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
        self._forward = Halving(self._tokens)

    def compute(self, inputs: Windows) -> Values:  # type: ignore[override]
        """Return the tokens of tiles.

        Parameters
        ----------
        inputs : Windows
            As `read` returns them.

        Returns
        -------
        tuple of ndarray
            Tokens after the last norm, (N, edge, edge, D), the class token left out;
            and the share of each that is no tissue, (N, 1, edge, edge).

        Raises
        ------
        ModelError
            If the model gives values that are not finite.
        """
        with torch.inference_mode():
            tokens = self._forward(self.images(inputs.pixels)).cpu().numpy()
        self._need_finite(tokens)
        edge = self._plan.tile_tokens
        return tokens.reshape(len(tokens), edge, edge, -1), inputs.background

    def _tokens(self, images: Tensor) -> Tensor:
        """Return the patch tokens of pictures, (N, tokens, D)."""
        plan = self._plan
        return half_then_full(self._model.tokens, images, plan.precision)[:, 1:]
