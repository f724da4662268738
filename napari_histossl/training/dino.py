"""Student and teacher of a self-distillation, one step at a time.

References
----------
Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers",
arXiv:2104.14294; facebookresearch/dino main_dino.py (Apache-2.0). On grids of features:
Chen et al. 2022, HIPT, arXiv:2206.02647. Written anew. Changed: no stochastic depth;
schedules run over steps, not epochs; the randomness of a step follows from the seed
and the step alone.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from napari_histossl.errors import PlanError
from napari_histossl.models.registry import ModelSpec, build, model_spec
from napari_histossl.training.batches import Items
from napari_histossl.training.head import DinoHead, dino_loss, entropy
from napari_histossl.training.recipe import (
    DinoRecipe,
    StepValues,
    dino_views,
    step_values,
)
from napari_histossl.training.trainer import (
    StepReport,
    Trainer,
    seeded,
    with_normalisation,
    xavier_start,
)
from napari_histossl.training.views import ViewMaker, grid_views, picture_views

_POSITIONS_PX = 16
"""A region model has a position for each 16 px of its ``img_size``."""


@dataclass(frozen=True, slots=True)
class DinoReport(StepReport):
    """One step in numbers.

    Attributes
    ----------
    loss : float
        Cross entropy in nats.
    row_entropy : float
        Entropy of the teacher's answer to one view.
    mean_entropy : float
        Entropy of the teacher's mean answer; if it falls to `row_entropy`, all
        pictures get the same answer.
    """

    row_entropy: float
    mean_entropy: float


def dino_spec(recipe: DinoRecipe, items: Items, mpp: float) -> ModelSpec:
    """Return the spec of the model that a recipe trains.

    Parameters
    ----------
    recipe : DinoRecipe
        Says the shape of the transformer.
    items : Items
        Pictures, whose mean and deviation may become the model's normalisation, or
        grids of features, whose width becomes the model's input.
    mpp : float
        Micrometres per pixel of the pictures.
    """
    shape = {"depth": recipe.depth, "num_heads": recipe.num_heads}
    if recipe.reads == "pictures":
        width = {"embed_dim": recipe.embed_dim, "patch_size": recipe.patch_size}
        spec = model_spec("vit", img_size=recipe.position_px, **shape, **width)
    else:
        spec = model_spec(
            "hipt_region_vit",
            img_size=recipe.position_px * _POSITIONS_PX,
            input_embed_dim=items.shape[3],
            output_embed_dim=recipe.embed_dim,
            **shape,
        )
    normalise = recipe.normalise if recipe.reads == "pictures" else "half"
    return with_normalisation(spec, items, normalise, tile_px=recipe.tile_px, mpp=mpp)


def _view_maker(recipe: DinoRecipe, spec: ModelSpec, device: torch.device) -> ViewMaker:
    views = dino_views(recipe)
    if recipe.reads == "grids":
        return grid_views([view.px for view in views], device)
    return picture_views(views, spec, device)


class DinoTrainer(Trainer):
    """Student, teacher and all that changes from step to step.

    Parameters
    ----------
    items : Items
        Pictures (N, H, W, 3) of dtype uint8, or grids of features (N, H, W, D); at
        least one batch of them.
    recipe : DinoRecipe
        All numbers.
    mpp : float
        Micrometres per pixel of the pictures.
    device : str
        Where it is computed.

    Raises
    ------
    PlanError
        If there are fewer items than a batch, or they are not what the recipe reads.
    """

    recipe: DinoRecipe

    def __init__(
        self, items: Items, recipe: DinoRecipe, *, mpp: float = 0.5, device: str = "cpu"
    ) -> None:
        if recipe.reads == "pictures" and items.shape[-1] != 3:
            raise PlanError(
                f"this recipe learns from pictures (N, H, W, 3); got shape "
                f"{tuple(items.shape)}: choose a recipe for grids of features"
            )
        where = torch.device(device)
        spec = dino_spec(recipe, items, mpp)
        super().__init__(items, recipe, spec, _view_maker(recipe, spec, where), where)
        self.student = self._network().to(where)
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.centre = _Centre(recipe.prototypes).to(where)
        self.optimiser = self._make_optimiser()

    @property
    def model(self) -> nn.Module:
        """The teacher's transformer: what is kept in the end."""
        return self.teacher["backbone"]

    def parts(self) -> Mapping[str, Any]:
        """Return what has a state dict of its own, by name."""
        return {
            "student": self.student,
            "teacher": self.teacher,
            "centre": self.centre,
            "optimiser": self.optimiser,
        }

    def step(self) -> DinoReport:
        """Learn from one batch."""
        values = step_values(self.recipe, self.step_index)
        self._set(values)
        views = self.views()
        many = self.recipe.global_crops
        with torch.no_grad():
            scores = self._scores(self.teacher, views[:many])  # (2, B, K)
            centred = scores - self.centre.scores
            answers = (centred / values.teacher_temperature).softmax(-1)
        guesses = self._scores(self.student, views) / self.recipe.student_temperature
        loss = dino_loss(guesses.log_softmax(-1), answers)
        self._learn(loss)
        self._follow(scores, values.teacher_momentum)
        self.step_index += 1
        return DinoReport(
            float(loss.detach()), entropy(answers), entropy(answers.mean((0, 1))[None])
        )

    # ---- Details ----

    def _network(self) -> nn.ModuleDict:
        seed = self.recipe.seed
        if self.recipe.start == "xavier":
            backbone = xavier_start(self.spec, seed)
        else:
            backbone = seeded(lambda: build(self.spec), seed)
        head = seeded(lambda: DinoHead(self.recipe), seed + 1)
        return nn.ModuleDict({"backbone": backbone, "head": head})

    def _make_optimiser(self) -> torch.optim.AdamW:
        parameters = list(self.student.parameters())
        matrices = [p for p in parameters if p.ndim > 1]
        vectors = [p for p in parameters if p.ndim <= 1]
        groups = [{"params": matrices}, {"params": vectors}]
        moments = (0.9, self.recipe.second_moment)
        return torch.optim.AdamW(groups, lr=0.0, betas=moments, weight_decay=0.0)

    def _set(self, values: StepValues) -> None:
        matrices, vectors = self.optimiser.param_groups
        matrices["lr"] = vectors["lr"] = values.learning_rate
        matrices["weight_decay"] = values.weight_decay

    def _scores(self, network: nn.ModuleDict, views: list[Tensor]) -> Tensor:
        """Return the scores of all views, (views, B, K); one pass for each size."""
        many = self.recipe.global_crops
        groups = [group for group in (views[:many], views[many:]) if group]
        tokens = [network["backbone"](torch.cat(group)) for group in groups]
        scores: Tensor = network["head"](torch.cat(tokens))
        return scores.view(len(views), -1, self.recipe.prototypes)

    def _learn(self, loss: Tensor) -> None:
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self.step_index < self.recipe.frozen_steps:
            self.student["head"].last.weight.grad = None  # type: ignore[union-attr]
        nn.utils.clip_grad_norm_(self.student.parameters(), self.recipe.clip)
        self.optimiser.step()

    @torch.no_grad()
    def _follow(self, scores: Tensor, momentum: float) -> None:
        """Move the teacher towards the student and the centre to the mean score."""
        self.centre.follow(scores.mean((0, 1)), self.recipe.centre_momentum)
        teacher: list[Tensor] = list(self.teacher.parameters())
        student: list[Tensor] = list(self.student.parameters())
        torch._foreach_lerp_(teacher, student, 1 - momentum)


class _Centre(nn.Module):
    """The running mean of the teacher's scores."""

    scores: Tensor

    def __init__(self, prototypes: int) -> None:
        super().__init__()
        self.register_buffer("scores", torch.zeros(prototypes))

    def follow(self, mean: Tensor, keep: float) -> None:
        """Move towards the mean of a step."""
        self.scores = keep * self.scores + (1 - keep) * mean
