"""Random views of pictures: box, flip, rotation, and what `colour` does to them.

References
----------
Multi-crop: Caron et al. 2020, arXiv:2006.09882; facebookresearch/dino main_dino.py
(Apache-2.0). Changed: a whole batch is cut at once, bilinearly.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_histossl.training.colour import Draw, vary
from napari_histossl.training.variation import Variation


def random_crops(
    images: Tensor,
    crop_px: int,
    area: tuple[float, float],
    variation: Variation,
    generator: torch.Generator,
) -> Tensor:
    """Cut one random view of each picture.

    Parameters
    ----------
    images : Tensor of shape (B, 3, H, W)
        RGB in [0, 1], on any device.
    crop_px : int
        Edge of the views in pixels.
    area : tuple of float
        Least and largest share of the picture that a view takes.
    variation : Variation
        What else is done to it.
    generator : torch.Generator
        Source of all randomness, on the processor.

    Returns
    -------
    Tensor of shape (B, 3, crop_px, crop_px)
        RGB in [0, 1].
    """
    draw = Draw(len(images), generator, images.device)
    grid = F.affine_grid(
        _random_boxes(draw, area, variation),
        [len(images), 3, crop_px, crop_px],
        align_corners=False,
    )
    views = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    return vary(views, variation, draw)


def _random_boxes(
    draw: Draw, area: tuple[float, float], variation: Variation
) -> Tensor:
    """Return affine maps (B, 2, 3) from a view to its box, flipped and turned."""
    side = draw.uniform(*area).sqrt()
    aspect = draw.uniform(-variation.aspect, variation.aspect).exp()
    height, width = (side * aspect).clamp(max=1), (side / aspect).clamp(max=1)
    down = (1 - height) * draw.uniform(-1, 1)
    right = (1 - width) * draw.uniform(-1, 1)
    height, width, turned = _orient(draw, height, width, variation.turns)
    zero = torch.zeros_like(side)
    along_x = torch.stack(
        [torch.where(turned, zero, width), torch.where(turned, width, zero), right], 1
    )
    along_y = torch.stack(
        [torch.where(turned, height, zero), torch.where(turned, zero, height), down], 1
    )
    return torch.stack([along_x, along_y], 1)


def _orient(
    draw: Draw, height: Tensor, width: Tensor, turns: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the sides, negative where flipped, and which boxes are turned."""
    if not turns:
        return height, width * draw.signs(), torch.zeros_like(height, dtype=torch.bool)
    height, width = height * draw.signs(), width * draw.signs()
    return height, width, draw.uniform(0, 1) < 0.5
