"""ResNet38d: a wide, shallow residual network that keeps its maps large.

References
----------
* Wu et al. 2019, "Wider or Deeper: Revisiting the ResNet Model for Visual Recognition",
  arXiv:1611.10080: model A1. Ahn & Kwak 2018, arXiv:1803.10464, dilated it.
* Han et al. 2022, "Multi-layer pseudo-supervision for histopathology tissue semantic
  segmentation using patch-level classification labels", Medical Image Analysis,
  arXiv:2110.08048; ChuHan89/WSSS-Tissue network/resnet38d.py, resnet38_cls.py @f0069720
  (no licence: written anew from names, shapes and formulas).

Changed: any width, for processors without a GPU; a choice between batch norms that
learn and the frozen ones of a start from ImageNet; ``bn7`` includes the ReLU that
follows it, as the published Grad-CAM takes it.
"""

from __future__ import annotations

from typing import Literal, Self

import torch
from torch import Tensor, nn

from napari_histossl.errors import ModelError
from napari_histossl.models._images import check_images
from napari_histossl.models._resnet38_blocks import (
    Block,
    Bottleneck,
    NormReLU,
    convolution,
)
from napari_histossl.models.dropout_attention import (
    PUBLISHED_DIVISOR,
    dropout_attention,
)

Start = Literal["scratch", "imagenet"]

_STEM = 64
"""Channels of the first convolution at full width."""

_LEAST_PX = 8
"""Smallest edge that three halvings leave a pixel of."""

_BLOCKS = (
    ("b2", 2, 128, 128, 2, (1, 1)),
    ("b3", 2, 256, 256, 2, (1, 1)),
    ("b4", 5, 512, 512, 2, (1, 1)),
    ("b5", 2, 512, 1024, 1, (1, 2)),
)
"""Plain blocks: name, repeats after it, channels inside and out at full width, stride,
dilations; the repeats have the second dilation throughout."""

_BOTTLENECKS = (("b6", 2048, 0.3), ("b7", 4096, 0.5))
"""Name, channels at full width, share of channels that is dropped in training."""

_FROZEN = ("conv1a", "b2", "b2_1", "b2_2")
"""Layers that do not learn after a start from ImageNet."""


