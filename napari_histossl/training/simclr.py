"""An encoder that tells two views of a picture from views of others, step by step.

References
----------
Chen et al. 2020, arXiv:2002.05709; for histology Ciga et al. 2022, "Self supervised
contrastive learning for digital histopathology", doi:10.1016/j.mlwa.2021.100198, and
Chen & Krishnan 2022, arXiv:2203.00585. Written anew. Changed: schedules run over steps,
not epochs; the randomness of a step follows from the seed and the step alone; one
device, so batch norms see the whole batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from napari_histossl.errors import PlanError
from napari_histossl.models.registry import model_spec
from napari_histossl.training.batches import Items
from napari_histossl.training.contrast import Projector, nt_xent
from napari_histossl.training.lars import Lars
from napari_histossl.training.recipe import rate_share
from napari_histossl.training.simclr_recipe import SimclrRecipe, simclr_views
from napari_histossl.training.trainer import (
    StepReport,
    Trainer,
    seeded,
    with_normalisation,
    xavier_start,
)
from napari_histossl.training.views import picture_views


@dataclass(frozen=True, slots=True)
class SimclrReport(StepReport):
    """One step in numbers.

    Attributes
    ----------
    loss : float
        Cross entropy in nats.
    partners_found : float
        Share of the views whose partner is the most similar of all, 0 to 1.
    """

    partners_found: float


class SimclrTrainer(Trainer):
    """Encoder, projector and all that changes from step to step.

    Parameters
    ----------
    items : Items
        Pictures (N, H, W, 3) of dtype uint8, at least one batch of them.
    recipe : SimclrRecipe
        All numbers.
    mpp : float
        Micrometres per pixel of the pictures.
    device : str
        Where it is computed.

    Raises
    ------
    PlanError
        If there are fewer pictures than a batch, or something else than pictures.
    ModelError
        If there is no such encoder.
    """

    recipe: SimclrRecipe

    def __init__(
        self,
        items: Items,
        recipe: SimclrRecipe,
        *,
        mpp: float = 0.5,
        device: str = "cpu",
    ) -> None:
        if items.shape[-1] != 3:
            raise PlanError(
                f"SimCLR learns from pictures (N, H, W, 3); got shape "
                f"{tuple(items.shape)}"
            )
        where = torch.device(device)
        spec = with_normalisation(
            model_spec(recipe.model, **recipe.options),
            items,
            recipe.normalise,
            tile_px=recipe.tile_px,
            mpp=mpp,
        )
        views = picture_views(simclr_views(recipe), spec, where)
        super().__init__(items, recipe, spec, views, where)
        self.network = self._network().to(where)
        self.optimiser = self._make_optimiser()

    @property
    def model(self) -> nn.Module:
        """The encoder: what is kept in the end."""
        return self.network["backbone"]

    def parts(self) -> Mapping[str, Any]:
        """Return what has a state dict of its own, by name."""
        return {"network": self.network, "optimiser": self.optimiser}

    def step(self) -> SimclrReport:
        """Learn from one batch."""
        done = self.step_index / self.recipe.steps
        rate = self.recipe.learning_rate * rate_share(done, self.recipe.warm_up, 0.0)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        projected = self.network["projector"](
            self.network["backbone"](torch.cat(self.views()))
        )
        first, second = projected.chunk(2)
        loss, found = nt_xent(first, second, self.recipe.temperature)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.step_index += 1
        return SimclrReport(float(loss.detach()), found)

    # ---- Details ----

    def _network(self) -> nn.ModuleDict:
        recipe = self.recipe
        backbone = xavier_start(self.spec, recipe.seed)
        with torch.no_grad():
            shape = (1, 3, recipe.crop_px, recipe.crop_px)
            width = backbone.eval()(torch.zeros(shape)).shape[1]
        projector = seeded(
            lambda: Projector(width, recipe.hidden, recipe.projection), recipe.seed + 1
        )
        return nn.ModuleDict({"backbone": backbone, "projector": projector}).train()

    def _make_optimiser(self) -> torch.optim.Optimizer:
        parameters = list(self.network.parameters())
        groups = [
            {
                "params": [p for p in parameters if p.ndim > 1],
                "weight_decay": self.recipe.weight_decay,
            },
            {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
        ]
        if self.recipe.optimiser == "lars":
            return Lars(groups)
        return torch.optim.AdamW(groups, lr=0.0)
