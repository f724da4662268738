"""What a training on patches starts from: a network, its scale and normalisation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from torch import nn

from napari_histossl.models.registry import ModelSpec, build
from napari_histossl.models.weights import load_weights
from napari_histossl.training.patch_items import PatchItems
from napari_histossl.training.patch_recipe import PatchRecipe
from napari_histossl.training.patch_sets import PatchSet
from napari_histossl.training.trainer import seeded, with_normalisation

_AS_IT_IS = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
"""Mean and deviation that leave RGB in [0, 1] as it is."""


def patch_spec(
    base: ModelSpec,
    patches: PatchSet,
    items: PatchItems,
    recipe: PatchRecipe,
) -> ModelSpec:
    """Return a model with the scale, size and normalisation of patches.

    Parameters
    ----------
    base : ModelSpec
        The model.
    patches : PatchSet
        The patches.
    items : PatchItems
        The same, of which mean and deviation are taken where the recipe says so.
    recipe : PatchRecipe
        How they are normalised.
    """
    edge = min(items.shape[1:3])
    base = replace(base, classes=patches.classes, recipe=recipe.variant)
    if recipe.normalise == "none":
        mean, std = _AS_IT_IS
        return replace(base, tile_px=edge, mpp=patches.mpp, mean=mean, std=std)
    pictures = PatchItems(patches)
    normal = with_normalisation(base, pictures, "pictures", tile_px=edge, mpp=1.0)
    return replace(normal, mpp=patches.mpp)


def started(
    spec: ModelSpec, seed: int, start: str | Path | None, fresh: Sequence[str]
) -> nn.Module:
    """Return a network with drawn weights, or with given ones.

    Parameters
    ----------
    spec : ModelSpec
        The network.
    seed : int
        Decides what is drawn.
    start : str, Path or None
        File of weights; None draws all.
    fresh : sequence of str
        Beginnings of names that are drawn in any case.

    Raises
    ------
    WeightsError
        If the file cannot be used.
    """
    network: nn.Module = seeded(lambda: build(spec), seed)
    if start is not None:
        load_weights(network, start, name=spec.name, fresh=tuple(fresh))
    return network
