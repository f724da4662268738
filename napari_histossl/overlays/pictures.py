"""From pixels to what a model sees."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_histossl.models.registry import ModelSpec


class Pictures:
    """Normalises pixels as a model expects it, on its device.

    Parameters
    ----------
    spec : ModelSpec
        Mean and deviation.
    device : torch.device
        Where the model is.
    """

    def __init__(self, spec: ModelSpec, device: torch.device) -> None:
        # (value / 255 - mean) / std as one product and one sum
        std = torch.tensor(spec.std, device=device).view(1, 3, 1, 1)
        mean = torch.tensor(spec.mean, device=device).view(1, 3, 1, 1)
        self._device, self._scale, self._shift = device, 1 / (255 * std), mean / std

    def __call__(self, pixels: NDArray[np.uint8]) -> Tensor:
        """Return (N, 3, H, W) in single precision from (N, H, W, 3)."""
        images = torch.from_numpy(pixels).to(self._device).permute(0, 3, 1, 2)
        return images.contiguous().float().mul_(self._scale).sub_(self._shift)
