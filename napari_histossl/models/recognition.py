"""Which architecture a file of weights is for, told from names and shapes alone."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from napari_histossl.errors import WeightsError
from napari_histossl.models._layout import network_in
from napari_histossl.models.registry import ModelSpec, spec_with

Shapes = Mapping[str, tuple[int, ...]]

_HEAD_DIM = 64
"""DINO's and timm's convention: 64 numbers a head, at any width."""

_REGION_HEAD_DIM = 32
"""HIPT's region model: 6 heads of a width of 192."""

_PROBES = (
    ("patch_embed.proj.weight", "cls_token", "pos_embed", "blocks.0.attn.qkv.weight"),
    ("phi.0.weight", "cls_token", "pos_embed", "blocks.0.attn.qkv.weight"),
    ("conv1.weight", "bn1.weight", "layer1.0.conv1.weight", "layer1.1.conv2.weight"),
    ("conv1a.weight", "b3.bn_branch2a.weight", "b7.conv_branch2b2.weight"),
    ("backbone.conv1.weight", "aspp.aspp1.bn.weight", "decoder.last_conv.8.weight"),
)
"""Keys that a patch ViT, a region ViT, a residual network, ResNet38d, DeepLabV3+ cannot
be without."""

_FULL_WIDTH = 4096
"""Channels of the last map of ResNet38d as published."""

_RESNETS = {
    18: ((2, 2, 2, 2), False),
    34: ((3, 4, 6, 3), False),
    50: ((3, 4, 6, 3), True),
    101: ((3, 4, 23, 3), True),
}
"""Blocks of each stage, and whether they are bottlenecks, by depth."""


def recognise(shapes: Shapes, num_heads: int | None = None) -> ModelSpec:
    """Return the model that tensors of these names and shapes are for.

    Parameters
    ----------
    shapes : mapping of str to tuple of int
        A state dict as it is in a file, prefixes and other networks included.
    num_heads : int, optional
        Heads of a transformer, where the convention does not hold.

    Returns
    -------
    ModelSpec
        A preset where its options are the same, with its scale and normalisation;
        else the architecture with these options, and no scale.

    Raises
    ------
    WeightsError
        If no registered architecture has such tensors, or a number that is needed
        cannot be told; the sentence says which.

    Notes
    -----
    The number of heads is no shape: it follows from DINO's convention of 64 numbers a
    head. Nor is the epsilon of the norms, which is DINO's 1e-6.
    """
    patch, region, network, classifier, segmenter = (
        network_in(shapes, probes) for probes in _PROBES
    )
    if _has(patch, 0):
        return _patch_spec(patch, num_heads)
    if _has(region, 1):
        return _region_spec(region, num_heads)
    if _has(classifier, 3):
        return _resnet38_spec(classifier)
    if _has(segmenter, 4):  # before its backbone, which is a residual network
        return _deeplab_spec(segmenter)
    if _has(network, 2):
        return _resnet_spec(network)
    some = ", ".join(list(shapes)[:4])
    raise WeightsError(
        f"its tensors ({some}, ...) are of no architecture that is known here: a "
        f"vision transformer of DINO or timm, HIPT's region model, a residual "
        f"network, ResNet38d, or DeepLabV3+"
    )


def _has(shapes: Shapes, kind: int) -> bool:
    return all(key in shapes for key in _PROBES[kind])


def _patch_spec(shapes: Shapes, num_heads: int | None) -> ModelSpec:
    dim, channels, patch_px, width_px = _axes(shapes, "patch_embed.proj.weight", 4)
    if channels != 3 or patch_px != width_px:
        raise WeightsError(
            f"its patches have {channels} channels and {patch_px} x {width_px} px; "
            f"expected square patches of 3 channels"
        )
    config = {
        "img_size": _grid(shapes) * patch_px,
        "patch_size": patch_px,
        "embed_dim": dim,
    }
    blocks = _blocks(shapes, num_heads or _heads(dim, _HEAD_DIM))
    return spec_with("vit", {**config, **blocks})


