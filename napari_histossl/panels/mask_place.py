"""Where a mask lies on its slide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from napari_histossl.geometry import Box


class Scaled(Protocol):
    """A slide or a mask, as far as its scale goes."""

    @property
    def mpp_yx(self) -> tuple[float, float] | None: ...


class Mask(Scaled, Protocol):
    """A mask, as far as its place on the slide goes."""

    @property
    def downsample(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Place:
    """How a mask lies on its slide: they share the outer edge.

    Attributes
    ----------
    downsample_yx : tuple of float
        Level-0 pixels of the slide per pixel of the mask.
    """

    downsample_yx: tuple[float, float]

    @classmethod
    def of(cls, mask: Mask, slide: Scaled) -> Place:
        """Return where a mask lies: by scale where both know theirs."""
        if mask.mpp_yx is None or slide.mpp_yx is None:
            return cls((mask.downsample, mask.downsample))
        (y, x), (slide_y, slide_x) = mask.mpp_yx, slide.mpp_yx
        return cls((y / slide_y, x / slide_x))

    def box_px0(self, slide_box_px0: Box) -> Box:
        """Return the smallest box of the mask that covers a box of the slide."""
        down_y, down_x = self.downsample_yx
        box = slide_box_px0
        y0, x0 = math.floor(box.y / down_y), math.floor(box.x / down_x)
        y1, x1 = math.ceil(box.y1 / down_y), math.ceil(box.x1 / down_x)
        return Box(y0, x0, max(y1 - y0, 1), max(x1 - x0, 1))
