"""The numbers of a DINO training, and how they change from step to step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_histossl.errors import PlanError


@dataclass(frozen=True, slots=True)
class DinoRecipe:
    """All that a training depends on besides the pictures.

    Attributes
    ----------
    steps : int
        Optimiser steps; every schedule runs over them, so the same number of steps
        gives the same weights.
    batch : int
        Pictures a step.
    seed : int
        Decides initial weights, order and crops.
    patch_size, embed_dim, depth, num_heads : int
        The transformer.
    prototypes, hidden, bottleneck : int
        Width of the projection head's output, of its layers, and before the last.
    global_px, local_px : int
        Edges of the crops, in pixels.
    global_crops, local_crops : int
        Crops of a picture; the teacher sees the global ones only.
    global_area, local_area : tuple of float
        Least and largest share of the picture that a crop takes.
    learning_rate : float
        Peak; reached after `warm_up`, then down to `final_rate` of it by a cosine.
    warm_up : float
        Share of the steps.
    final_rate : float
        Share of the peak learning rate at the last step.
    weight_decay : tuple of float
        At the first and the last step.
    teacher_momentum : float
        At the first step; rises to 1 by a cosine.
    student_temperature : float
        Temperature of the student's softmax.
    teacher_temperature : tuple of float
        At the first step and after 30 % of the steps.
    centre_momentum : float
        Share of the old centre kept at each step.
    frozen_steps : int
        Steps in which the last layer of the head does not learn.
    clip : float
        Largest norm of the gradient.
    stain_deviation : float
        Standard deviation of the random gain of optical density, common to the
        channels and for each of them.
    offset_deviation : float
        Standard deviation of the random offset of optical density.
    grey, blur : float
        Chance that a crop is made grey, or blurred.
    """

    steps: int = 1500
    batch: int = 32
    seed: int = 0
    patch_size: int = 8
    embed_dim: int = 128
    depth: int = 4
    num_heads: int = 8
    prototypes: int = 256
    hidden: int = 256
    bottleneck: int = 64
    global_px: int = 64
    local_px: int = 32
    global_crops: int = 2
    local_crops: int = 4
    global_area: tuple[float, float] = (0.35, 1.0)
    local_area: tuple[float, float] = (0.08, 0.30)
    learning_rate: float = 1e-3
    warm_up: float = 0.08
    final_rate: float = 0.02
    weight_decay: tuple[float, float] = (0.04, 0.2)
    teacher_momentum: float = 0.985
    student_temperature: float = 0.1
    teacher_temperature: tuple[float, float] = (0.04, 0.05)
    centre_momentum: float = 0.9
    frozen_steps: int = 10
    clip: float = 3.0
    stain_deviation: float = 0.2
    offset_deviation: float = 0.03
    grey: float = 0.05
    blur: float = 0.10

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.global_crops) < 1 or self.local_crops < 0:
            raise PlanError(
                f"a training has at least one step, picture and global crop; got "
                f"steps={self.steps}, batch={self.batch}, "
                f"global_crops={self.global_crops}, local_crops={self.local_crops}"
            )
        if self.global_px % self.patch_size or self.local_px % self.patch_size:
            raise PlanError(
                f"crops are whole tokens of {self.patch_size} px; got crops of "
                f"{self.global_px} and {self.local_px} px"
            )


_TEACHER_WARM_UP = 0.3
"""Share of the steps over which the teacher's temperature rises."""


@dataclass(frozen=True, slots=True)
class StepValues:
    """What the schedules say at one step."""

    learning_rate: float
    weight_decay: float
    teacher_momentum: float
    teacher_temperature: float


def step_values(recipe: DinoRecipe, step: int) -> StepValues:
    """Return the scheduled values of a step, 0 to ``recipe.steps - 1``."""
    done = step / recipe.steps
    first_decay, last_decay = recipe.weight_decay
    cold, warm = recipe.teacher_temperature
    return StepValues(
        learning_rate=_learning_rate(recipe, done),
        weight_decay=first_decay + (last_decay - first_decay) * done,
        teacher_momentum=1 - (1 - recipe.teacher_momentum) * _cosine(done),
        teacher_temperature=cold + (warm - cold) * min(1.0, done / _TEACHER_WARM_UP),
    )


def _learning_rate(recipe: DinoRecipe, done: float) -> float:
    if done < recipe.warm_up:
        return recipe.learning_rate * min(1.0, done / recipe.warm_up + 0.01)
    falling = _cosine((done - recipe.warm_up) / (1 - recipe.warm_up))
    share = recipe.final_rate + (1 - recipe.final_rate) * falling
    return recipe.learning_rate * share


def _cosine(done: float) -> float:
    """Fall from 1 to 0 as `done` goes from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * done))
