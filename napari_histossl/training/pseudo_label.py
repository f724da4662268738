"""Pseudo-masks of a set of patches, from what a classifier looks at.

References
----------
Han et al. 2022, arXiv:2110.08048, section on pseudo-masks. Written anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from napari_histossl.errors import PlanError
from napari_histossl.jobs import Progress
from napari_histossl.models.cam import grad_cams_of_labels, record_layers
from napari_histossl.models.pseudo_masks import find_background, pseudo_mask
from napari_histossl.models.recipe import PSEUDO_LAYERS, Recipe
from napari_histossl.models.registry import ModelSpec
from napari_histossl.training.patch_sets import PatchSet
from napari_histossl.training.predictions import BATCH, each_batch
from napari_histossl.training.pseudo_files import PseudoMasks


def write_pseudo_masks(
    model: nn.Module,
    spec: ModelSpec,
    patches: PatchSet,
    masks: PseudoMasks,
    recipe: Recipe,
    *,
    facts: Mapping[str, Any] | None = None,
    layers: Sequence[str] = PSEUDO_LAYERS,
    batch: int = BATCH,
    device: str = "cpu",
    overwrite: bool = False,
) -> Iterator[Progress]:
    """Write the pseudo-masks of each patch at each layer.

    What an interrupted run has written is kept.

    Parameters
    ----------
    model : torch.nn.Module
        The classifier, in evaluation mode, on the device.
    spec : ModelSpec
        Its normalisation.
    patches : PatchSet
        With labels.
    masks : PseudoMasks
        Where they are written.
    recipe : Recipe
        How maps become masks.
    facts : mapping, optional
        What makes them besides: JSON values, written beside them.
    layers : sequence of str
        Of the classifier.
    batch : int
        Patches computed at once.
    device : str
        Where it is computed.
    overwrite : bool
        Replace what is there.

    Yields
    ------
    Progress
        After each batch.

    Raises
    ------
    PlanError
        If the classifier knows another number of classes than the set.
    DataSetError
        If other pseudo-masks are in the folder.
    """
    _refuse_other_classes(spec, patches)
    if overwrite:
        masks.clear()
    told = {**(facts or {}), "recipe": recipe.to_json(), "layers": list(layers)}
    masks.begin(layers, told)
    names, total = patches.names, len(patches)
    missing = [i for i, name in enumerate(names) if not masks.has(name, layers)]
    done = total - len(missing)
    made = masks_of(
        model, spec, patches, recipe,
        layers=layers, indices=missing, batch=batch, device=device,
    )  # fmt: skip
    for index, found in made:
        for layer in layers:
            masks.write(layer, names[index], found[layer], patches)
        done += 1
        yield Progress(done, total)


def masks_of(
    model: nn.Module,
    spec: ModelSpec,
    patches: PatchSet,
    recipe: Recipe,
    *,
    labels: NDArray[Any] | None = None,
    layers: Sequence[str] = PSEUDO_LAYERS,
    indices: Sequence[int] | None = None,
    batch: int = BATCH,
    device: str = "cpu",
) -> Iterator[tuple[int, dict[str, NDArray[np.uint8]]]]:
    """Yield the pseudo-masks of patches.

    Parameters
    ----------
    model, spec, patches, recipe
        As `write_pseudo_masks`.
    labels : ndarray of shape (N, classes), optional
        Which classes to look for in each patch, not 0; by default the set's labels.
    layers : sequence of str
        Of the classifier.
    indices : sequence of int, optional
        Which patches; by default all.
    batch, device
        As `write_pseudo_masks`.

    Yields
    ------
    index : int
        Number of a patch.
    masks : dict of str to ndarray of shape (H, W) and dtype uint8
        By layer: classes from 0, and the set's exclude index at background.
    """
    held = torch.from_numpy(patches.labels if labels is None else labels)
    for chosen, images in each_batch(
        patches, spec, indices=indices, batch=batch, device=device
    ):
        here = held[chosen].to(images.device)
        glass = [find_background(patches.image(index)) for index in chosen]
        maps = grad_cams_of_labels(
            record_layers(model, images, layers), here, size_px=glass[0].shape
        )
        found = {
            layer: pseudo_mask(
                maps[layer], here, recipe,
                background=torch.from_numpy(np.stack(glass)),
                exclude_index=patches.exclude_index,
            ).cpu().numpy()
            for layer in layers
        }  # fmt: skip
        for place, index in enumerate(chosen):
            yield index, {layer: found[layer][place] for layer in layers}


def _refuse_other_classes(spec: ModelSpec, patches: PatchSet) -> None:
    known = spec.config.get("n_classes")
    if spec.name != "resnet38" or known != len(patches.classes):
        raise PlanError(
            f"pseudo-masks of {len(patches.classes)} classes need a classifier of as "
            f"many (resnet38); the weights are of {spec.name} with {known} classes"
        )
