"""Values that are not finite: computed again in full precision, or refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_histossl.errors import ModelError
from napari_histossl.overlays.device import half_precision


def half_then_full(
    compute: Callable[[Tensor], Tensor], images: Tensor, precision: str
) -> Tensor:
    """Compute in half precision where that is safe, and again where it was too small.

    Parameters
    ----------
    compute : callable
        What a model makes of pictures.
    images : Tensor of shape (N, ...)
        On the device of the model.
    precision : {"auto", "full"}
        As `device.half_precision` takes it.

    Returns
    -------
    Tensor
        In single precision. Not finite only where the model itself is not.
    """
    with half_precision(images.device, precision):
        values = compute(images)
    if not bool(torch.isfinite(values).all()):
        values = compute(images)
    return values.float()


def need_finite(values: NDArray[Any], model: str, weights: object) -> None:
    """Refuse what a broken model gives.

    Parameters
    ----------
    values : ndarray
        What it gave.
    model : str
        Its name.
    weights : object
        Where its weights come from, in words for people.

    Raises
    ------
    ModelError
        If a value is not finite.
    """
    if not np.isfinite(values).all():
        raise ModelError(
            f"the model {model} gives values that are not finite with {weights}; train "
            f"or fetch them again"
        )
