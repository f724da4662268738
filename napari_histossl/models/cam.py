"""Where in a picture a classifier sees a class: CAM, Grad-CAM, Grad-CAM++.

References
----------
* CAM: Zhou et al. 2016, "Learning Deep Features for Discriminative Localization",
  arXiv:1512.04150.
* Grad-CAM: Selvaraju et al. 2017, arXiv:1610.02391. Grad-CAM++: Chattopadhyay et al.
  2018, arXiv:1710.11063.
* Han et al. 2022, arXiv:2110.08048; ChuHan89/WSSS-Tissue tool/gradcam.py @f0069720 (no
  licence: written anew from the formulas).

Changed: as in Han et al. no ReLU and no scaling follows, that is left to who uses the
maps, and the gradient is that of the logit, before any sigmoid; several layers and
classes share one forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_histossl.errors import ModelError
from napari_histossl.models._channel_weights import (
    Method,
    channel_weights,
    channel_weights_plus_plus,
)
from napari_histossl.models._class_maps import resized, rounds_of, spread
from napari_histossl.models._recorded import Recorded, record_layers

__all__ = [
    "Method",
    "Recorded",
    "cam",
    "cams_of",
    "channel_weights",
    "channel_weights_plus_plus",
    "grad_cam",
    "grad_cam_plus_plus",
    "grad_cams",
    "grad_cams_of",
    "grad_cams_of_labels",
    "record_layers",
]


class AveragingClassifier(Protocol):
    """A classifier that averages its last map and weighs the channels."""

    def features(self, images: Tensor) -> Tensor:
        """Return the last map, (B, C, h, w), of pictures (B, 3, H, W)."""

    @property
    def class_weights(self) -> Tensor:
        """Weights of the channels for each class, (classes, C)."""


def cam(model: AveragingClassifier, images: Tensor) -> Tensor:
    """Return the class activation maps of the last layer.

    Parameters
    ----------
    model : AveragingClassifier
        Such as ``create_model("resnet38")``.
    images : Tensor of shape (B, 3, H, W)
        As the model reads them.

    Returns
    -------
    Tensor of shape (B, classes, h, w)
        At the size of the feature map, of either sign: their mean over the map is the
        logit.
    """
    return cams_of(model.features(images), model.class_weights)


def cams_of(features: Tensor, class_weights: Tensor) -> Tensor:
    """Return the class activation maps of a feature map.

    Parameters
    ----------
    features : Tensor of shape (B, C, h, w)
        The map whose mean the classifier weighs.
    class_weights : Tensor of shape (classes, C)
        Of the classifier.

    Returns
    -------
    Tensor of shape (B, classes, h, w)
        Of either sign.
    """
    return F.conv2d(features, class_weights[:, :, None, None])


def grad_cam(
    model: nn.Module,
    images: Tensor,
    layer: str,
    class_index: int,
    *,
    size_px: tuple[int, int] | None = None,
) -> Tensor:
    """Return the Grad-CAM of one class at one layer.

    Parameters
    ----------
    model : torch.nn.Module
        A classifier in evaluation mode.
    images : Tensor of shape (B, 3, H, W)
        As the model reads them.
    layer : str
        Name of a module; the published pseudo-masks take ``"b4_5"``, ``"b5_2"`` and
        ``"bn7"`` of ResNet38d.
    class_index : int
        Place of the class among the logits.
    size_px : tuple of int, optional
        Height and width to resize to, bilinearly; by default those of the pictures.

    Returns
    -------
    Tensor of shape (B, H, W)
        Of either sign, not scaled: no ReLU, as Han et al.

    Raises
    ------
    ModelError
        If the model is in training mode, or has no such layer or class.
    """
    maps = grad_cams(model, images, [layer], [class_index], size_px=size_px)
    return maps[layer][:, 0]


def grad_cam_plus_plus(
    model: nn.Module,
    images: Tensor,
    layer: str,
    class_index: int,
    *,
    size_px: tuple[int, int] | None = None,
) -> Tensor:
    """Return the Grad-CAM++ of one class at one layer.

    Parameters
    ----------
    model, images, layer, class_index, size_px
        As `grad_cam`.

    Returns
    -------
    Tensor of shape (B, H, W)
        Of the sign of the maps, not scaled; proportional to the exponential of the
        logit, as in the paper.

    Raises
    ------
    ModelError
        As `grad_cam`.
    """
    recorded = record_layers(model, images, [layer])
    maps = grad_cams_of(
        recorded, [class_index], method=channel_weights_plus_plus, size_px=size_px
    )
    return maps[layer][:, 0]


def grad_cams(
    model: nn.Module,
    images: Tensor,
    layers: Sequence[str],
    classes: Sequence[int],
    *,
    size_px: tuple[int, int] | None = None,
) -> dict[str, Tensor]:
    """Return the Grad-CAM of several classes at several layers.

    Parameters
    ----------
    model : torch.nn.Module
        A classifier in evaluation mode.
    images : Tensor of shape (B, 3, H, W)
        As the model reads them.
    layers : sequence of str
        Names of modules.
    classes : sequence of int
        Places among the logits.
    size_px : tuple of int, optional
        Height and width to resize to, bilinearly; by default those of the pictures.

    Returns
    -------
    dict of str to Tensor of shape (B, len(classes), H, W)
        By layer.

    Raises
    ------
    ModelError
        As `grad_cam`.

    Notes
    -----
    One forward pass, and one backward pass a class down to the first of the layers.
    """
    return grad_cams_of(record_layers(model, images, layers), classes, size_px=size_px)


# ---- From a recorded forward pass ----


def grad_cams_of(
    recorded: Recorded,
    classes: Sequence[int],
    *,
    method: Method = channel_weights,
    size_px: tuple[int, int] | None = None,
) -> dict[str, Tensor]:
    """Return maps of classes at all layers of a recorded forward pass.

    Parameters
    ----------
    recorded : Recorded
        From `record_layers`; it can be asked again, for other classes.
    classes : sequence of int
        Places among the logits.
    method : callable
        `channel_weights` for Grad-CAM, `channel_weights_plus_plus` for Grad-CAM++.
    size_px : tuple of int, optional
        Height and width to resize to, bilinearly; by default those of the pictures.

    Returns
    -------
    dict of str to Tensor of shape (B, len(classes), H, W)
        By layer; of either sign, not scaled.

    Raises
    ------
    ModelError
        If there is no such class.
    """
    count = recorded.logits.shape[1]
    wrong = [index for index in classes if not 0 <= index < count]
    if wrong:
        raise ModelError(
            f"the model has classes 0 to {count - 1}; got class {wrong[0]}"
        )
    chosen = torch.eye(count, dtype=torch.bool, device=recorded.logits.device)
    rounds = [chosen[index].expand_as(recorded.logits) for index in classes]
    return {
        layer: resized(maps, size_px or recorded.size_px)
        for layer, maps in rounds_of(recorded, rounds, method).items()
    }


def grad_cams_of_labels(
    recorded: Recorded,
    labels: Tensor,
    *,
    method: Method = channel_weights,
    size_px: tuple[int, int] | None = None,
) -> dict[str, Tensor]:
    """Return maps of the classes that are in each picture, at all layers.

    Parameters
    ----------
    recorded : Recorded
        From `record_layers`; it can be asked again, for other classes.
    labels : Tensor of shape (B, classes)
        Not 0 where a picture holds a class.
    method : callable
        `channel_weights` for Grad-CAM, `channel_weights_plus_plus` for Grad-CAM++.
    size_px : tuple of int, optional
        Height and width to resize to, bilinearly; by default those of the pictures.

    Returns
    -------
    dict of str to Tensor of shape (B, classes, H, W)
        By layer; 0 throughout where a picture does not hold the class.

    Raises
    ------
    ModelError
        If the labels have another shape than the logits.

    Notes
    -----
    The first class of each picture shares one backward pass, so does the second, and so
    on: there are as many as the picture with the most classes has.
    """
    if labels.shape != recorded.logits.shape:
        raise ModelError(
            f"labels are (pictures, classes), here {tuple(recorded.logits.shape)}; got "
            f"{tuple(labels.shape)}"
        )
    present = (labels != 0).to(recorded.logits.device)
    rank = present.cumsum(1) * present  # 1 at the first class of a picture
    rounds = [rank == number for number in range(1, int(rank.max()) + 1)]
    return {
        layer: resized(
            spread(maps, rounds, labels.shape[1]), size_px or recorded.size_px
        )
        for layer, maps in rounds_of(recorded, rounds, method).items()
    }
