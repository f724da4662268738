"""What every training has: a recipe, a step, and a state to go on from.

The randomness of a step follows from the seed and the step alone, so that a resumed
training equals an uninterrupted one.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_histossl.errors import PlanError
from napari_histossl.models.registry import HALF, ModelSpec, build
from napari_histossl.training.batches import Batches, Items
from napari_histossl.training.patch_recipe import PatchRecipe
from napari_histossl.training.recipe import DinoRecipe
from napari_histossl.training.simclr_recipe import SimclrRecipe
from napari_histossl.training.views import ViewMaker

_LOOKED_AT = 4000
"""Pictures of which mean and deviation are taken, spread over all of them."""

_AT_ONCE = 200
"""Of these, read at a time."""

_VIEWS = 1
"""Names the stream of random numbers that views are cut with."""

Recipe = DinoRecipe | SimclrRecipe | PatchRecipe
"""All numbers of a method."""


@dataclass(frozen=True, slots=True)
class StepReport:
    """One step in numbers; each method adds its own.

    Attributes
    ----------
    loss : float
        What was made smaller.
    """

    loss: float

    def __str__(self) -> str:
        named = asdict(self).items()
        return ", ".join(f"{name.replace('_', ' ')} {n:.3f}" for name, n in named)


class Trainer(ABC):
    """All that changes from step to step.

    Parameters
    ----------
    items : Items
        What is learned from, at least a batch of it.
    recipe : DinoRecipe, SimclrRecipe or PatchRecipe
        All numbers.
    spec : ModelSpec
        The model that is trained.
    views : ViewMaker
        Cuts views of a batch.
    device : torch.device
        Where it is computed.

    Attributes
    ----------
    recipe : DinoRecipe, SimclrRecipe or PatchRecipe
        All numbers.
    spec : ModelSpec
        The model that is trained.
    step_index : int
        Steps that are done.

    Raises
    ------
    PlanError
        If there are fewer items than a batch.
    """

    recipe: Recipe

    def __init__(
        self,
        items: Items,
        recipe: Recipe,
        spec: ModelSpec,
        views: ViewMaker,
        device: torch.device,
    ) -> None:
        self.recipe = recipe
        self.spec, self.device = spec, device
        self.batches = Batches(items, recipe.batch, recipe.seed)
        self.step_index = 0
        self._view_maker = views

    @property
    def total_steps(self) -> int:
        """Steps of the whole training."""
        recipe = self.recipe
        if isinstance(recipe, PatchRecipe):
            return recipe.epochs * recipe.epoch_steps(len(self.batches))
        return recipe.steps

    @property
    def is_done(self) -> bool:
        """Whether there is nothing left to learn."""
        return self.step_index >= self.total_steps

    @property
    @abstractmethod
    def model(self) -> nn.Module:
        """What is kept in the end."""

    @abstractmethod
    def step(self) -> StepReport:
        """Learn from one batch."""

    @abstractmethod
    def parts(self) -> Mapping[str, Any]:
        """Return what has a state dict of its own, by name."""

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on, as tensors and plain values."""
        states = {name: part.state_dict() for name, part in self.parts().items()}
        return {"recipe": self._told(), "step_index": self.step_index, **states}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave.

        Raises
        ------
        PlanError
            If it belongs to another recipe.
        """
        if state["recipe"] != self._told():
            raise PlanError(
                "a checkpoint of another recipe is in the way: give the same numbers "
                "and seed to go on, or start anew with --overwrite"
            )
        self.step_index = int(state["step_index"])
        for name, part in self.parts().items():
            part.load_state_dict(state[name])

    def close(self) -> None:
        """Stop reading pictures ahead."""
        self.batches.close()

    def views(self) -> list[Tensor]:
        """Return the views of this step's batch, ready for the model."""
        seed = np.random.SeedSequence([self.recipe.seed, self.step_index, _VIEWS])
        generator = torch.Generator().manual_seed(int(seed.generate_state(1)[0]))
        return self._view_maker(self.batches.at(self.step_index), generator)

    def _told(self) -> str:
        return json.dumps(asdict(self.recipe), sort_keys=True)


def seeded(build_one: Any, seed: int) -> Any:
    """Return what a function builds when torch's random numbers start at a seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return build_one()


def xavier_start(spec: ModelSpec, seed: int) -> nn.Module:
    """Return a model whose linear layers start as Xavier's; the seed decides all."""

    def start() -> nn.Module:
        model = build(spec)
        for module in model.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
        return model

    model: nn.Module = seeded(start, seed)
    return model


def with_normalisation(
    spec: ModelSpec, items: Items, normalise: str, *, tile_px: int, mpp: float
) -> ModelSpec:
    """Return a spec with scale and normalisation.

    Parameters
    ----------
    spec : ModelSpec
        The model.
    items : Items
        Pictures whose mean and deviation are taken, if they are asked for.
    normalise : {"pictures", "half"}
        By the pictures, or by 0.5.
    tile_px : int
        Edge of the tile that the model reads on a slide.
    mpp : float
        Micrometres per pixel of the pictures.
    """
    spec = replace(spec, tile_px=tile_px, mpp=mpp)
    if normalise == "half":
        return replace(spec, mean=HALF, std=HALF)
    pixels = _pixels(items)
    red, green, blue = (round(float(v), 3) for v in pixels.mean(0))
    deviation = [max(round(float(v), 3), 0.01) for v in pixels.std(0)]
    return replace(
        spec,
        mean=(red, green, blue),
        std=(deviation[0], deviation[1], deviation[2]),
    )


def _pixels(items: Items) -> NDArray[np.float64]:
    """Return some pixels of some pictures, (n, 3) in [0, 1]."""
    chosen = np.arange(0, len(items), -(-len(items) // _LOOKED_AT))
    parts = [
        items[chosen[start : start + _AT_ONCE]][:, ::4, ::4]
        for start in range(0, len(chosen), _AT_ONCE)
    ]
    return np.asarray(np.concatenate(parts).reshape(-1, 3) / 255.0)
