"""Residual networks as they are trained with SimCLR, and cut short as a baseline.

References
----------
* He et al. 2016, "Deep Residual Learning for Image Recognition", arXiv:1512.03385;
  pytorch/vision torchvision/models/resnet.py (BSD-3-Clause): names of the state dict,
  and the stride in the 3 x 3 convolution of a bottleneck rather than in the first.
* Ciga et al. 2022, "Self supervised contrastive learning for digital histopathology",
  arXiv:2011.13971: ResNet-18. Lu et al. 2021, CLAM, arXiv:2004.09666: ResNet-50 cut
  after its third stage, whose 1024 features are the papers' baseline.

Written anew from the paper and those names. Changed: no classifier, the averaged
features are the output; the width can be chosen, for small models.
"""

from __future__ import annotations

from torch import Tensor, nn

from napari_histossl.errors import ModelError
from napari_histossl.models._images import check_images

_LEAST_PX = 32
"""Smallest edge of a picture that five halvings leave something of."""


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions around a shortcut; ResNet-18 and -34."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _convolution(channels, width, 3, stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = _convolution(width, width, 3)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = _shortcut(channels, width, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, width, H / stride, W / stride) from (B, C, H, W)."""
        mixed = self.relu(self.bn1(self.conv1(inputs)))
        mixed = self.bn2(self.conv2(mixed))
        through = inputs if self.downsample is None else self.downsample(inputs)
        out: Tensor = self.relu(mixed + through)
        return out


class Bottleneck(nn.Module):
    """A 3 x 3 convolution between two 1 x 1 around a shortcut; ResNet-50."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = _convolution(channels, width, 1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = _convolution(width, width, 3, stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = _convolution(width, self.expansion * width, 1)
        self.bn3 = nn.BatchNorm2d(self.expansion * width)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = _shortcut(channels, self.expansion * width, stride)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, 4 * width, H / stride, W / stride) from (B, C, H, W)."""
        mixed = self.relu(self.bn1(self.conv1(inputs)))
        mixed = self.relu(self.bn2(self.conv2(mixed)))
        mixed = self.bn3(self.conv3(mixed))
        through = inputs if self.downsample is None else self.downsample(inputs)
        out: Tensor = self.relu(mixed + through)
        return out


KINDS: dict[int, tuple[type[BasicBlock | Bottleneck], tuple[int, ...]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
}
"""Kind of block, and blocks of each stage, by the number in the name."""


class ResNet(nn.Module):
    """Pictures of any size to averaged features.

    Parameters
    ----------
    depth : {18, 34, 50, 101}
        Number of layers, as in the name.
    stages : int
        How many of the four stages there are; 3 for the truncated baseline.
    width : int
        Channels of the first stage, 64 in all published weights.

    Raises
    ------
    ModelError
        If there is no such network.

    Notes
    -----
    It has no tokens and no attention. Whether its batch norms learn depends on
    training mode, as always in torch.
    """

    left_out = ("fc.", "layer4.")
    """Published files carry a classifier; whole ones fit the truncated network too."""

    def __init__(self, *, depth: int = 50, stages: int = 4, width: int = 64) -> None:
        super().__init__()
        if depth not in KINDS or not 1 <= stages <= 4 or width < 1:
            raise ModelError(
                f"a residual network has a depth of {', '.join(map(str, KINDS))}, 1 to "
                f"4 stages and at least one channel; got depth={depth}, "
                f"stages={stages}, width={width}"
            )
        self.conv1 = _convolution(3, width, 7, 2)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        block, counts = KINDS[depth]
        channels, self.stages = width, stages
        for stage, count in enumerate(counts[:stages]):
            inner = width * 2**stage
            layers = [block(channels, inner, 1 if stage == 0 else 2)]
            channels = block.expansion * inner
            layers += [block(channels, inner, 1) for _ in range(count - 1)]
            setattr(self, f"layer{stage + 1}", nn.Sequential(*layers))
        self.embed_dim = channels
        self.initialise()

    def forward(self, images: Tensor) -> Tensor:
        """Return the averaged features, (B, embed_dim), from pictures (B, 3, H, W).

        Raises
        ------
        ModelError
            If the pictures are not (B, 3, H, W) or too small.
        """
        return self.feature_map(images).mean((2, 3))

    def feature_map(self, images: Tensor) -> Tensor:
        """Return the features before averaging, (B, embed_dim, rows, columns).

        Raises
        ------
        ModelError
            If the pictures are not (B, 3, H, W) or too small.
        """
        return self.stage_maps(images)[-1]

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """Return what each stage gives, the first a quarter of the picture's edges.

        Raises
        ------
        ModelError
            If the pictures are not (B, 3, H, W) or too small.
        """
        check_images(images, _LEAST_PX)
        features = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        maps: list[Tensor] = []
        for stage in range(1, self.stages + 1):
            features = self.get_submodule(f"layer{stage}")(features)
            maps.append(features)
        return maps

    def initialise(self) -> None:
        """Draw He's initial weights; norms start as the identity."""
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(
                    module.weight, mode="fan_out", nonlinearity="relu"
                )


def _convolution(inputs: int, outputs: int, edge: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, edge, stride, padding=edge // 2, bias=False)


def _shortcut(inputs: int, outputs: int, stride: int) -> nn.Sequential | None:
    """Return a projection where the shortcut changes shape, else nothing."""
    if stride == 1 and inputs == outputs:
        return None
    return nn.Sequential(
        _convolution(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs)
    )
