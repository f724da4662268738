"""Labels that lie on a slide, read at any scale: sampled, never averaged.

Between Gleason 3 and 5 lies no Gleason 4: the mean of two labels is a third one.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.closing import Closing
from napari_histossl.geometry import Box, Level
from napari_histossl.slide._open import open_slide
from napari_histossl.slide.levels import Leveled, native_level, nearest_pixels


class RedLabels(Closing):
    """Labels in the red channel of a file that opens as a slide does.

    Parameters
    ----------
    path : str or Path
        A mask such as PANDA's ``<id>_mask.tiff``; grey files have their value in every
        channel.

    Attributes
    ----------
    levels : tuple of Level
        The file's own levels, finest first.

    Raises
    ------
    SlideOpenError
        If the file is missing or damaged.
    """

    def __init__(self, path: str | Path) -> None:
        self._slide = open_slide(path)
        self.levels: tuple[Level, ...] = self._slide.levels

    def read(self, box: Box, level: int) -> NDArray[np.uint8]:
        """Return the labels of a box of a level, (height, width); 0 outside.

        Raises
        ------
        SlideReadError
            If the pixels cannot be decoded.
        """
        labels = np.zeros(box.shape, np.uint8)
        inside = box.intersection(self.levels[level].box)
        if inside is not None:
            pixels = self._slide.read(inside, level)
            labels[inside.shifted(-box.y, -box.x).slices] = pixels[..., 0]
        return labels

    def close(self) -> None:
        """Close the file."""
        self._slide.close()


def read_labels(labels: Leveled, box: Box, downsample: float) -> NDArray[np.uint8]:
    """Read a box of labels at any scale, each pixel the label at its centre.

    Parameters
    ----------
    labels : RedLabels or store.Pyramid
        Labels of shape (H, W) in levels.
    box : Box
        Rectangle at the scale; it may hang over the edges.
    downsample : float
        Pixels of the labels' finest level per pixel; below 1 pixels are repeated.

    Returns
    -------
    ndarray of shape (height, width) and dtype uint8
        Labels, 0 outside.
    """
    index = native_level(labels, downsample)
    ratio = downsample / labels.levels[index].downsample
    height, width = (int(np.ceil(n / ratio - 1e-6)) for n in labels.levels[index].shape)
    picture = np.zeros(box.shape, np.uint8)
    inside = box.intersection(Box(0, 0, max(height, 1), max(width, 1)))
    if inside is not None:
        here = inside.shifted(-box.y, -box.x)
        picture[here.slices] = nearest_pixels(labels, inside, index, ratio)
    return picture
