"""A stain shift that no training has seen, to test features with."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_DARKEST = 0.02
_GAINS = (0.4, 1.8)
"""Least and largest gain of optical density."""

_OFFSET = 0.08
"""Largest offset of optical density."""


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
        Standard deviation of the gain of optical density, common to the channels and
        again for each of them.

    Returns
    -------
    ndarray of shape (N, H, W, 3) and dtype uint8
        RGB.
    """
    shape = (len(images), 1, 1)
    common = rng.standard_normal((*shape, 1))
    channels = rng.standard_normal((*shape, 3))
    gain = np.clip(1 + deviation * (common + channels), *_GAINS).astype(np.float32)
    offset = (_OFFSET * rng.random((*shape, 3))).astype(np.float32)
    return np.stack([_stain(*each) for each in zip(images, gain, offset, strict=True)])


def _stain(
    image: NDArray[np.uint8], gain: NDArray[Any], offset: NDArray[Any]
) -> NDArray[np.uint8]:
    density = -np.log(np.maximum(image.astype(np.float32) / 255, _DARKEST))
    stained = np.exp(-density * gain - offset) * 255
    shifted: NDArray[np.uint8] = np.round(stained).clip(0, 255).astype(np.uint8)
    return shifted
