"""Random views of pictures: box, flip, rotation, stain, blur.

References
----------
Multi-crop: Caron et al. 2020, arXiv:2006.09882; facebookresearch/dino main_dino.py
(Apache-2.0). Changed for histology: quarter turns, a random gain of optical density
(after Tellez et al. 2018, doi:10.1109/TMI.2018.2820199) in place of colour jitter, no
solarisation. The stain varies about as much as between slides: with a third of it the
features stay as stain-bound as random ones.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_histossl.training.recipe import DinoRecipe

_DARKEST = 0.02
"""Least transmission whose optical density is taken, in [0, 1]."""

_LEAST_GAIN = 0.4
_ASPECT = 0.2
"""Largest natural logarithm of a crop's aspect ratio, by half."""


def random_crops(
    images: Tensor,
    crop_px: int,
    area: tuple[float, float],
    recipe: DinoRecipe,
    generator: torch.Generator,
) -> Tensor:
    """Cut one random view of each picture.

    Parameters
    ----------
    images : Tensor of shape (B, 3, H, W)
        RGB in [0, 1].
    crop_px : int
        Edge of the views in pixels.
    area : tuple of float
        Least and largest share of the picture that a view takes.
    recipe : DinoRecipe
        Strength of the other variation.
    generator : torch.Generator
        Source of all randomness.

    Returns
    -------
    Tensor of shape (B, 3, crop_px, crop_px)
        RGB in [0, 1].
    """
    grid = F.affine_grid(
        _random_boxes(len(images), area, generator),
        [len(images), 3, crop_px, crop_px],
        align_corners=False,
    )
    views = F.grid_sample(images, grid, padding_mode="reflection", align_corners=False)
    views = _vary_stain(views, recipe, generator)
    return _soften(views, recipe, generator)


def _random_boxes(
    count: int, area: tuple[float, float], generator: torch.Generator
) -> Tensor:
    """Return affine maps (B, 2, 3) from a view to its box, flipped and turned."""
    side = _uniform(count, *area, generator).sqrt()
    aspect = _uniform(count, -_ASPECT, _ASPECT, generator).exp()
    height, width = (side * aspect).clamp(max=1), (side / aspect).clamp(max=1)
    down = (1 - height) * _uniform(count, -1, 1, generator)
    right = (1 - width) * _uniform(count, -1, 1, generator)
    height = height * _signs(count, generator)
    width = width * _signs(count, generator)
    turned = _uniform(count, 0, 1, generator) < 0.5
    zero = torch.zeros(count)
    along_x = torch.stack(
        [torch.where(turned, zero, width), torch.where(turned, width, zero), right], 1
    )
    along_y = torch.stack(
        [torch.where(turned, height, zero), torch.where(turned, zero, height), down], 1
    )
    return torch.stack([along_x, along_y], 1)


def _vary_stain(
    views: Tensor, recipe: DinoRecipe, generator: torch.Generator
) -> Tensor:
    """Multiply and shift the optical density, for each view and channel."""
    count = len(views)
    density = -torch.log(views.clamp(min=_DARKEST))
    channels = torch.randn(count, 3, 1, 1, generator=generator)
    common = torch.randn(count, 1, 1, 1, generator=generator)
    gain = 1 + recipe.stain_deviation * (channels + common)
    offset = recipe.offset_deviation * torch.randn(count, 3, 1, 1, generator=generator)
    varied = torch.exp(offset - density * gain.clamp(min=_LEAST_GAIN))
    return varied.clamp(0, 1)


def _soften(views: Tensor, recipe: DinoRecipe, generator: torch.Generator) -> Tensor:
    """Make some views grey and blur some."""
    shape = (len(views), 1, 1, 1)
    grey = torch.rand(shape, generator=generator) < recipe.grey
    views = torch.where(grey, views.mean(1, keepdim=True), views)
    blurred = F.avg_pool2d(views, 3, 1, 1, count_include_pad=False)
    blur = torch.rand(shape, generator=generator) < recipe.blur
    return torch.where(blur, blurred, views)


def _uniform(count: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    return torch.empty(count).uniform_(low, high, generator=generator)


def _signs(count: int, generator: torch.Generator) -> Tensor:
    return torch.where(_uniform(count, 0, 1, generator) < 0.5, 1.0, -1.0)
