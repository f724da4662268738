"""What the trainings on labels and on masks share.

After each epoch the model is judged on validation patches; the best one is kept, and
when it does not get better for some epochs the training stops.
"""

from __future__ import annotations

import copy
import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from napari_histossl.errors import TrainingError
from napari_histossl.models.registry import ModelSpec
from napari_histossl.training.patch_items import PatchItems
from napari_histossl.training.patch_recipe import PatchRecipe
from napari_histossl.training.patch_sets import PatchSet
from napari_histossl.training.patch_views import patch_views
from napari_histossl.training.trainer import StepReport, Trainer

_DROPOUT = 2
"""Names the stream of random numbers by which channels are dropped in training."""

_MOST_NAMED = 4
"""Patches of a batch that an error names."""


@dataclass(frozen=True, slots=True)
class PatchReport(StepReport):
    """One step in numbers.

    Attributes
    ----------
    loss : float
        What was made smaller.
    validation : float
        Of the model after the last whole epoch, on the validation patches: macro area
        under the curve, or mean intersection over union. NaN in the first epoch.
    """

    validation: float


class Kept:
    """The best model so far, as something with a state of its own.

    Parameters
    ----------
    model : torch.nn.Module
        What is trained.
    """

    def __init__(self, model: nn.Module) -> None:
        self.best, self.latest, self.stale = -math.inf, math.nan, 0
        self.weights = _copied(model)

    def judge(self, model: nn.Module, value: float) -> None:
        """Keep the model if it is better than the one that is kept."""
        self.latest, self.stale = value, self.stale + 1
        if value > self.best:
            self.best, self.stale, self.weights = value, 0, _copied(model)

    def state_dict(self) -> dict[str, Any]:
        """Return all of it as tensors and plain values."""
        return dict(vars(self))

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        vars(self).update(state)


class SupervisedTrainer(Trainer):
    """A network that learns from patches and is judged on others.

    Parameters
    ----------
    patches, validation : PatchSet
        To learn from, and to be judged on.
    items : PatchItems
        The first of these, with masks where they are needed.
    recipe : PatchRecipe
        All numbers.
    spec : ModelSpec
        The model that is trained.
    network : torch.nn.Module
        It, with its initial weights.
    device : torch.device
        Where it is computed.

    Attributes
    ----------
    network : torch.nn.Module
        As it is after the last step; `model` is as it was at its best.

    Raises
    ------
    PlanError
        If there are fewer patches than a batch.
    """

    recipe: PatchRecipe

    def __init__(
        self,
        patches: PatchSet,
        validation: PatchSet,
        items: PatchItems,
        recipe: PatchRecipe,
        spec: ModelSpec,
        network: nn.Module,
        device: torch.device,
    ) -> None:
        views = patch_views(recipe, spec, device)
        super().__init__(items, recipe, spec, views, device)
        self.patches, self.validation = patches, validation
        self.network = network.to(device).train()
        self.kept = Kept(self.network)
        self._thin_dropout()
        self.optimiser = self._make_optimiser()

    @property
    def epoch(self) -> int:
        """Epochs that are done."""
        return self.step_index // self.epoch_steps

    @property
    def epoch_steps(self) -> int:
        """Steps of an epoch."""
        return self.recipe.epoch_steps(len(self.batches))

    @property
    def is_done(self) -> bool:
        """Whether all epochs are done, or too many brought nothing."""
        return super().is_done or self.kept.stale >= self.recipe.patience

    @property
    def model(self) -> nn.Module:
        """The model after the epoch in which it was best."""
        best = copy.deepcopy(self.network)
        best.load_state_dict(self.kept.weights)
        return best.eval()

    @property
    def momentum(self) -> float:
        """Momentum of the optimiser."""
        return self.recipe.momentum

    @abstractmethod
    def loss(self) -> Tensor:
        """Return what is made smaller, of this step's batch."""

    @abstractmethod
    def judged(self) -> float:
        """Return how good the network, in evaluation mode, is on validation patches."""

    @abstractmethod
    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return groups of parameters, each with its ``factor`` of the rate."""

    def parts(self) -> Mapping[str, Any]:
        """Return what has a state dict of its own, by name."""
        return {
            "network": self.network,
            "optimiser": self.optimiser,
            "kept": self.kept,
        }

    def step(self) -> PatchReport:
        """Learn from one batch; after the last of an epoch, judge.

        Raises
        ------
        TrainingError
            If the loss or its gradient is no number; nothing has been learned then.
        """
        self._set_rate()
        self.optimiser.zero_grad(set_to_none=True)
        with torch.random.fork_rng(devices=self._devices()):
            torch.manual_seed(self._dropout_seed())
            loss = self.loss()
            loss.backward()  # type: ignore[no-untyped-call]
        self._refuse_what_is_no_number(loss)
        self.optimiser.step()
        self.step_index += 1
        if self.step_index % self.epoch_steps == 0:
            self._judge()
        return PatchReport(float(loss.detach()), self.kept.latest)

    # ---- Details ----

    def _thin_dropout(self) -> None:
        for module in self.network.modules():
            if isinstance(module, nn.Dropout | nn.Dropout2d):
                module.p *= self.recipe.dropout

    def _make_optimiser(self) -> torch.optim.Optimizer:
        groups, rate = self.parameter_groups(), self.recipe.learning_rate
        if self.recipe.optimiser == "adamw":
            return torch.optim.AdamW(groups, lr=rate)
        return torch.optim.SGD(groups, lr=rate, momentum=self.momentum)

    def _judge(self) -> None:
        self.network.eval()
        with torch.inference_mode():
            value = self.judged()
        self.kept.judge(self.network, value)
        self.network.train()

    def _set_rate(self) -> None:
        left = 1 - self.step_index / self.total_steps
        rate = self.recipe.learning_rate * left**self.recipe.power
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["factor"]

    def _dropout_seed(self) -> int:
        key = [self.recipe.seed, self.step_index, _DROPOUT]
        return int(np.random.SeedSequence(key).generate_state(1)[0])

    def _devices(self) -> list[torch.device]:
        return [self.device] if self.device.type == "cuda" else []

    def _refuse_what_is_no_number(self, loss: Tensor) -> None:
        gradients = [p.grad for p in self.network.parameters() if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if bool(torch.isfinite(loss) & torch.isfinite(norm)):
            return
        epoch, batch = divmod(self.step_index, self.epoch_steps)
        indices = self.batches.indices(self.step_index).tolist()
        names = [self.patches.names[index] for index in indices[:_MOST_NAMED]]
        more = f" and {len(indices) - len(names)} more" if indices[_MOST_NAMED:] else ""
        raise TrainingError(
            f"the loss of batch {batch + 1} in epoch {epoch + 1} is {loss.item()}, its "
            f"gradient {norm.item()}: the training stops, and its last checkpoint "
            f"stays; look at {', '.join(names)}{more}, or lower the learning rate"
        )


def _copied(model: nn.Module) -> dict[str, Tensor]:
    return {key: value.detach().clone() for key, value in model.state_dict().items()}
