"""Patches as they come out of a slide's file: compressed as JPEG.

A network that has only seen pictures without it takes its noise for tissue: nuclei of a
few pixels become grains of necrosis.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

QUALITIES = (60, 95)
"""Least and largest quality; scanners write 70 to 90."""

_COLOUR_FULL, _COLOUR_HALVED = 0, 2
"""Pillow's numbers for colour at the size of the brightness, and at half its edges."""


def compressed(
    batch: NDArray[Any], chance: float, generator: torch.Generator
) -> NDArray[Any]:
    """Compress some pictures and decompress them again.

    Parameters
    ----------
    batch : ndarray of shape (B, H, W, 3 or more) and dtype uint8
        RGB in the first three channels; others, such as masks, stay as they are.
    chance : float
        That a picture is compressed, 0 to 1; 0 takes no random numbers.
    generator : torch.Generator
        Source of all randomness.

    Returns
    -------
    ndarray of the shape of `batch`
        Qualities are drawn evenly, and whether colour is halved in size.
    """
    if not chance:
        return batch
    happens, quality, halved = torch.rand((3, len(batch)), generator=generator).numpy()
    low, high = QUALITIES
    found = batch.copy()
    for index in np.flatnonzero(happens < chance).tolist():
        found[index, ..., :3] = _through_jpeg(
            batch[index, ..., :3],
            round(low + (high - low) * float(quality[index])),
            _COLOUR_HALVED if halved[index] < 0.5 else _COLOUR_FULL,
        )
    return found


def _through_jpeg(
    image: NDArray[np.uint8], quality: int, subsampling: int
) -> NDArray[np.uint8]:
    from PIL import Image

    stream = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(image))
    picture.save(stream, "JPEG", quality=quality, subsampling=subsampling)
    with Image.open(stream) as again:
        return np.asarray(again.convert("RGB"))
