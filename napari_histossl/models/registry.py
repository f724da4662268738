"""Which models there are, by name, without importing torch.

A name is either an architecture, whose every option can be given, or a preset: an
architecture with the options, scale and normalisation of published weights.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari_histossl.errors import ModelError
from napari_histossl.models._spec import (
    HALF,
    IMAGENET_MEAN,
    IMAGENET_STD,
    UNCHANGED_MEAN,
    UNCHANGED_STD,
    ModelSpec,
    Task,
)

if TYPE_CHECKING:
    from torch import nn

__all__ = [
    "HALF",
    "IMAGENET_MEAN",
    "IMAGENET_STD",
    "UNCHANGED_MEAN",
    "UNCHANGED_STD",
    "ModelSpec",
    "Task",
    "build",
    "create_model",
    "list_models",
    "model_spec",
    "spec_with",
]

_VIT = "vit:VisionTransformer"
_REGION = "region_vit:RegionViT"
_RESNET = "resnet:ResNet"
_RESNET38 = "resnet38:ResNet38"
_DEEPLAB = "deeplab:DeepLab"


def _vit_config(
    img_size: int, patch_size: int, embed_dim: int, depth: int, num_heads: int
) -> dict[str, Any]:
    return {
        "img_size": img_size,
        "patch_size": patch_size,
        "embed_dim": embed_dim,
        "depth": depth,
        "num_heads": num_heads,
        "qkv_bias": True,
        "norm_eps": 1e-6,
    }


_REGION_CONFIG = {
    "img_size": 224,
    "input_embed_dim": 384,
    "output_embed_dim": 192,
    "depth": 6,
    "num_heads": 6,
    "qkv_bias": True,
    "norm_eps": 1e-6,
}

_RESNET_50 = ModelSpec(
    "resnet",
    "residual network of any depth, with torchvision's state-dict names",
    _RESNET,
    {"depth": 50, "stages": 4, "width": 64},
    token_px=256,
    has_attention=False,
)

_SPECS = (
    ModelSpec(
        "vit",
        "Vision Transformer of any size, with DINO's state-dict names",
        _VIT,
        _vit_config(224, 16, 384, 12, 6),
    ),
    ModelSpec(
        "vit_small_patch16",
        "ViT-S/16 as in HIPT's patch model and DINO; 256 px tiles at 0.5 um/px",
        _VIT,
        _vit_config(224, 16, 384, 12, 6),
        mpp=0.5,
    ),
    ModelSpec(
        "vit_sample_patch8",
        "small ViT of the sample weights, trained on drawn tissue; 128 px tiles",
        _VIT,
        _vit_config(128, 8, 128, 4, 8),
        token_px=8,
        tile_px=128,
        mpp=0.5,
    ),
    ModelSpec(
        "hipt_region_vit",
        "HIPT's region ViT of any size, over a grid of patch features",
        _REGION,
        _REGION_CONFIG,
        token_px=1,
        tile_px=16,
        reads_pixels=False,
    ),
    ModelSpec(
        "hipt_vit4k_xs",
        "HIPT's published region ViT over 16 x 16 features of 384",
        _REGION,
        _REGION_CONFIG,
        token_px=1,
        tile_px=16,
        mpp=0.5,
        reads_pixels=False,
    ),
    _RESNET_50,
    replace(
        _RESNET_50,
        name="resnet18_simclr",
        title="ResNet-18 as trained with SimCLR by Ciga et al. on mixed magnifications",
        config={"depth": 18, "stages": 4, "width": 64},
        token_px=224,
        tile_px=224,
        mpp=0.5,
    ),
    replace(
        _RESNET_50,
        name="resnet50_simclr",
        title="ResNet-50 as trained with SimCLR on TCGA-BRCA; 256 px at 0.5 um/px",
        mpp=0.5,
    ),
    replace(
        _RESNET_50,
        name="resnet50_trunc",
        title="ImageNet's ResNet-50 up to its third stage, 1024 features: the baseline",
        config={"depth": 50, "stages": 3, "width": 64},
        mpp=0.5,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    ),
    ModelSpec(
        "resnet38",
        "ResNet38d of any width: classes of a picture, trained on labels of pictures",
        _RESNET38,
        {"n_classes": 4, "width": 1.0},
        token_px=8,
        tile_px=224,
        mean=UNCHANGED_MEAN,
        std=UNCHANGED_STD,
        has_attention=False,
        task="classifier",
    ),
    ModelSpec(
        "deeplabv3plus",
        "DeepLabV3+ on ResNet-101 or a small backbone: the class of each pixel",
        _DEEPLAB,
        {"n_classes": 4, "backbone": "resnet101"},
        token_px=16,
        tile_px=224,
        mean=UNCHANGED_MEAN,
        std=UNCHANGED_STD,
        has_attention=False,
        task="segmenter",
    ),
)


def list_models() -> list[str]:
    """Return the registered names, in the order in which they are shown.

    Examples
    --------
    >>> "vit_small_patch16" in list_models()
    True
    """
    return [spec.name for spec in _SPECS]


def model_spec(name: str, **config: Any) -> ModelSpec:
    """Return what is known about a model.

    Parameters
    ----------
    name : str
        One of `list_models`.
    **config
        Options that replace those of the name, such as ``num_heads=4``.

    Returns
    -------
    ModelSpec
        With a patch size in `config`, `token_px` follows it.

    Raises
    ------
    ModelError
        If the name is unknown or the architecture has no such option.
    """
    found = next((spec for spec in _SPECS if spec.name == name), None)
    if found is None:
        raise ModelError(
            f"there is no model {name!r}; choose one of {', '.join(list_models())}"
        )
    unknown = sorted(set(config) - set(found.config))
    if unknown:
        raise ModelError(
            f"model {name!r} has no option {unknown[0]!r}; its options are "
            f"{', '.join(found.config)}"
        )
    merged = {**found.config, **config}
    token_px = int(merged.get("patch_size", found.token_px))
    return replace(found, config=merged, token_px=token_px)


def spec_with(name: str, config: Mapping[str, Any]) -> ModelSpec:
    """Return the preset of an architecture that has just these options.

    Parameters
    ----------
    name : str
        An architecture, such as ``"vit"``.
    config : mapping
        All of its options.

    Returns
    -------
    ModelSpec
        The first preset with the same options and class; if there is none, the
        architecture with them, and tiles as large as it was made for.
    """
    base = model_spec(name, **config)
    for spec in _SPECS:
        if spec.mpp is not None and (spec.builder, spec.config) == (
            base.builder,
            base.config,
        ):
            return spec
    if base.reads_pixels and base.has_attention:
        return replace(base, tile_px=int(base.config["img_size"]))
    return base


def create_model(name: str, **config: Any) -> nn.Module:
    """Build a model with freshly drawn weights, in training mode.

    Parameters
    ----------
    name : str
        One of `list_models`.
    **config
        Options that replace those of the name.

    Returns
    -------
    torch.nn.Module
        ``model(images)`` gives the feature (B, D): the normalised class token of a
        transformer, the averaged map of a residual network; the logits (B, classes)
        of a classifier, and (B, classes, H, W) of a segmenter. A transformer's
        ``model.attention(images, block=-1)`` gives the weights (B, heads, N, N).

    Raises
    ------
    ModelError
        If the name or an option is unknown, or an option has an impossible value.
    """
    return build(model_spec(name, **config))


def build(spec: ModelSpec) -> nn.Module:
    """Build the model of a spec with freshly drawn weights.

    Raises
    ------
    ModelError
        If an option has an impossible value.
    """
    module_name, class_name = spec.builder.split(":")
    module = importlib.import_module(f"napari_histossl.models.{module_name}")
    model: nn.Module = getattr(module, class_name)(**spec.config)
    return model
