"""The numbers of a training on patches with labels or masks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from napari_histossl.errors import PlanError
from napari_histossl.models.recipe import LAYER_WEIGHTS
from napari_histossl.training.variation import Variation

TRUTH = "truth"
"""Stands for the true masks where a layer of pseudo-masks is named."""

Flips = Literal["sideways", "both", "quarters"]
"""How patches are turned at random: mirrored left to right, both ways, or both ways
and by quarters of a turn."""


@dataclass(frozen=True, slots=True)
class PatchRecipe:
    """What the two trainings have in common.

    Attributes
    ----------
    variant : {"paper", "published"}
        Whose word counts where paper and published code differ; see
        `napari_histossl.models.recipe`.
    epochs : int
        How often each patch is seen, unless the training stops early.
    batch : int
        Patches a step.
    epoch_patches : int or None
        Patches after which an epoch ends and the model is judged, where there are so
        many that few epochs would do; the next epoch goes on with the others.
    seed : int
        Decides initial weights, order, flips and what is dropped.
    optimiser : {"sgd", "adamw"}
        Gradient descent with momentum, as published, or AdamW, which gets further in
        few steps.
    learning_rate : float
        At the start; the last layers may have a multiple of it, as `variant` says.
    power : float
        The learning rate after a share t of the steps is that of the start times
        ``(1 - t) ** power``.
    momentum, weight_decay : float
        Of the optimiser, in a start from random weights and for the segmenter.
    dropout : float
        Share of the network's own dropout that is left; narrow networks need less.
    flips : {"sideways", "both", "quarters"}
        How patches are turned.
    variation : Variation
        What is done to their stain, colour and sharpness.
    jpeg : float
        Chance that a patch is compressed, as the pictures in slides are.
    shrink : int
        Edge of the squares of pixels that are averaged to one before anything is seen:
        2 halves the magnification, and a step takes a quarter of the time.
    normalise : {"none", "pictures"}
        RGB as it is, in [0, 1], as published, or by mean and deviation of the patches.
    patience : int
        Epochs without a better result on the validation patches after which a training
        stops.
    """

    variant: Literal["paper", "published"] = "paper"
    epochs: int = 20
    batch: int = 20
    epoch_patches: int | None = None
    seed: int = 0
    optimiser: Literal["sgd", "adamw"] = "sgd"
    learning_rate: float = 0.01
    power: float = 0.9
    momentum: float = 0.9
    weight_decay: float = 5e-4
    dropout: float = 1.0
    flips: Flips = "both"
    variation: Variation = field(default_factory=Variation)
    jpeg: float = 0.0
    shrink: int = 1
    normalise: Literal["none", "pictures"] = "none"
    patience: int = 10

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch, self.patience, self.shrink) < 1:
            raise PlanError(
                f"a training has at least one epoch, patch and epoch of patience, and "
                f"shrinks by 1 or more; got epochs={self.epochs}, batch={self.batch}, "
                f"patience={self.patience}, shrink={self.shrink}"
            )
        if self.epoch_patches is not None and self.epoch_patches < self.batch:
            raise PlanError(
                f"an epoch has at least a batch of {self.batch} patches; got "
                f"epoch_patches={self.epoch_patches}"
            )
        if self.learning_rate <= 0 or not 0 <= self.dropout <= 1:
            raise PlanError(
                f"the learning rate is above 0 and the dropout from 0 to 1; got "
                f"learning_rate={self.learning_rate}, dropout={self.dropout}"
            )

    def epoch_steps(self, count: int) -> int:
        """Return the steps of an epoch for a number of patches."""
        return min(count, self.epoch_patches or count) // self.batch


@dataclass(frozen=True, slots=True)
class ClassifierRecipe(PatchRecipe):
    """All that the training of a classifier depends on besides the patches.

    Attributes
    ----------
    width : float
        Channels of ResNet38d, as a share of the published ones.
    init : {"scratch", "imagenet", "trained"}
        From random weights, all of them trained; from given ones of other classes with
        the first layers and all batch norms frozen, as published; or from given ones
        of the same classes, all of them trained.
    dropout_attention : bool
        Whether what is most discriminative is hidden more and more.
    """

    width: float = 1.0
    init: Literal["scratch", "imagenet", "trained"] = "scratch"
    dropout_attention: bool = True


@dataclass(frozen=True, slots=True)
class SegmenterRecipe(PatchRecipe):
    """All that the training of a segmenter depends on besides the patches.

    Attributes
    ----------
    backbone : {"resnet101", "small"}
        As published, or for two processor cores.
    layers : dict of str to float
        Weight in the loss of each layer's pseudo-masks, or of the true masks,
        ``{"truth": 1.0}``.
    """

    backbone: Literal["resnet101", "small"] = "resnet101"
    layers: dict[str, float] = field(default_factory=lambda: dict(LAYER_WEIGHTS))

    def __post_init__(self) -> None:
        PatchRecipe.__post_init__(self)
        if not self.layers or min(self.layers.values()) <= 0:
            raise PlanError(
                f"a segmenter learns from at least one layer of masks, each with a "
                f"weight above 0; got layers={self.layers}"
            )
        if TRUTH in self.layers and len(self.layers) > 1:
            raise PlanError(
                f"true masks and pseudo-masks are not mixed in one training; got "
                f"layers={self.layers}"
            )
