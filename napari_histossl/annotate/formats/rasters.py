"""Masks that are pictures, PNG or TIFF, as what a new mask starts from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.closing import Closing
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box, Level
from napari_histossl.slide.labels import RedLabels, read_labels
from napari_histossl.store.masks import read_mask_png

READ = ".png (palette or grey) and .tif or .tiff (PANDA)"

_SAME_SIDES = 0.01
"""Height and width of a picture may be this much apart from those of the slide, as
pixels are whole."""


def is_raster(path: str | Path) -> bool:
    """Tell from its ending whether a file is a picture of labels."""
    return Path(path).suffix.lower() in (".png", ".tif", ".tiff")


class RasterLabels(Closing):
    """Labels of a picture at the resolution of a mask, sampled and never averaged.

    Parameters
    ----------
    path : str or Path
        ``.png`` with class indices, or ``.tiff`` with them in the red channel.
    shape : tuple of int
        Height and width of the mask.

    Raises
    ------
    AnnotationError
        If the picture is of another shape than the slide.
    StoreError, SlideOpenError
        If it cannot be read.
    """

    def __init__(self, path: str | Path, shape: tuple[int, int]) -> None:
        is_png = Path(path).suffix.lower() == ".png"
        self._labels = _Picture(read_mask_png(path)) if is_png else RedLabels(path)
        height, width = self._labels.levels[0].shape
        self._ratio = height / shape[0]
        if abs(self._ratio * shape[1] / width - 1) > _SAME_SIDES:
            self.close()
            raise AnnotationError(
                f"{Path(path).name} has {height} x {width} px, which is another shape "
                f"than the mask's {shape[0]} x {shape[1]}; is it of another slide?"
            )

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return the labels of a box of the mask, (height, width).

        Raises
        ------
        SlideReadError
            If the pixels cannot be decoded.
        """
        return read_labels(self._labels, box, self._ratio)

    def close(self) -> None:
        """Close the file."""
        self._labels.close()


class _Picture(Closing):
    """Labels in memory, as labels in levels."""

    def __init__(self, labels: NDArray[np.uint8]) -> None:
        self._pixels = labels
        self.levels = (Level((labels.shape[0], labels.shape[1]), 1.0),)

    def read(self, box: Box, level: int) -> NDArray[np.uint8]:
        """Return the labels of a box; 0 outside."""
        pixels = np.zeros(box.shape, np.uint8)
        inside = box.intersection(self.levels[level].box)
        if inside is not None:
            pixels[inside.shifted(-box.y, -box.x).slices] = self._pixels[inside.slices]
        return pixels

    def close(self) -> None:
        """Nothing to close."""
