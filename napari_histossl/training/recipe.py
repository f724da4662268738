"""The numbers of a DINO training, and how they change from step to step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from napari_histossl.errors import PlanError
from napari_histossl.training.variation import DINO_VIEWS, STAIN, View


@dataclass(frozen=True, slots=True)
class DinoRecipe:
    """All that a training depends on besides what it learns from.

    Attributes
    ----------
    steps : int
        Optimiser steps; every schedule runs over them, so the same number of steps
        gives the same weights.
    batch : int
        Pictures a step.
    seed : int
        Decides initial weights, order and crops.
    reads : {"pictures", "grids"}
        What it learns from: pictures, or grids of features of another model.
    patch_size, embed_dim, depth, num_heads : int
        The transformer; on grids a patch is one feature.
    position_px, tile_px : int
        Edge of the pictures that the position embedding is made for, and of the tile
        that the model reads on a slide.
    prototypes, hidden, bottleneck : int
        Width of the projection head's output, of its layers, and before the last.
    global_px, local_px : int
        Edges of the crops, in pixels, or in features of a grid.
    global_crops, local_crops : int
        Crops of a picture; the teacher sees the global ones only.
    global_area, local_area : tuple of float
        Least and largest share of the picture that a crop takes; on grids the edges
        alone say it.
    learning_rate : float
        Peak; reached after `warm_up`, then down to `final_rate` of it by a cosine.
    warm_up : float
        Share of the steps.
    final_rate : float
        Share of the peak learning rate at the last step.
    weight_decay : tuple of float
        At the first and the last step.
    decay_follows : {"line", "cosine"}
        How it gets from one to the other.
    second_moment : float
        Share of the old squared gradient that the optimiser keeps.
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
    views : {"stain", "dino"}
        How views differ: `variation.STAIN`, or as published, `variation.DINO_VIEWS`.
    normalise : {"pictures", "half"}
        By mean and deviation of the pictures, or by 0.5 as HIPT's models are run.
    start : {"xavier", "normal"}
        Initial weights: of equal power in and out, or of deviation 0.02 as published,
        which is far too small for narrow tokens.
    """

    steps: int = 1500
    batch: int = 32
    seed: int = 0
    reads: Literal["pictures", "grids"] = "pictures"
    patch_size: int = 8
    embed_dim: int = 128
    depth: int = 4
    num_heads: int = 8
    position_px: int = 128
    tile_px: int = 128
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
    decay_follows: Literal["line", "cosine"] = "line"
    second_moment: float = 0.99
    teacher_momentum: float = 0.985
    student_temperature: float = 0.1
    teacher_temperature: tuple[float, float] = (0.04, 0.05)
    centre_momentum: float = 0.9
    frozen_steps: int = 10
    clip: float = 3.0
    views: Literal["stain", "dino"] = "stain"
    normalise: Literal["pictures", "half"] = "pictures"
    start: Literal["xavier", "normal"] = "xavier"

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


def dino_views(recipe: DinoRecipe) -> list[View]:
    """Return the views of a recipe, the global ones first."""
    first, second, local = DINO_VIEWS if recipe.views == "dino" else (STAIN,) * 3
    large = [
        View(recipe.global_px, recipe.global_area, second if number else first)
        for number in range(recipe.global_crops)
    ]
    small = View(recipe.local_px, recipe.local_area, local)
    return large + [small] * recipe.local_crops


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
    way = 1 - _cosine(done) if recipe.decay_follows == "cosine" else done
    cold, warm = recipe.teacher_temperature
    return StepValues(
        learning_rate=recipe.learning_rate
        * rate_share(done, recipe.warm_up, recipe.final_rate),
        weight_decay=first_decay + (last_decay - first_decay) * way,
        teacher_momentum=1 - (1 - recipe.teacher_momentum) * _cosine(done),
        teacher_temperature=cold + (warm - cold) * min(1.0, done / _TEACHER_WARM_UP),
    )


def rate_share(done: float, warm_up: float, final: float) -> float:
    """Return the share of the peak learning rate after a share of the steps.

    Parameters
    ----------
    done : float
        Share of the steps that are done, 0 to 1.
    warm_up : float
        Share of the steps over which it rises in a line.
    final : float
        What is left at the end of the cosine.
    """
    if done < warm_up:
        return min(1.0, done / warm_up + 0.01)
    return final + (1 - final) * _cosine((done - warm_up) / (1 - warm_up))


def _cosine(done: float) -> float:
    """Fall from 1 to 0 as `done` goes from 0 to 1."""
    return 0.5 * (1 + math.cos(math.pi * done))
