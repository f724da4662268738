"""A stain shift that no training has seen, to test features with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.training.batches import Items

_DARKEST = 0.02
_GAINS = (0.4, 1.8)
"""Least and largest gain of optical density."""

_OFFSET = 0.08
"""Largest offset of optical density."""


class Restained:
    """Pictures in other stains, each in one of its own.

    Parameters
    ----------
    pictures : Items
        RGB, (N, H, W, 3) of dtype uint8.
    rng : Generator
        Source of all randomness.
    deviation : float
        Standard deviation of the gain of optical density, common to the channels and
        again for each of them.

    Attributes
    ----------
    shape : tuple of int
        That of the pictures.
    """

    def __init__(
        self, pictures: Items, rng: np.random.Generator, *, deviation: float = 0.25
    ) -> None:
        shape = (len(pictures), 1, 1)
        common = rng.standard_normal((*shape, 1))
        channels = rng.standard_normal((*shape, 3))
        gain = np.clip(1 + deviation * (common + channels), *_GAINS)
        self._gain = gain.astype(np.float32)
        self._offset = (_OFFSET * rng.random((*shape, 3))).astype(np.float32)
        self._pictures, self.shape = pictures, tuple(pictures.shape)

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, indices: Any) -> NDArray[np.uint8]:
        """Return restained pictures at indices, (n, H, W, 3) of dtype uint8."""
        parts = self._pictures[indices], self._gain[indices], self._offset[indices]
        return np.stack([_stain(*each) for each in zip(*parts, strict=True)])


def shift_stain(
    images: NDArray[np.uint8], rng: np.random.Generator, *, deviation: float = 0.25
) -> NDArray[np.uint8]:
    """Stain each picture differently: more or less of it, in each channel.

    Parameters
    ----------
    images : ndarray of shape (N, H, W, 3) and dtype uint8
        RGB.
    rng : Generator
        Source of all randomness.
    deviation : float
        As of `Restained`.

    Returns
    -------
    ndarray of shape (N, H, W, 3) and dtype uint8
        RGB.
    """
    return Restained(images, rng, deviation=deviation)[:]


def _stain(
    image: NDArray[np.uint8], gain: NDArray[Any], offset: NDArray[Any]
) -> NDArray[np.uint8]:
    density = -np.log(np.maximum(image.astype(np.float32) / 255, _DARKEST))
    stained = np.exp(-density * gain - offset) * 255
    shifted: NDArray[np.uint8] = np.round(stained).clip(0, 255).astype(np.uint8)
    return shifted