def _region_spec(shapes: Shapes, num_heads: int | None) -> ModelSpec:
    dim, input_dim = _axes(shapes, "phi.0.weight", 2)
    config = {
        "img_size": 16 * _grid(shapes),
        "input_embed_dim": input_dim,
        "output_embed_dim": dim,
    }
    blocks = _blocks(shapes, num_heads or _heads(dim, _REGION_HEAD_DIM))
    return spec_with("hipt_region_vit", {**config, **blocks})


def _resnet_spec(shapes: Shapes) -> ModelSpec:
    stages = _count(shapes, r"layer(\d+)\.0\.conv1\.weight") - 1
    counts = tuple(
        _count(shapes, rf"layer{stage}\.(\d+)\.conv1\.weight")
        for stage in range(1, stages + 1)
    )
    is_bottleneck = "layer1.0.conv3.weight" in shapes
    for depth, (blocks, bottleneck) in _RESNETS.items():
        if counts == blocks[:stages] and is_bottleneck == bottleneck:
            width = _axes(shapes, "conv1.weight", 4)[0]
            return spec_with(
                "resnet", {"depth": depth, "stages": stages, "width": width}
            )
    raise WeightsError(
        f"it is a residual network with {', '.join(map(str, counts))} "
        f"{'bottlenecks' if is_bottleneck else 'basic blocks'} a stage; known are "
        f"ResNet-{', -'.join(map(str, _RESNETS))}"
    )


def _resnet38_spec(shapes: Shapes) -> ModelSpec:
    if "fc8.weight" not in shapes:
        raise WeightsError(
            "it is a ResNet38d without a classifier of tissue (fc8.weight), as "
            "converted from ImageNet: a training can start from it, but it cannot be "
            "run"
        )
    n_classes, channels, _, _ = _axes(shapes, "fc8.weight", 4)
    config = {"n_classes": n_classes, "width": channels / _FULL_WIDTH}
    return spec_with("resnet38", config)


def _deeplab_spec(shapes: Shapes) -> ModelSpec:
    is_large = "backbone.layer4.0.conv1.weight" in shapes
    config = {
        "n_classes": _axes(shapes, "decoder.last_conv.8.weight", 4)[0],
        "backbone": "resnet101" if is_large else "small",
    }
    return spec_with("deeplabv3plus", config)


def _heads(dim: int, head_dim: int) -> int:
    if dim % head_dim:
        raise WeightsError(
            f"its tokens have a length of {dim}, no multiple of {head_dim}, so the "
            f"number of heads cannot be told; say it as well"
        )
    return dim // head_dim


def _blocks(shapes: Shapes, num_heads: int) -> dict[str, Any]:
    """Return the options that all blocks share."""
    return {
        "depth": _count(shapes, r"blocks\.(\d+)\.attn\.qkv\.weight"),
        "num_heads": num_heads,
        "qkv_bias": "blocks.0.attn.qkv.bias" in shapes,
        "norm_eps": 1e-6,
    }


def _grid(shapes: Shapes) -> int:
    """Return the edge of the grid of the position embedding."""
    count = _axes(shapes, "pos_embed", 3)[1] - 1
    edge = math.isqrt(max(count, 0))
    if edge < 1 or edge * edge != count:
        raise WeightsError(
            f"its position embedding is for {count} tokens and a class token; expected "
            f"a square number of them: registers and oblong grids are not known here"
        )
    return edge


def _count(shapes: Shapes, pattern: str) -> int:
    """Return one more than the largest number that a pattern finds in the keys."""
    matches = (re.fullmatch(pattern, key) for key in shapes)
    return max((1 + int(match[1]) for match in matches if match), default=0)


def _axes(shapes: Shapes, key: str, count: int) -> tuple[int, ...]:
    if len(shapes[key]) != count:
        raise WeightsError(f"its {key} has shape {shapes[key]}; expected {count} axes")
    return shapes[key]
