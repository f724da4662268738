"""Colour and sharpness of a batch of views, varied at random.

References
----------
See `variation`, which holds the numbers.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from napari_histossl.training.variation import Variation

_DARKEST = 0.02
"""Least transmission whose optical density is taken, in [0, 1]."""

_LEAST_GAIN = 0.4

_LUMA = (0.299, 0.587, 0.114)

_YIQ = (_LUMA, (0.5959, -0.2746, -0.3213), (0.2115, -0.5227, 0.3112))
"""Rows: brightness, and two coordinates in which a turn is a turn of hue."""


class Draw:
    """Random numbers, one for each picture of a batch.

    Parameters
    ----------
    count : int
        Pictures.
    generator : torch.Generator
        On the processor, so that every device sees the same numbers.
    device : torch.device
        Where they are wanted.
    """

    def __init__(
        self, count: int, generator: torch.Generator, device: torch.device
    ) -> None:
        self._count, self._generator, self._device = count, generator, device

    def uniform(self, low: float, high: float) -> Tensor:
        """Return numbers of shape (B,) in [low, high)."""
        numbers = torch.empty(self._count)
        return numbers.uniform_(low, high, generator=self._generator).to(self._device)

    def normal(self, channels: int) -> Tensor:
        """Return standard normal numbers of shape (B, channels, 1, 1)."""
        shape = (self._count, channels, 1, 1)
        return torch.randn(shape, generator=self._generator).to(self._device)

    def signs(self) -> Tensor:
        """Return 1 or -1, of shape (B,)."""
        return torch.where(self.uniform(0, 1) < 0.5, 1.0, -1.0)

    def happens(self, chance: float) -> Tensor:
        """Return truth values of shape (B, 1, 1, 1)."""
        shape = (self._count, 1, 1, 1)
        drawn = torch.rand(shape, generator=self._generator)
        return (drawn < chance).to(self._device)

    def order(self, count: int) -> list[int]:
        """Return the numbers below a count in random order, for the whole batch."""
        shuffled: list[int] = torch.randperm(count, generator=self._generator).tolist()
        return shuffled


def vary(views: Tensor, variation: Variation, draw: Draw) -> Tensor:
    """Vary stain, colour and sharpness of views (B, 3, H, W) in [0, 1].

    What a variation leaves at zero takes no random numbers, grey, blur and stain
    excepted.
    """
    views = _vary_stain(views, variation, draw)
    if variation.jitter:
        views = torch.where(
            draw.happens(variation.jitter), _jitter(views, variation, draw), views
        )
    views = torch.where(
        draw.happens(variation.grey), views.mean(1, keepdim=True), views
    )
    averaged = F.avg_pool2d(views, 3, 1, 1, count_include_pad=False)
    views = torch.where(draw.happens(variation.blur), averaged, views)
    if variation.gaussian:
        blurred = gaussian_blur(views, draw.uniform(*variation.sigma_px))
        views = torch.where(draw.happens(variation.gaussian), blurred, views)
    if variation.solarise:
        inverted = torch.where(views >= 0.5, 1 - views, views)
        views = torch.where(draw.happens(variation.solarise), inverted, views)
    return views


def _vary_stain(views: Tensor, variation: Variation, draw: Draw) -> Tensor:
    """Multiply and shift the optical density, for each view and channel."""
    density = -torch.log(views.clamp(min=_DARKEST))
    channels, common = draw.normal(3), draw.normal(1)
    gain = 1 + variation.stain_deviation * (channels + common)
    offset = variation.offset_deviation * draw.normal(3)
    varied = torch.exp(offset - density * gain.clamp(min=_LEAST_GAIN))
    return varied.clamp(0, 1)


def _jitter(views: Tensor, variation: Variation, draw: Draw) -> Tensor:
    """Change brightness, contrast, saturation and hue, in a random order."""
    for which in draw.order(4):
        if which == 3:
            views = turn_hue(views, draw.uniform(-variation.hue, variation.hue))
            continue
        most = (variation.brightness, variation.contrast, variation.saturation)[which]
        factor = draw.uniform(max(0.0, 1 - most), 1 + most).view(-1, 1, 1, 1)
        views = _away(views, which, factor).clamp(0, 1)
    return views


def _away(views: Tensor, which: int, factor: Tensor) -> Tensor:
    """Scale the distance from black, from the mean brightness, or from grey."""
    if which == 0:
        return views * factor
    luma = torch.tensor(_LUMA, device=views.device).view(1, 3, 1, 1)
    bright = (views * luma).sum(1, keepdim=True)
    centre = bright.mean((2, 3), keepdim=True) if which == 1 else bright
    return centre + (views - centre) * factor


def turn_hue(views: Tensor, turns: Tensor) -> Tensor:
    """Turn the hue of views (B, 3, H, W) by parts of a turn (B,)."""
    to_yiq = torch.tensor(_YIQ, device=views.device)
    cosine, sine = torch.cos(2 * math.pi * turns), torch.sin(2 * math.pi * turns)
    zero, one = torch.zeros_like(turns), torch.ones_like(turns)
    turn = torch.stack(
        [one, zero, zero, zero, cosine, -sine, zero, sine, cosine], 1
    ).view(-1, 3, 3)
    whole = torch.linalg.inv(to_yiq) @ turn @ to_yiq  # (B, 3, 3)
    return torch.einsum("bij,bjhw->bihw", whole, views).clamp(0, 1)


def gaussian_blur(views: Tensor, sigma_px: Tensor) -> Tensor:
    """Blur each of the views (B, 3, H, W) with its own deviation (B,) in pixels."""
    batch, channels, height, width = views.shape
    radius = min(math.ceil(2 * float(sigma_px.max())), height - 1, width - 1)
    places = torch.arange(-radius, radius + 1, device=views.device)
    kernel = torch.exp(-0.5 * (places / sigma_px[:, None]) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)
    many = batch * channels
    flat = F.pad(views.reshape(1, many, height, width), [radius] * 4, mode="reflect")
    flat = F.conv2d(flat, kernel.view(many, 1, 1, -1), groups=many)
    flat = F.conv2d(flat, kernel.view(many, 1, -1, 1), groups=many)
    return flat.view(views.shape)
