"""A mask without a disk, for tests of what reads masks."""

from dataclasses import dataclass

import numpy as np

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.geometry import Box, Level


@dataclass
class ArrayMask:
    """A mask in memory, with one level."""

    array: np.ndarray
    downsample: float = 1.0
    mpp_yx: tuple[float, float] | None = (0.5, 0.5)
    classes = DEFAULT_CLASSES

    @property
    def shape(self):
        return self.array.shape

    @property
    def levels(self):
        return (Level(self.array.shape, 1.0),)

    def read(self, box, level=0):
        pixels = np.zeros(box.shape, np.uint8)
        inside = box.intersection(Box(0, 0, *self.shape))
        if inside is not None:
            pixels[inside.shifted(-box.y, -box.x).slices] = self.array[inside.slices]
        return pixels
