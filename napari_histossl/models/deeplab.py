"""DeepLabV3+: maps at several dilations, sharpened by an early map.

References
----------
* Chen et al. 2018, "Encoder-Decoder with Atrous Separable Convolution for Semantic
  Image Segmentation", arXiv:1802.02611; jfzhang95/pytorch-deeplab-xception (MIT): names
  of the state dict, plain convolutions instead of separable ones, corners aligned.
* Han et al. 2022, arXiv:2110.08048; ChuHan89/WSSS-Tissue network/ @f0069720 (no
  licence: written anew from names, shapes and formulas).

Changed: a small backbone with narrow heads, for processors without a GPU.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from napari_histossl.errors import ModelError
from napari_histossl.models.deeplab_backbones import BACKBONES, Sizes

_DILATIONS = (1, 6, 12, 18)
"""Of the branches, at an output stride of 16; the first is a 1 x 1 convolution."""


class AtrousBranch(nn.Module):
    """A dilated convolution, norm and ReLU."""

    def __init__(self, channels: int, out: int, dilation: int) -> None:
        super().__init__()
        edge = 1 if dilation == 1 else 3
        self.atrous_conv = _convolution(channels, out, edge, dilation)
        self.bn = nn.BatchNorm2d(out)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (B, out, h, w) from (B, C, h, w)."""
        found: Tensor = self.bn(self.atrous_conv(maps))
        return found.relu_()


class AtrousPyramid(nn.Module):
    """The same map at four dilations, and its mean, side by side."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        for number, dilation in enumerate(_DILATIONS, start=1):
            self.add_module(f"aspp{number}", AtrousBranch(channels, out, dilation))
        self.global_avg_pool = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            _convolution(channels, out, 1),
            nn.BatchNorm2d(out),
            nn.ReLU(),
        )
        self.conv1 = _convolution((len(_DILATIONS) + 1) * out, out, 1)
        self.bn1 = nn.BatchNorm2d(out)
        self.dropout = nn.Dropout(0.5)

    def forward(self, maps: Tensor) -> Tensor:
        """Return (B, out, h, w) from (B, C, h, w)."""
        branches = [self.get_submodule(f"aspp{n}")(maps) for n in (1, 2, 3, 4)]
        mean = _resized(self.global_avg_pool(maps), branches[0])
        joined = self.bn1(self.conv1(torch.cat([*branches, mean], 1)))
        out: Tensor = self.dropout(joined.relu_())
        return out


class Decoder(nn.Module):
    """The coarse map and an early, sharp one, to a logit of each class."""

    def __init__(self, sizes: Sizes, n_classes: int) -> None:
        super().__init__()
        width = sizes.width
        self.conv1 = _convolution(sizes.low, sizes.narrowed, 1)
        self.bn1 = nn.BatchNorm2d(sizes.narrowed)
        self.last_conv = nn.Sequential(
            _convolution(width + sizes.narrowed, width, 3),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Dropout(0.5),
            _convolution(width, width, 3),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Dropout(0.1),
            nn.Conv2d(width, n_classes, 1),
        )

    def forward(self, coarse: Tensor, early: Tensor) -> Tensor:
        """Return (B, classes, h, w) from (B, C, h / 4, w / 4) and (B, C', h, w)."""
        sharp = self.bn1(self.conv1(early)).relu_()
        logits: Tensor = self.last_conv(torch.cat([_resized(coarse, sharp), sharp], 1))
        return logits


class DeepLab(nn.Module):
    """Pictures to a logit of each class at each pixel.

    Parameters
    ----------
    n_classes : int
        Number of classes.
    backbone : {"resnet101", "small"}
        The published one of 59 million parameters, or one of 1 million.

    Raises
    ------
    ModelError
        If there is no such backbone or no class.

    Notes
    -----
    It reads RGB in [0, 1], with no mean taken off and no division by a deviation. In
    training a batch has at least two pictures: the norm of the mean needs them.
    """

    head = ("aspp", "decoder")
    """Layers that a start from ImageNet does not have."""

    class_layer = "decoder.last_conv.8"
    """The layer whose shape depends on the number of classes."""

    def __init__(self, *, n_classes: int = 4, backbone: str = "resnet101") -> None:
        super().__init__()
        if backbone not in BACKBONES or n_classes < 1:
            raise ModelError(
                f"the segmenter has at least one class and one of the backbones "
                f"{', '.join(BACKBONES)}; got n_classes={n_classes}, "
                f"backbone={backbone!r}"
            )
        build, sizes = BACKBONES[backbone]
        self.backbone = build()
        self.aspp = AtrousPyramid(sizes.high, sizes.width)
        self.decoder = Decoder(sizes, n_classes)
        self.initialise()

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (B, classes, H, W), of pictures (B, 3, H, W) in [0, 1].

        Raises
        ------
        ModelError
            If the pictures are not (B, 3, H, W) or too small.
        """
        maps = self.backbone.stage_maps(images)
        logits = self.decoder(self.aspp(maps[-1]), maps[0])
        return _resized(logits, images)

    def initialise(self) -> None:
        """Draw He's initial weights for the heads; the backbone has its own."""
        for module in (*self.aspp.modules(), *self.decoder.modules()):
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)


def _convolution(inputs: int, outputs: int, edge: int, dilation: int = 1) -> nn.Conv2d:
    padding = dilation * (edge // 2)
    return nn.Conv2d(inputs, outputs, edge, 1, padding, dilation, bias=False)


def _resized(maps: Tensor, like: Tensor) -> Tensor:
    """Return maps at the size of others; corners aligned, as published."""
    size = like.shape[2:]
    return F.interpolate(maps, size, mode="bilinear", align_corners=True)
