"""Backbones of DeepLabV3+: an early and a late map of a picture.

References
----------
Chen et al. 2017, "Rethinking Atrous Convolution for Semantic Image Segmentation",
arXiv:1706.05587: no stride but dilation in the last stage, and a multi-grid of 1, 2, 4;
jfzhang95/pytorch-deeplab-xception modeling/backbone/resnet.py (MIT): names.

Changed: the small backbone is ours, a ResNet-18 of half its width without the last
stage, which has the output stride of 16 by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari_histossl.models.resnet import ResNet

_MULTI_GRID = (1, 2, 4)
"""What the dilation of each block of the last stage is multiplied by."""

_LAST_DILATION = 2
"""Of the last stage, in the place of a stride of 2."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Channels between backbone, pyramid and decoder.

    Attributes
    ----------
    low, high : int
        Of the backbone's first and last map.
    width : int
        Of the pyramid's branches and the decoder.
    narrowed : int
        What the first map is reduced to, so that the last one prevails.
    """

    low: int
    high: int
    width: int
    narrowed: int


class DilatedResNet(ResNet):
    """A residual network whose last stage dilates instead of halving the map."""

    def __init__(self, *, depth: int = 101) -> None:
        super().__init__(depth=depth)
        blocks: list[Any] = list(self.get_submodule("layer4").children())
        for block, grid in zip(blocks, _MULTI_GRID, strict=True):
            dilation = grid * _LAST_DILATION
            block.conv2.dilation = block.conv2.padding = (dilation, dilation)
        for convolution in (blocks[0].conv2, blocks[0].downsample[0]):
            convolution.stride = (1, 1)


def small_backbone() -> ResNet:
    """Return a ResNet-18 of half its width and three stages."""
    return ResNet(depth=18, stages=3, width=32)


BACKBONES: dict[str, tuple[Callable[[], ResNet], Sizes]] = {
    "resnet101": (DilatedResNet, Sizes(256, 2048, 256, 48)),
    "small": (small_backbone, Sizes(32, 128, 64, 24)),
}
"""How each is built, and the channels around it."""
