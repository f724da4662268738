"""Patches to tensors: turned together with their masks, varied in stain and colour.

References
----------
Flips and blur as in Han et al. 2022, arXiv:2110.08048. Changed: quarter turns and the
random stain of `variation`, and JPEG, where a recipe asks for them.
"""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from napari_histossl.models.registry import ModelSpec
from napari_histossl.training.colour import Draw, vary
from napari_histossl.training.compression import compressed
from napari_histossl.training.patch_recipe import Flips, PatchRecipe
from napari_histossl.training.views import ViewMaker, standardised


def patch_views(
    recipe: PatchRecipe, spec: ModelSpec, device: torch.device
) -> ViewMaker:
    """Return what prepares batches (B, H, W, 3 + masks) of dtype uint8.

    It gives the pictures, (B, 3, H, W) as the model reads them, and the masks,
    (B, masks, H, W) of dtype int64.
    """

    def make(batch: NDArray[Any], generator: torch.Generator) -> list[Tensor]:
        batch = compressed(batch, recipe.jpeg, generator)
        items = torch.from_numpy(batch).to(device).permute(0, 3, 1, 2).contiguous()
        draw = Draw(len(items), generator, device)
        items = turned(items, recipe.flips, draw)
        images = vary(items[:, :3].float() / 255, recipe.variation, draw)
        return [standardised(images, spec), items[:, 3:].long()]

    return make


def turned(items: Tensor, flips: Flips, draw: Draw) -> Tensor:
    """Mirror and turn items (B, C, H, W), each at random; nothing is interpolated.

    Quarter turns are left out where items are not square.
    """
    items = torch.where(draw.happens(0.5), items.flip(3), items)
    if flips == "sideways":
        return items
    items = torch.where(draw.happens(0.5), items.flip(2), items)
    if flips == "both" or items.shape[2] != items.shape[3]:
        return items
    return torch.where(draw.happens(0.5), items.transpose(2, 3), items)