class ResNet38(nn.Module):
    """Pictures to a logit of each class, each class for itself.

    Parameters
    ----------
    n_classes : int
        Number of classes; a picture may hold any number of them.
    width : float
        Share of the published channels; 1 is the published network of 105 million
        parameters, 0.125 one for two processor cores.

    Raises
    ------
    ModelError
        If the sizes do not make a model.

    Notes
    -----
    It reads RGB in [0, 1], with no mean taken off and no division by a deviation. Maps
    have an eighth of the picture's edges. The weights are drawn for a start from
    scratch, see `start_as`.
    """

    left_out = ("linear1000.",)
    """ImageNet's classifier, where a converted file of MXNet still has it."""

    head = ("fc8",)
    """Layers that a start from ImageNet does not have."""

    class_layer = "fc8"
    """The layer whose shape depends on the number of classes."""

    def __init__(self, *, n_classes: int = 4, width: float = 1.0) -> None:
        super().__init__()
        if n_classes < 1 or width * _STEM < 1:
            raise ModelError(
                f"the classifier has at least one class and one channel (a width of "
                f"{1 / _STEM}); got n_classes={n_classes}, width={width}"
            )
        self._trunk = ["conv1a"]
        self.conv1a = convolution(3, _scaled(_STEM, width), 3)
        self.embed_dim = self._add_bottlenecks(self._add_blocks(width), width)
        self._trunk.append("bn7")
        self.bn7 = NormReLU(self.embed_dim)
        self.dropout7 = nn.Dropout2d(0.5)
        self.fc8 = nn.Conv2d(self.embed_dim, n_classes, 1, bias=False)
        self._norms_learn = True
        self.initialise()

    def _add_blocks(self, width: float) -> int:
        """Add the plain blocks; return the channels they end with."""
        channels = self.conv1a.out_channels
        for name, repeats, inside, outside, stride, (first, second) in _BLOCKS:
            middle, out = _scaled(inside, width), _scaled(outside, width)
            self._add(name, Block(channels, middle, out, stride, (first, second)))
            for again in range(1, repeats + 1):
                block = Block(out, middle, out, 1, (second, second))
                self._add(f"{name}_{again}", block)
            channels = out
        return channels

    def _add_bottlenecks(self, channels: int, width: float) -> int:
        """Add the bottlenecks; return the channels they end with."""
        for name, published, dropout in _BOTTLENECKS:
            out = 4 * _scaled(published // 4, width)
            self._add(name, Bottleneck(channels, out, dropout))
            channels = out
        return channels

    def _add(self, name: str, layer: nn.Module) -> None:
        self.add_module(name, layer)
        self._trunk.append(name)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits, (B, classes), of pictures (B, 3, H, W) in [0, 1].

        Raises
        ------
        ModelError
            If the pictures are not (B, 3, H, W) or too small.
        """
        return self.logits_of(self.features(images))

    def features(self, images: Tensor) -> Tensor:
        """Return the last map, (B, C, H / 8, W / 8), at least 0.

        Raises
        ------
        ModelError
            If the pictures are not (B, 3, H, W) or too small.
        """
        check_images(images, _LEAST_PX)
        # pictures turned from (B, H, W, 3) keep that order in memory, in which the CPU
        # build of torch 2.13 writes beyond its memory in the backward pass of a 1 x 1
        # convolution with a stride from 8 channels or fewer; to be removed when it no
        # longer does
        maps = images.contiguous()
        for name in self._trunk:
            maps = self.get_submodule(name)(maps)
        return maps

    @property
    def class_weights(self) -> Tensor:
        """Weights of the averaged channels for each class, (classes, C)."""
        return self.fc8.weight[:, :, 0, 0]

    def logits_of(self, features: Tensor) -> Tensor:
        """Return the logits, (B, classes), of maps (B, C, h, w) from `features`."""
        averaged = self.dropout7(features).mean((2, 3), keepdim=True)
        logits: Tensor = self.fc8(averaged).flatten(1)
        return logits

    def dropout_attention(
        self,
        features: Tensor,
        mu: float,
        *,
        divisor: float | None = PUBLISHED_DIVISOR,
    ) -> Tensor:
        """Return what the features are multiplied by, (B, 1, h, w), at least 0.

        Parameters
        ----------
        features : Tensor of shape (B, C, h, w)
            From `features`.
        mu : float
            From 0 to 1: what of a class activation is above this share of its maximum
            is dropped.
        divisor : float, optional
            Of the sum over classes; None is the number of classes.

        Returns
        -------
        Tensor of shape (B, 1, h, w)
            See `napari_histossl.models.dropout_attention.dropout_attention`.

        Raises
        ------
        ModelError
            If `mu` is not from 0 to 1 or the divisor not above 0.
        """
        return dropout_attention(features, self.class_weights, mu, divisor=divisor)

    def dropout_attention_logits(
        self,
        images: Tensor,
        mu: float,
        *,
        divisor: float | None = PUBLISHED_DIVISOR,
    ) -> Tensor:
        """Return the logits, (B, classes), of features after dropout attention.

        Parameters
        ----------
        images : Tensor of shape (B, 3, H, W)
            RGB in [0, 1].
        mu : float
            From 0 to 1, see `dropout_attention`.
        divisor : float, optional
            Of the sum over classes: 4 as published; None is the number of classes.

        Returns
        -------
        Tensor of shape (B, classes)
            Not the plain logits even at ``mu=1``.

        Raises
        ------
        ModelError
            If the pictures, `mu` or the divisor cannot be.
        """
        features = self.features(images)
        attention = self.dropout_attention(features, mu, divisor=divisor)
        return self.logits_of(features * attention)

    def start_as(self, start: Start) -> Self:
        """Say what learns, before a training.

        Parameters
        ----------
        start : {"scratch", "imagenet"}
            From drawn weights everything learns, batch norms included. From weights of
            ImageNet, as published, the first four layers and all batch norms stay as
            they are, in training too.

        Returns
        -------
        ResNet38
            Itself.
        """
        self._norms_learn = start == "scratch"
        for name, module in self.named_modules():
            learns = self._norms_learn or not isinstance(module, nn.BatchNorm2d)
            learns &= self._norms_learn or name.split(".")[0] not in _FROZEN
            for parameter in module.parameters(recurse=False):
                parameter.requires_grad_(learns)
        return self.train(self.training)

    def train(self, mode: bool = True) -> Self:
        """Set training mode; batch norms that do not learn stay in evaluation mode."""
        super().train(mode)
        if not self._norms_learn:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    @torch.no_grad()
    def initialise(self) -> None:
        """Draw He's initial weights, Glorot's for the classifier."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        nn.init.xavier_uniform_(self.fc8.weight)


def _scaled(channels: int, width: float) -> int:
    return max(1, round(channels * width))
