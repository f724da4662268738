"""Recipes with names: as published, and small ones for two processor cores.

References
----------
``hipt256`` and ``hipt4k``: Chen et al. 2022, HIPT, arXiv:2206.02647, and
mahmoodlab/HIPT 1-Hierarchical-Pretraining; what they do not say is DINO's own default
(facebookresearch/dino main_dino.py). The batch of ``hipt4k`` is not published; 256 is
that of ``hipt256``. ``ciga``: ResNet-18, 1000 epochs, LARS and normalisation by 0.5 of
Ciga et al. 2022, doi:10.1016/j.mlwa.2021.100198; all else of SimCLR, Chen et al. 2020,
arXiv:2002.05709, with its learning rate of 0.3 for each 256 pictures, and quarter
turns. ``vit_path``:
the ResNet-50 trained for 100 epochs of Chen & Krishnan 2022, arXiv:2203.00585, with
the same settings. The small SimCLR recipe varies the stain and leaves other jitter of
colour out: with it, as many steps taught less.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from napari_histossl.errors import PlanError
from napari_histossl.training.recipe import DinoRecipe
from napari_histossl.training.simclr_recipe import SimclrRecipe
from napari_histossl.training.variation import SIMCLR_VIEW, Variation


@dataclass(frozen=True, slots=True)
class Preset:
    """A recipe, and the pictures it is made for.

    Attributes
    ----------
    recipe : DinoRecipe or SimclrRecipe
        All numbers.
    patch_px : int
        Edge of the pictures in pixels, or of the grids in features.
    epochs : int or None
        How often each picture is seen, where that is published; else the recipe's
        steps count.
    """

    recipe: DinoRecipe | SimclrRecipe
    patch_px: int
    epochs: int | None = None

    def steps(self, count: int) -> int:
        """Return the steps for a number of pictures."""
        if self.epochs is None:
            return self.recipe.steps
        return max(1, self.epochs * (count // self.recipe.batch))


_HIPT256 = DinoRecipe(
    steps=400_000,
    batch=256,
    patch_size=16,
    embed_dim=384,
    depth=12,
    num_heads=6,
    position_px=224,
    tile_px=256,
    prototypes=65536,
    hidden=2048,
    bottleneck=256,
    global_px=224,
    local_px=96,
    local_crops=8,
    global_area=(0.4, 1.0),
    local_area=(0.05, 0.4),
    learning_rate=5e-4,
    warm_up=0.1,
    final_rate=2e-3,
    weight_decay=(0.04, 0.4),
    decay_follows="cosine",
    second_moment=0.999,
    teacher_momentum=0.996,
    teacher_temperature=(0.04, 0.04),
    frozen_steps=4000,
    views="dino",
    normalise="half",
    start="normal",
)

_HIPT4K = replace(
    _HIPT256,
    steps=200_000,
    reads="grids",
    patch_size=1,
    embed_dim=192,
    depth=6,
    position_px=14,
    tile_px=16,
    global_px=14,
    local_px=6,
    frozen_steps=2000,
)

_SMALL_GRID = DinoRecipe(
    steps=1000,
    reads="grids",
    patch_size=1,
    embed_dim=48,
    depth=2,
    num_heads=3,
    position_px=14,
    tile_px=16,
    global_px=14,
    local_px=6,
)

_CIGA = SimclrRecipe(
    batch=512,
    model="resnet",
    options={"depth": 18},
    tile_px=224,
    hidden=512,
    projection=128,
    temperature=0.1,
    crop_px=224,
    area=(0.08, 1.0),
    variation=replace(SIMCLR_VIEW, turns=True),
    optimiser="lars",
    learning_rate=0.6,
    warm_up=0.01,
    weight_decay=1e-6,
    normalise="half",
)

_VIT_PATH = replace(
    _CIGA,
    batch=256,
    options={"depth": 50},
    tile_px=256,
    hidden=2048,
    variation=SIMCLR_VIEW,
    learning_rate=0.3,
    warm_up=0.1,
)

_SMALL_SIMCLR = SimclrRecipe(
    model="resnet",
    options={"depth": 18, "width": 24},
    variation=Variation(
        stain_deviation=0.25, offset_deviation=0.05, grey=0.1, blur=0.2
    ),
)

DINO_PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "small": Preset(DinoRecipe(), 160),
        "hipt256": Preset(_HIPT256, 256),
        "small-grid": Preset(_SMALL_GRID, 16),
        "hipt4k": Preset(_HIPT4K, 16),
    }
)
"""By name; those of DINO on grids read features, not pictures."""

SIMCLR_PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "small": Preset(_SMALL_SIMCLR, 160),
        "ciga": Preset(_CIGA, 256, epochs=1000),
        "vit_path": Preset(_VIT_PATH, 256, epochs=100),
    }
)
"""By name."""


def choose(presets: Mapping[str, Preset], name: str) -> Preset:
    """Return the preset of a name.

    Raises
    ------
    PlanError
        If there is none.
    """
    found: Any = presets.get(name)
    if found is None:
        raise PlanError(
            f"there is no recipe {name!r}; choose one of {', '.join(presets)}"
        )
    preset: Preset = found
    return preset
