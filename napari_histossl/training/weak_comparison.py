"""From patch labels to a segmentation: which step brings what, as one table.

References
----------
The rows are those of the ablations of Han et al. 2022, arXiv:2110.08048. As in the
published sets, bright background (`models.pseudo_masks.find_background`) counts
nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_histossl.metrics.segmentation import Confusion
from napari_histossl.models.gate import gated_probabilities
from napari_histossl.models.pseudo_masks import find_background
from napari_histossl.models.recipe import PSEUDO_LAYERS, Recipe
from napari_histossl.models.registry import ModelSpec
from napari_histossl.training.patch_items import ReadMask, true_mask
from napari_histossl.training.patch_sets import PatchSet
from napari_histossl.training.predictions import (
    chosen,
    class_probabilities,
    confusion_of,
    macro_auc,
    segmented,
)
from napari_histossl.training.pseudo_files import PseudoMasks
from napari_histossl.training.pseudo_label import masks_of

PRESENT_ABOVE = 0.25
"""Probability above which a class is looked for in a patch without labels, as the
published evaluation of the first stage has it."""


@dataclass(frozen=True, slots=True)
class Network:
    """A trained network.

    Attributes
    ----------
    model : torch.nn.Module
        In evaluation mode.
    spec : ModelSpec
        What it reads.
    """

    model: nn.Module
    spec: ModelSpec


@dataclass(frozen=True, slots=True)
class Score:
    """One row of the table.

    Attributes
    ----------
    name : str
        What was judged.
    part : str
        On which part of the set.
    confusion : Confusion
        Pixels by true and predicted class.
    """

    name: str
    part: str
    confusion: Confusion


def without_background(patches: PatchSet) -> ReadMask:
    """Return what reads true masks with bright background excluded."""
    read = true_mask(patches)

    def masked(index: int) -> NDArray[np.uint8]:
        glass = find_background(patches.image(index))
        return np.where(glass, np.uint8(patches.exclude_index), read(index))

    return masked


def judge_cams(
    name: str, classifier: Network, patches: PatchSet, rules: Recipe
) -> Iterator[Score]:
    """Yield how well Grad-CAM of each layer segments patches whose labels nobody gave.

    The classes that the classifier finds likely are looked for.
    """
    likely = class_probabilities(classifier.model, classifier.spec, patches)
    labels = (likely > PRESENT_ABOVE).astype(np.uint8)
    totals = {layer: Confusion.empty(len(patches.classes)) for layer in PSEUDO_LAYERS}
    read = without_background(patches)
    made = masks_of(classifier.model, classifier.spec, patches, rules, labels=labels)
    for index, found in made:
        for layer in PSEUDO_LAYERS:
            totals[layer] += confusion_of([(index, found[layer])], patches, read)
    for layer, confusion in totals.items():
        yield Score(f"{name}, {layer}", "test", confusion)


def judge_pseudo_masks(
    name: str, masks: PseudoMasks, patches: PatchSet
) -> Iterator[Score]:
    """Yield how well the pseudo-masks of each layer fit the true masks of train."""
    read = without_background(patches)
    for layer in PSEUDO_LAYERS:
        saved = masks.reader(patches, layer)
        pairs = ((index, saved(index)) for index in range(len(patches)))
        confusion = confusion_of(pairs, patches, read)
        yield Score(f"{name}, {layer}", "train", confusion)


def judge_segmenter(name: str, segmenter: Network, patches: PatchSet) -> Score:
    """Return how well a segmenter segments patches."""
    logits = segmented(segmenter.model, segmenter.spec, patches)
    return Score(
        name, "test", confusion_of(chosen(logits), patches, without_background(patches))
    )


def judge_gated(
    name: str,
    segmenter: Network,
    classifier: Network,
    patches: PatchSet,
    rules: Recipe,
) -> Score:
    """Return how well a segmenter behind the classifier's gate segments patches."""
    likely = class_probabilities(classifier.model, classifier.spec, patches)
    logits = segmented(segmenter.model, segmenter.spec, patches)
    gated = chosen(_gated(logits, likely, rules))
    return Score(
        name, "test", confusion_of(gated, patches, without_background(patches))
    )


def _gated(
    logits: Iterable[tuple[int, Tensor]], likely: NDArray[np.float32], rules: Recipe
) -> Iterator[tuple[int, Tensor]]:
    for index, each in logits:
        known = each.new_tensor(likely[index])[None]
        yield index, gated_probabilities(each[None], known, rules)[0]


def classifier_auc(classifier: Network, patches: PatchSet) -> float:
    """Return the macro area under the curve of a classifier."""
    likely = class_probabilities(classifier.model, classifier.spec, patches)
    return macro_auc(likely, patches)
