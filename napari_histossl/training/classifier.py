"""A classifier of patches that may hold several classes, with dropout attention.

References
----------
Han et al. 2022, "Multi-layer pseudo-supervision for histopathology tissue semantic
segmentation using patch-level classification labels", arXiv:2110.08048, stage 1.
Written anew. Changed: a start from random weights, in which everything learns; quarter
turns and varied stain, where the recipe asks for them; the best epoch on validation
patches is kept, not the last one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from napari_histossl.errors import PlanError
from napari_histossl.models.dropout_attention import DropoutSchedule
from napari_histossl.models.recipe import recipe as rules_of
from napari_histossl.models.registry import model_spec
from napari_histossl.training.patch_items import PatchItems, refuse_missing_class
from napari_histossl.training.patch_recipe import ClassifierRecipe
from napari_histossl.training.patch_scale import shrunk
from napari_histossl.training.patch_sets import PatchSet
from napari_histossl.training.patch_start import patch_spec, started
from napari_histossl.training.predictions import class_probabilities, macro_auc
from napari_histossl.training.supervised import SupervisedTrainer

_FRESH = "fc8."
"""The layer that depends on the classes, never taken from given weights."""

_BIAS_FACTOR = 2.0
"""Of the learning rate of vectors, which have no weight decay, as published."""


class ClassifierTrainer(SupervisedTrainer):
    """ResNet38d and all that changes from step to step.

    Parameters
    ----------
    patches, validation : PatchSet
        To learn from, and to be judged on: macro area under the curve.
    recipe : ClassifierRecipe
        All numbers.
    start : str or Path, optional
        Given weights, of ImageNet in PyTorch's form and with the published names;
        needed unless the recipe starts from scratch.
    device : str
        Where it is computed.

    Raises
    ------
    DataSetError
        If there are no patches, or one of the classes is in none of them.
    PlanError
        If there are fewer patches than a batch, or weights are missing.
    WeightsError
        If the weights are of another network.
    """

    recipe: ClassifierRecipe

    def __init__(
        self,
        patches: PatchSet,
        validation: PatchSet,
        recipe: ClassifierRecipe,
        *,
        start: str | Path | None = None,
        device: str = "cpu",
    ) -> None:
        _refuse_odd_start(recipe, start)
        patches = shrunk(patches, recipe.shrink)
        validation = shrunk(validation, recipe.shrink)
        items = PatchItems(patches)
        refuse_missing_class(patches)
        base = model_spec(
            "resnet38", n_classes=len(patches.classes), width=recipe.width
        )
        spec = patch_spec(base, patches, items, recipe)
        fresh = (_FRESH,) if recipe.init == "imagenet" else ()
        network = started(spec, recipe.seed, start, fresh)
        learns = "imagenet" if recipe.init == "imagenet" else "scratch"
        network.start_as(learns)  # type: ignore[operator]
        self._rules = rules_of(recipe.variant)
        super().__init__(
            patches, validation, items, recipe, spec, network, torch.device(device)
        )
        self._labels = torch.from_numpy(patches.labels.astype(np.float32))

    @property
    def momentum(self) -> float:
        """Momentum of the optimiser: what was published is for frozen batch norms."""
        if self.recipe.init == "imagenet":
            return self._rules.classifier_momentum
        return self.recipe.momentum

    @property
    def mu(self) -> float | None:
        """What the dropout attention leaves in this epoch; None where there is none."""
        if not self.recipe.dropout_attention:
            return None
        return DropoutSchedule.of(self._rules).mu(self.epoch)

    def loss(self) -> Tensor:
        """Return the cross entropy of this step's batch, each class for itself."""
        indices = self.batches.indices(self.step_index)
        labels = self._labels[torch.from_numpy(indices)].to(self.device)
        images, _ = self.views()
        return F.multilabel_soft_margin_loss(self._logits(images), labels)

    def judged(self) -> float:
        """Return the macro area under the curve on the validation patches."""
        device = str(self.device)
        found = class_probabilities(
            self.network, self.spec, self.validation, device=device
        )
        return macro_auc(found, self.validation)

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return matrices and vectors, of given layers and of the one drawn anew."""
        rules, groups = self._rules, []
        published = self.recipe.init == "imagenet"
        decay = rules.classifier_decay if published else self.recipe.weight_decay
        for is_head, factor in ((False, 1.0), (True, rules.head_rate)):
            learning = [
                parameter
                for name, parameter in self.network.named_parameters()
                if parameter.requires_grad and name.startswith(_FRESH) == is_head
            ]
            matrices = [p for p in learning if p.ndim > 1]
            vectors = [p for p in learning if p.ndim == 1]
            groups += [
                {"params": matrices, "factor": factor, "weight_decay": decay},
                {
                    "params": vectors,
                    "factor": factor * _BIAS_FACTOR,
                    "weight_decay": 0.0,
                },
            ]
        return groups

    def _logits(self, images: Tensor) -> Tensor:
        network: Any = self.network
        logits: Tensor
        if self.mu is None:
            logits = network(images)
        else:
            divisor = self._rules.attention_divisor
            logits = network.dropout_attention_logits(images, self.mu, divisor=divisor)
        return logits


def _refuse_odd_start(recipe: ClassifierRecipe, start: str | Path | None) -> None:
    if (recipe.init == "scratch") != (start is None):
        raise PlanError(
            f"a training with init={recipe.init!r} starts from "
            f"{'random' if recipe.init == 'scratch' else 'given'} weights; got "
            f"{'none' if start is None else start}"
        )
