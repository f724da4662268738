"""Blocks of ResNet38d: norm and ReLU come before each convolution.

References
----------
See `resnet38`. A shortcut that changes the shape begins after the first norm and ReLU;
one that does not is the block's input as it is.
"""

from __future__ import annotations

from torch import Tensor, nn


class NormReLU(nn.BatchNorm2d):
    """A batch norm and the ReLU after it, under the names of a batch norm."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, C, H, W) from the same shape, at least 0."""
        return super().forward(inputs).relu_()


class Block(nn.Module):
    """Two 3 x 3 convolutions, each after norm and ReLU, around a shortcut."""

    def __init__(
        self,
        channels: int,
        middle: int,
        out: int,
        stride: int,
        dilations: tuple[int, int],
    ) -> None:
        super().__init__()
        first, second = dilations
        self.bn_branch2a = NormReLU(channels)
        self.conv_branch2a = convolution(channels, middle, 3, stride, first)
        self.bn_branch2b1 = NormReLU(middle)
        self.conv_branch2b1 = convolution(middle, out, 3, 1, second)
        self.conv_branch1: nn.Module | None = None
        if channels != out or stride != 1:
            self.conv_branch1 = convolution(channels, out, 1, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, out, H / stride, W / stride) from (B, C, H, W)."""
        normed = self.bn_branch2a(inputs)
        through = inputs if self.conv_branch1 is None else self.conv_branch1(normed)
        mixed = self.bn_branch2b1(self.conv_branch2a(normed))
        out: Tensor = through + self.conv_branch2b1(mixed)
        return out


class Bottleneck(nn.Module):
    """A dilated 3 x 3 convolution between two 1 x 1; whole channels drop out."""

    def __init__(self, channels: int, out: int, dropout: float) -> None:
        super().__init__()
        narrow, wide = out // 4, out // 2
        self.bn_branch2a = NormReLU(channels)
        self.conv_branch2a = convolution(channels, narrow, 1)
        self.bn_branch2b1 = NormReLU(narrow)
        self.dropout_2b1 = nn.Dropout2d(dropout)
        self.conv_branch2b1 = convolution(narrow, wide, 3, 1, 4)
        self.bn_branch2b2 = NormReLU(wide)
        self.dropout_2b2 = nn.Dropout2d(dropout)
        self.conv_branch2b2 = convolution(wide, out, 1)
        self.conv_branch1 = convolution(channels, out, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, out, H, W) from (B, C, H, W)."""
        normed = self.bn_branch2a(inputs)
        mixed = self.dropout_2b1(self.bn_branch2b1(self.conv_branch2a(normed)))
        mixed = self.dropout_2b2(self.bn_branch2b2(self.conv_branch2b1(mixed)))
        out: Tensor = self.conv_branch1(normed) + self.conv_branch2b2(mixed)
        return out


def convolution(
    inputs: int, outputs: int, edge: int, stride: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """Return a convolution without bias that keeps the size, but for its stride."""
    padding = dilation * (edge // 2)
    return nn.Conv2d(inputs, outputs, edge, stride, padding, dilation, bias=False)
