"""What is judged: features of a model, or colours alone, of any set of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from napari_histossl.jobs import Progress
from napari_histossl.models.registry import ModelSpec
from napari_histossl.training.batches import Items
from napari_histossl.training.views import standardised

_BATCH = 50
_BINS = 8
"""Bins of a colour histogram along each of red, green and blue: 512 numbers."""

Encoder = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""A batch of pictures (B, H, W, 3) to features (B, D)."""


def encode_all(
    encoder: Encoder, pictures: Items, into: list[NDArray[np.float32]]
) -> Iterator[Progress]:
    """Encode pictures batch by batch.

    Parameters
    ----------
    encoder : callable
        From `model_encoder`, or `colour_histogram`.
    pictures : Items
        RGB, (N, H, W, 3) of dtype uint8.
    into : list of ndarray
        Receives the features (N, D), one array, when all are done.

    Yields
    ------
    Progress
        After each batch.
    """
    parts = []
    for start in range(0, len(pictures), _BATCH):
        parts.append(encoder(pictures[start : start + _BATCH]))
        yield Progress(min(start + _BATCH, len(pictures)), len(pictures))
    into.append(np.concatenate(parts))


def model_encoder(model: nn.Module, spec: ModelSpec, *, device: str = "cpu") -> Encoder:
    """Return what gives a model's features.

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode; a transformer gives its class token, a residual network
        its averaged map.
    spec : ModelSpec
        Its normalisation.
    device : str
        Where it is computed; the model is moved there.
    """
    model = model.to(device)

    def encode(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        with torch.inference_mode():
            found: Tensor = model(normalised(images, spec, device))
            return np.asarray(found.float().cpu().numpy())

    return encode


def normalised(images: NDArray[Any], spec: ModelSpec, device: str = "cpu") -> Tensor:
    """Return a batch (B, 3, H, W) as a model takes it, from RGB (B, H, W, 3)."""
    batch = torch.from_numpy(images).to(device).permute(0, 3, 1, 2).float() / 255
    return standardised(batch, spec)


def colour_histogram(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the share of each colour in each picture: what needs no learning.

    Parameters
    ----------
    images : ndarray of shape (B, H, W, 3) and dtype uint8
        RGB.

    Returns
    -------
    ndarray of shape (B, 512)
        Joint histogram of 8 x 8 x 8 bins of red, green and blue; each row sums to 1.
    """
    coarse = images.astype(np.int64) * _BINS // 256
    codes = (coarse[..., 0] * _BINS + coarse[..., 1]) * _BINS + coarse[..., 2]
    counts = [np.bincount(code.ravel(), minlength=_BINS**3) for code in codes]
    shares: NDArray[np.float32] = np.array(counts, np.float32) / codes[0].size
    return shares
