"""What trained networks say of a set of patches, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_histossl.errors import DataSetError
from napari_histossl.metrics.confusion import confusion_matrix
from napari_histossl.metrics.ranking import roc_auc
from napari_histossl.metrics.segmentation import Confusion
from napari_histossl.models.registry import ModelSpec
from napari_histossl.training.features import normalised
from napari_histossl.training.patch_items import ReadMask, true_mask
from napari_histossl.training.patch_scale import at_scale
from napari_histossl.training.patch_sets import PatchSet

BATCH = 16
"""Patches computed at once where no gradient is kept."""


def each_batch(
    patches: PatchSet,
    spec: ModelSpec,
    *,
    indices: Sequence[int] | None = None,
    batch: int = BATCH,
    device: str = "cpu",
) -> Iterator[tuple[list[int], Tensor]]:
    """Yield numbers of patches, and the pictures as a model reads them.

    Patches that are finer than what the model reads are averaged down to it. Those of
    several sizes come in batches of one size each.

    Parameters
    ----------
    patches : PatchSet
        The set.
    spec : ModelSpec
        The model.
    indices : sequence of int, optional
        Which patches; by default all.
    batch : int
        Patches at once.
    device : str
        Where the pictures are wanted.

    Yields
    ------
    indices : list of int
        In their order.
    images : Tensor of shape (B, 3, H, W)
        Those patches.
    """
    waiting: list[tuple[int, NDArray[np.uint8]]] = []
    patches = at_scale(patches, spec.mpp)
    for index in range(len(patches)) if indices is None else indices:
        image = patches.image(index)
        if len(waiting) == batch or (waiting and waiting[0][1].shape != image.shape):
            yield _ready(waiting, spec, device)
            waiting = []
        waiting.append((index, image))
    if waiting:
        yield _ready(waiting, spec, device)


def _ready(
    waiting: list[tuple[int, NDArray[np.uint8]]], spec: ModelSpec, device: str
) -> tuple[list[int], Tensor]:
    images = np.stack([image for _, image in waiting])
    return [index for index, _ in waiting], normalised(images, spec, device)


def class_probabilities(
    model: nn.Module, spec: ModelSpec, patches: PatchSet, *, device: str = "cpu"
) -> NDArray[np.float32]:
    """Return the chance that a patch holds a class, as a classifier says.

    Parameters
    ----------
    model : torch.nn.Module
        The classifier, in evaluation mode, on the device.
    spec : ModelSpec
        Its normalisation.
    patches : PatchSet
        N patches.
    device : str
        Where it is computed.

    Returns
    -------
    ndarray of shape (N, classes)
        0 to 1, each class for itself.
    """
    with torch.inference_mode():
        batches = [
            model(images).sigmoid().cpu().numpy()
            for _, images in each_batch(patches, spec, device=device)
        ]
    found: NDArray[np.float32] = np.concatenate(batches)
    return found


def macro_auc(probabilities: NDArray[np.float32], patches: PatchSet) -> float:
    """Return the mean area under the curve of the classes.

    Parameters
    ----------
    probabilities : ndarray of shape (N, classes)
        From `class_probabilities`.
    patches : PatchSet
        What is true.

    Returns
    -------
    float
        0 to 1; of the classes that some patches hold and others do not.

    Raises
    ------
    DataSetError
        If there is no such class.
    """
    labels = patches.labels.astype(bool)
    areas = np.array(
        [roc_auc(probabilities[:, c], labels[:, c]) for c in range(labels.shape[1])]
    )
    if np.isnan(areas).all():
        raise DataSetError(
            f"all {len(patches)} validation patches have the same labels, so nothing "
            f"can be judged on them; choose others"
        )
    return float(np.nanmean(areas))


def segmented(
    model: nn.Module, spec: ModelSpec, patches: PatchSet, *, device: str = "cpu"
) -> Iterator[tuple[int, Tensor]]:
    """Yield the logits of a segmenter for each patch.

    Parameters
    ----------
    model : torch.nn.Module
        The segmenter, in evaluation mode, on the device.
    spec : ModelSpec
        Its normalisation.
    patches : PatchSet
        The patches.
    device : str
        Where it is computed.

    Yields
    ------
    index : int
        Number of a patch.
    logits : Tensor of shape (classes, H, W)
        At the size of the patch, on the device.
    """
    for indices, images in each_batch(patches, spec, device=device):
        size_px = patches.image(indices[0]).shape[:2]
        with torch.inference_mode():
            logits = resized(model(images), size_px)
        yield from zip(indices, logits, strict=True)


def resized(maps: Tensor, size_px: tuple[int, ...]) -> Tensor:
    """Return maps (B, C, h, w) at the size of the patches, bilinearly."""
    if maps.shape[2:] == size_px:
        return maps
    return F.interpolate(maps, size_px, mode="bilinear", align_corners=False)


def confusion_of(
    masks: Iterable[tuple[int, NDArray[np.uint8]]],
    patches: PatchSet,
    truth: ReadMask | None = None,
) -> Confusion:
    """Count pixels of masks by their true and their predicted class.

    Parameters
    ----------
    masks : iterable of (int, ndarray)
        Number of a patch, and its mask: classes from 0, and the set's exclude index
        for no class.
    patches : PatchSet
        Their set.
    truth : callable, optional
        Number of a patch to its true mask; by default the set's own.

    Raises
    ------
    DataSetError
        If a patch has no true mask, or a mask does not fit.
    """
    read, n_classes = truth or true_mask(patches), len(patches.classes)
    total = Confusion.empty(n_classes)
    for index, mask in masks:
        total += confusion_matrix(
            mask, read(index), n_classes, exclude_index=patches.exclude_index
        )
    return total


def chosen(
    logits: Iterable[tuple[int, Tensor]],
) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Yield the class with the largest logit of each pixel; of equal ones the first."""
    for index, each in logits:
        yield index, each.argmax(0).to(torch.uint8).cpu().numpy()
