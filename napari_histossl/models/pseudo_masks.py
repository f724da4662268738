"""Masks out of class activation maps and labels of whole pictures.

References
----------
Han et al. 2022, "Multi-layer pseudo-supervision for histopathology tissue semantic
segmentation using patch-level classification labels", Medical Image Analysis,
arXiv:2110.08048; ChuHan89/WSSS-Tissue tool/infer_fun.py, tool/gradcam.py @f0069720 (no
licence: written anew from the formulas).

Changed: maps of absent classes are not made at all. The original scales with them and
then sets them to 0, which gives the same masks: a scale that all classes share does not
change which one is largest. Only where a scaled map is exactly 0 the original may write
a class that the picture does not hold; here it cannot.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from torch import Tensor, nn

from napari_histossl.errors import ModelError
from napari_histossl.models.cam import grad_cams_of_labels, record_layers
from napari_histossl.models.recipe import PSEUDO_LAYERS, Recipe

__all__ = ["find_background", "pseudo_mask", "pseudo_masks", "scaled_maps"]

BRIGHTER_THAN = 200
"""Grey value, of 255, above which a pixel is background."""

LEAST_PX = 50
"""Pixels of the smallest patch of background; smaller ones are gaps in tissue."""

_GREY = np.array([4899, 9617, 1868], np.int64)
"""0.299, 0.587 and 0.114 of red, green and blue in 2 ** 14: ITU-R BT.601, as OpenCV
rounds it."""


def find_background(
    image: npt.NDArray[np.uint8],
    *,
    brighter_than: int = BRIGHTER_THAN,
    least_px: int = LEAST_PX,
) -> npt.NDArray[np.bool_]:
    """Return where a picture is so bright that there is no tissue.

    Parameters
    ----------
    image : ndarray of shape (H, W, 3) and dtype uint8
        RGB.
    brighter_than : int
        Grey value, 0 to 255, above which a pixel is background.
    least_px : int
        Smaller patches of background, joined along edges, are left out.

    Returns
    -------
    ndarray of shape (H, W) and dtype bool
        True at background.

    Raises
    ------
    ModelError
        If the picture is not (H, W, 3) of uint8.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ModelError(
            f"background is found in RGB pictures (H, W, 3) of uint8; got shape "
            f"{image.shape} of {image.dtype}"
        )
    grey = (image @ _GREY + (1 << 13)) >> 14
    patches, _ = ndimage.label(grey > brighter_than)
    large = np.bincount(patches.ravel()) >= least_px
    large[0] = False
    kept: npt.NDArray[np.bool_] = large[patches]
    return kept


def scaled_maps(maps: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """Return maps from 0 to 1, with classes that are not in a picture at 0.

    Parameters
    ----------
    maps : Tensor of shape (B, classes, H, W)
        Class activation, of either sign.
    labels : Tensor of shape (B, classes)
        Not 0 where a picture holds a class.
    recipe : Recipe
        Whether negative activation counts as none, and whether each class is scaled for
        itself or all that a picture holds together.

    Returns
    -------
    Tensor of shape (B, classes, H, W)
        Least value 0, largest 1; 0 throughout where they are the same.

    Raises
    ------
    ModelError
        If the labels are not of these pictures and classes.
    """
    present = _present(maps, labels)
    activation = maps.relu() if recipe.cam_relu else maps
    axes = (2, 3) if recipe.normalise == "class" else (1, 2, 3)
    infinite = float("inf")
    low = activation.masked_fill(~present, infinite).amin(axes, keepdim=True)
    high = activation.masked_fill(~present, -infinite).amax(axes, keepdim=True)
    span = (high - low).clamp(min=0)
    scaled = (activation - low) / span.where(span > 0, 1)
    return scaled.where(present & (span > 0), 0)


def pseudo_mask(
    maps: Tensor,
    labels: Tensor,
    recipe: Recipe,
    *,
    background: Tensor | None = None,
    exclude_index: int | None = None,
) -> Tensor:
    """Return the class of each pixel, as far as activation maps and labels tell.

    Parameters
    ----------
    maps : Tensor of shape (B, classes, H, W)
        Class activation, of either sign.
    labels : Tensor of shape (B, classes)
        Not 0 where a picture holds a class.
    recipe : Recipe
        How maps are scaled before they are compared.
    background : Tensor of shape (B, H, W) and dtype bool, optional
        Where there is no tissue, from `find_background`; it goes before every class.
    exclude_index : int, optional
        Written at background, and throughout pictures that hold no class; by default
        the number of classes.

    Returns
    -------
    Tensor of shape (B, H, W) and dtype uint8
        Places of classes among the logits, or `exclude_index`. Of classes with the same
        value the first one that the picture holds is written, never another.

    Raises
    ------
    ModelError
        If the labels are not of these pictures and classes.
    """
    present = _present(maps, labels)
    exclude = maps.shape[1] if exclude_index is None else exclude_index
    compared = _compared(maps, labels, recipe).masked_fill(~present, -float("inf"))
    mask = compared.max(1).indices  # the first of equal ones, as argmax, much faster
    empty = ~present.any(1)  # (B, 1, 1)
    mask = mask.masked_fill(empty, exclude)
    if background is not None:
        mask = mask.masked_fill(background.to(mask.device), exclude)
    return mask.byte()


def pseudo_masks(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    recipe: Recipe,
    *,
    layers: Sequence[str] = PSEUDO_LAYERS,
    **options: Any,
) -> Mapping[str, Tensor]:
    """Return the mask of each layer, from one forward pass.

    Parameters
    ----------
    model : torch.nn.Module
        A classifier in evaluation mode.
    images : Tensor of shape (B, 3, H, W)
        As the model reads them.
    labels : Tensor of shape (B, classes)
        Not 0 where a picture holds a class.
    recipe : Recipe
        How maps are scaled before they are compared.
    layers : sequence of str
        Names of modules.
    **options
        As of `pseudo_mask`: `background`, `exclude_index`.

    Returns
    -------
    mapping of str to Tensor of shape (B, H, W) and dtype uint8
        By layer.

    Raises
    ------
    ModelError
        If the labels are not of these pictures and classes, or a layer is unknown.
    """
    maps = grad_cams_of_labels(record_layers(model, images, layers), labels)
    return {
        layer: pseudo_mask(maps[layer], labels, recipe, **options) for layer in layers
    }


def _compared(maps: Tensor, labels: Tensor, recipe: Recipe) -> Tensor:
    """Return maps of which the largest is to be found, scaled where that matters."""
    if recipe.normalise == "class":
        return scaled_maps(maps, labels, recipe)
    return maps.relu() if recipe.cam_relu else maps  # one scale for all changes nothing


def _present(maps: Tensor, labels: Tensor) -> Tensor:
    """Return the labels as (B, classes, 1, 1), where the maps are."""
    if labels.shape != maps.shape[:2]:
        raise ModelError(
            f"labels are (pictures, classes), here {tuple(maps.shape[:2])}; got "
            f"{tuple(labels.shape)}"
        )
    return (labels != 0).to(maps.device)[:, :, None, None]
