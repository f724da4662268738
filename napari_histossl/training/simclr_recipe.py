"""The numbers of a SimCLR training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from napari_histossl.errors import PlanError
from napari_histossl.training.variation import SIMCLR_VIEW, Variation, View


@dataclass(frozen=True, slots=True)
class SimclrRecipe:
    """All that a training depends on besides the pictures.

    Attributes
    ----------
    steps : int
        Optimiser steps; the learning rate's schedule runs over them.
    batch : int
        Pictures a step; each has two views, and all views of the others are told from
        them.
    seed : int
        Decides initial weights, order and crops.
    model : str
        Registered name of the encoder.
    options : dict
        Options of it.
    tile_px : int
        Edge of the tile that the model reads on a slide.
    hidden, projection : int
        Width of the projector's hidden layer and of its output.
    temperature : float
        Temperature of the softmax over the views.
    crop_px : int
        Edge of a view in pixels.
    area : tuple of float
        Least and largest share of the picture that it takes.
    variation : Variation
        What is done to it.
    optimiser : {"adamw", "lars"}
        AdamW, or LARS, as published for large batches.
    learning_rate : float
        Peak; reached after `warm_up`, then down to 0 by a cosine.
    warm_up : float
        Share of the steps.
    weight_decay : float
        Of matrices and kernels; biases and batch norms have none.
    normalise : {"pictures", "half"}
        By mean and deviation of the pictures, or by 0.5 as the published models are.
    """

    steps: int = 1500
    batch: int = 64
    seed: int = 0
    model: str = "resnet18"
    options: dict[str, Any] = field(default_factory=dict)
    tile_px: int = 128
    hidden: int = 256
    projection: int = 64
    temperature: float = 0.2
    crop_px: int = 64
    area: tuple[float, float] = (0.16, 1.0)
    variation: Variation = SIMCLR_VIEW
    optimiser: Literal["adamw", "lars"] = "adamw"
    learning_rate: float = 1e-3
    warm_up: float = 0.05
    weight_decay: float = 1e-4
    normalise: Literal["pictures", "half"] = "pictures"

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 2:
            raise PlanError(
                f"a training has at least one step, and two pictures to be told apart; "
                f"got steps={self.steps}, batch={self.batch}"
            )
        if self.crop_px < 1 or self.temperature <= 0:
            raise PlanError(
                f"views have at least one pixel and the temperature is above 0; got "
                f"crop_px={self.crop_px}, temperature={self.temperature}"
            )


def simclr_views(recipe: SimclrRecipe) -> list[View]:
    """Return the two views of a picture."""
    return [View(recipe.crop_px, recipe.area, recipe.variation)] * 2
