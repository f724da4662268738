"""Student and teacher of a self-distillation, one step at a time.

References
----------
Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers",
arXiv:2104.14294; facebookresearch/dino main_dino.py (Apache-2.0). Written anew.
Changed: small crops and few prototypes; Xavier initial weights, since a deviation of
0.02 is far too small for narrow tokens; schedules run over steps, not epochs; the
randomness of a step follows from the seed and the step alone, so that a resumed
training equals an uninterrupted one.
"""

from __future__ import annotations

import copy
import json
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_histossl.errors import PlanError
from napari_histossl.models.registry import ModelSpec, build, model_spec
from napari_histossl.training.crops import random_crops
from napari_histossl.training.head import DinoHead, dino_loss, entropy
from napari_histossl.training.recipe import DinoRecipe, step_values

_TILE_PX = 128
"""Edge of the tile that the sample model reads on a slide."""


@dataclass(frozen=True, slots=True)
class StepReport:
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

    loss: float
    row_entropy: float
    mean_entropy: float


def dino_spec(recipe: DinoRecipe, images: NDArray[np.uint8], mpp: float) -> ModelSpec:
    """Return the spec of the model that a recipe trains on pictures.

    Parameters
    ----------
    recipe : DinoRecipe
        Says the shape of the transformer.
    images : ndarray of shape (N, H, W, 3) and dtype uint8
        Their mean and deviation become the model's normalisation.
    mpp : float
        Micrometres per pixel of the pictures.
    """
    pixels = images[:, ::4, ::4].reshape(-1, 3) / 255.0
    red, green, blue = (round(float(v), 3) for v in pixels.mean(0))
    deviation = [max(round(float(v), 3), 0.01) for v in pixels.std(0)]
    return replace(
        model_spec(
            "vit",
            img_size=_TILE_PX,
            patch_size=recipe.patch_size,
            embed_dim=recipe.embed_dim,
            depth=recipe.depth,
            num_heads=recipe.num_heads,
        ),
        tile_px=_TILE_PX,
        mpp=mpp,
        mean=(red, green, blue),
        std=(deviation[0], deviation[1], deviation[2]),
    )


def xavier_start(spec: ModelSpec, seed: int) -> nn.Module:
    """Build a model whose linear layers start as Xavier's; the seed decides all."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(spec)
        for module in model.modules():
            if isinstance(module, nn.Linear):
                nn.init.xavier_uniform_(module.weight)
    return model


class DinoTrainer:
    """Student, teacher and all that changes from step to step.

    Parameters
    ----------
    images : ndarray of shape (N, H, W, 3) and dtype uint8
        Pictures, at least one batch of them.
    recipe : DinoRecipe
        All numbers.
    mpp : float
        Micrometres per pixel of the pictures.

    Raises
    ------
    PlanError
        If there are fewer pictures than a batch.
    """

    def __init__(
        self, images: NDArray[np.uint8], recipe: DinoRecipe, *, mpp: float = 0.5
    ) -> None:
        if images.ndim != 4 or images.shape[3] != 3 or len(images) < recipe.batch:
            raise PlanError(
                f"a training needs pictures (N, H, W, 3), at least a batch of "
                f"{recipe.batch}; got shape {images.shape}"
            )
        self.recipe, self.images = recipe, images
        self.spec = dino_spec(recipe, images, mpp)
        self.step_index = 0
        self._mean = torch.tensor(self.spec.mean).view(1, 3, 1, 1)
        self._std = torch.tensor(self.spec.std).view(1, 3, 1, 1)
        self.student = nn.ModuleDict(
            {"backbone": xavier_start(self.spec, recipe.seed), "head": self._head()}
        )
        self.teacher = copy.deepcopy(self.student).requires_grad_(False)
        self.centre = torch.zeros(recipe.prototypes)
        self.optimiser = self._make_optimiser()

    @property
    def model(self) -> nn.Module:
        """The teacher's transformer: what is kept in the end."""
        return self.teacher["backbone"]

    def step(self) -> StepReport:
        """Learn from one batch."""
        values = step_values(self.recipe, self.step_index)
        self._set(values.learning_rate, values.weight_decay)
        views = self._views()
        many = self.recipe.global_crops
        with torch.no_grad():
            scores = self._scores(self.teacher, views[:many])  # (2, B, K)
            answers = ((scores - self.centre) / values.teacher_temperature).softmax(-1)
        guesses = self._scores(self.student, views) / self.recipe.student_temperature
        loss = dino_loss(guesses.log_softmax(-1), answers)
        self._learn(loss)
        self._follow(scores, values.teacher_momentum)
        self.step_index += 1
        return StepReport(
            float(loss.detach()), entropy(answers), entropy(answers.mean((0, 1))[None])
        )

    def state(self) -> dict[str, Any]:
        """Return all that is needed to go on, as tensors and plain values."""
        return {
            "recipe": json.dumps(asdict(self.recipe), sort_keys=True),
            "step_index": self.step_index,
            "student": self.student.state_dict(),
            "teacher": self.teacher.state_dict(),
            "centre": self.centre,
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave.

        Raises
        ------
        PlanError
            If it belongs to another recipe.
        """
        if state["recipe"] != json.dumps(asdict(self.recipe), sort_keys=True):
            raise PlanError(
                "a checkpoint of another recipe is in the way: give the same numbers "
                "and seed to go on, or start anew with --overwrite"
            )
        self.step_index = int(state["step_index"])
        self.student.load_state_dict(state["student"])
        self.teacher.load_state_dict(state["teacher"])
        self.centre = state["centre"]
        self.optimiser.load_state_dict(state["optimiser"])

    # ---- Details ----

    def _head(self) -> nn.Module:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.recipe.seed + 1)
            return DinoHead(self.recipe)

    def _make_optimiser(self) -> torch.optim.AdamW:
        parameters = list(self.student.parameters())
        matrices = [p for p in parameters if p.ndim > 1]
        vectors = [p for p in parameters if p.ndim <= 1]
        groups = [{"params": matrices}, {"params": vectors}]
        return torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.99), weight_decay=0.0)

    def _set(self, learning_rate: float, weight_decay: float) -> None:
        matrices, vectors = self.optimiser.param_groups
        matrices["lr"] = vectors["lr"] = learning_rate
        matrices["weight_decay"] = weight_decay

    def _batch(self) -> Tensor:
        """Return the step's pictures, (B, 3, H, W) in [0, 1]; each once an epoch."""
        batch = self.recipe.batch
        epoch, place = divmod(self.step_index, len(self.images) // batch)
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(
            len(self.images)
        )
        chosen = self.images[order[place * batch : (place + 1) * batch]]
        return torch.from_numpy(chosen).permute(0, 3, 1, 2).float() / 255

    def _views(self) -> list[Tensor]:
        """Return normalised views, the global ones first, each (B, 3, px, px)."""
        recipe, images = self.recipe, self._batch()
        seed = np.random.SeedSequence([recipe.seed, self.step_index, 1])
        generator = torch.Generator().manual_seed(int(seed.generate_state(1)[0]))
        kinds = [(recipe.global_px, recipe.global_area)] * recipe.global_crops
        kinds += [(recipe.local_px, recipe.local_area)] * recipe.local_crops
        return [
            (random_crops(images, px, area, recipe, generator) - self._mean) / self._std
            for px, area in kinds
        ]

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
        keep = self.recipe.centre_momentum
        self.centre = keep * self.centre + (1 - keep) * scores.mean((0, 1))
        teacher: list[Tensor] = list(self.teacher.parameters())
        student: list[Tensor] = list(self.student.parameters())
        torch._foreach_lerp_(teacher, student, 1 - momentum)
