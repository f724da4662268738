"""A segmenter that learns from masks, true ones or those of a classifier's layers.

References
----------
Han et al. 2022, "Multi-layer pseudo-supervision for histopathology tissue semantic
segmentation using patch-level classification labels", arXiv:2110.08048, stage 2.
Written anew. Changed: a start from random weights; a small backbone; other flips and
varied stain, where the recipe asks for them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from napari_histossl.errors import DataSetError, PlanError
from napari_histossl.models.recipe import recipe as rules_of
from napari_histossl.models.registry import model_spec
from napari_histossl.training.mask_loss import layered_loss
from napari_histossl.training.patch_items import (
    PatchItems,
    ReadMask,
    refuse_missing_class,
    true_mask,
)
from napari_histossl.training.patch_recipe import TRUTH, SegmenterRecipe
from napari_histossl.training.patch_scale import shrunk, thinned
from napari_histossl.training.patch_sets import PatchSet
from napari_histossl.training.patch_start import patch_spec, started
from napari_histossl.training.predictions import chosen, confusion_of, segmented
from napari_histossl.training.pseudo_files import PseudoMasks
from napari_histossl.training.supervised import SupervisedTrainer

_FRESH = "decoder.last_conv.8."
"""The layer that depends on the classes, never taken from given weights."""


class SegmenterTrainer(SupervisedTrainer):
    """DeepLabV3+ and all that changes from step to step.

    Parameters
    ----------
    patches, validation : PatchSet
        To learn from, and to be judged on: mean intersection over union.
    recipe : SegmenterRecipe
        All numbers.
    pseudo_masks : PseudoMasks, optional
        Of the patches; needed unless the recipe learns from true masks.
    start : str or Path, optional
        Weights to start from; by default at random.
    device : str
        Where it is computed.

    Raises
    ------
    DataSetError
        If there are no patches, a mask is missing, or one of the classes is in no
        patch.
    PlanError
        If there are fewer patches than a batch, or no pseudo-masks are given.
    WeightsError
        If the weights are of another network.
    """

    recipe: SegmenterRecipe

    def __init__(
        self,
        patches: PatchSet,
        validation: PatchSet,
        recipe: SegmenterRecipe,
        *,
        pseudo_masks: PseudoMasks | None = None,
        start: str | Path | None = None,
        device: str = "cpu",
    ) -> None:
        refuse_missing_class(patches)
        readers = _readers(patches, recipe, pseudo_masks)
        patches = shrunk(patches, recipe.shrink)
        validation = shrunk(validation, recipe.shrink)
        items = PatchItems(patches, readers)
        base = model_spec(
            "deeplabv3plus", n_classes=len(patches.classes), backbone=recipe.backbone
        )
        spec = patch_spec(base, patches, items, recipe)
        network = started(spec, recipe.seed, start, (_FRESH,))
        self._rules = rules_of(recipe.variant)
        super().__init__(
            patches, validation, items, recipe, spec, network, torch.device(device)
        )

    def loss(self) -> Tensor:
        """Return the cross entropy of this step's batch, weighted over the layers."""
        images, masks = self.views()
        n_classes = len(self.patches.classes)
        masks = masks.masked_fill(masks == self.patches.exclude_index, n_classes)
        return layered_loss(
            self.network(images),
            masks,
            tuple(self.recipe.layers.values()),
            background_logit=self._rules.background_logit,
            over_batch=self._rules.loss_over_batch,
        )

    def judged(self) -> float:
        """Return the mean intersection over union on the validation patches."""
        device = str(self.device)
        found = segmented(self.network, self.spec, self.validation, device=device)
        value = confusion_of(chosen(found), self.validation).mean_iou
        if math.isnan(value):
            raise DataSetError(
                f"no pixel of {len(self.validation)} validation patches has a class, "
                f"so nothing can be judged on them; choose others"
            )
        return value

    def parameter_groups(self) -> list[dict[str, Any]]:
        """Return the backbone, and the rest, which learns faster."""
        named = list(self.network.named_parameters())
        inner = [p for name, p in named if name.startswith("backbone.")]
        outer = [p for name, p in named if not name.startswith("backbone.")]
        decay = {"weight_decay": self.recipe.weight_decay}
        return [
            {"params": inner, "factor": 1.0, **decay},
            {"params": outer, "factor": self._rules.head_rate, **decay},
        ]


def _readers(
    patches: PatchSet, recipe: SegmenterRecipe, pseudo_masks: PseudoMasks | None
) -> Sequence[ReadMask]:
    if TRUTH in recipe.layers:
        return [thinned(true_mask(patches), recipe.shrink)]
    if pseudo_masks is None:
        raise PlanError(
            "a segmenter needs pseudo-masks, or true masks: make some with "
            "`napari-histossl pseudo-masks`, or choose the layers {'truth': 1}"
        )
    return [
        thinned(pseudo_masks.reader(patches, layer), recipe.shrink)
        for layer in recipe.layers
    ]
