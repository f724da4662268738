"""A mask that somebody made, on the slide, in the classes of a model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import UNLABELLED, ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box, Level
from napari_histossl.slide.labels import RedLabels, read_labels
from napari_histossl.slide.levels import Leveled
from napari_histossl.store import Pyramid
from napari_histossl.store.masks import read_mask_png

_PICTURE, _TIFF = (".png",), (".tif", ".tiff")


class PictureLabels:
    """Labels in memory, of one level.

    Parameters
    ----------
    values : ndarray of shape (H, W) and dtype uint8
        The labels.

    Attributes
    ----------
    levels : tuple of Level
        The only one.
    """

    def __init__(self, values: NDArray[np.uint8]) -> None:
        self._values = values
        height, width = values.shape
        self.levels: tuple[Level, ...] = (Level((height, width), 1.0),)

    def read(self, box: Box, level: int) -> NDArray[np.uint8]:
        """Return a box, which lies inside."""
        del level  # there is one
        return self._values[box.slices]


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceMask:
    """A mask of a slide; make one with `open`.

    Attributes
    ----------
    labels : Leveled
        Its values.
    pixel_px0 : float
        Edge of its pixels in level-0 pixels of the slide.
    meaning : ndarray of shape (256,) and dtype uint8
        For each of its values the index of the class in the model's table; 0 for what
        the model does not know, which counts nowhere.
    """

    labels: Leveled
    pixel_px0: float
    meaning: NDArray[np.uint8]

    @classmethod
    def open(
        cls, path: Path, classes: ClassTable, slide_shape: tuple[int, int]
    ) -> Self:
        """Open a mask.

        Parameters
        ----------
        path : Path
            A mask made here, a palette PNG, or a TIFF with labels in red, as PANDA's.
        classes : ClassTable
            What the model knows. Classes of a mask made here are found by their names;
            the values of a picture are indices of this table.
        slide_shape : tuple of int
            Height and width of the slide in level-0 pixels.

        Raises
        ------
        PlanError
            If the mask is of another size than the slide, or shares no class with the
            model.
        StoreError, SlideOpenError
            If it cannot be read.
        """
        if path.suffix.lower() in (*_PICTURE, *_TIFF):
            picture: Leveled = (
                RedLabels(path)
                if path.suffix.lower() in _TIFF
                else PictureLabels(read_mask_png(path))
            )
            pixel_px0 = _whole_ratio(path, picture.levels[0].shape, slide_shape)
            known = {info.index: info.index for info in classes}
            return cls(picture, pixel_px0, _table(path, known, classes))
        mask = Pyramid.open(path)
        if not mask.is_label or mask.pixel_px0_yx is None:
            raise PlanError(
                f"{path.name} is no mask of a slide; choose one that was made here, a "
                f"palette PNG, or a TIFF with labels in red"
            )
        shape, pixel_px0 = mask.levels[0].shape, float(mask.pixel_px0_yx[0])
        _refuse_size(path, shape, pixel_px0, slide_shape)
        known = mask.classes.indices_in(classes) if mask.classes else {}
        return cls(mask, pixel_px0, _table(path, known, classes))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in its own pixels."""
        return self.labels.levels[0].shape

    def sample(self, box: Box, pixel_px0: float | None = None) -> NDArray[np.uint8]:
        """Return what lies under the middles of pixels.

        Parameters
        ----------
        box : Box
            In pixels of `pixel_px0`.
        pixel_px0 : float, optional
            Their edge in level-0 pixels of the slide; by default the mask's own.

        Returns
        -------
        ndarray of shape (height, width) and dtype uint8
            Indices of the model's table; 0 outside of the mask.
        """
        downsample = 1.0 if pixel_px0 is None else pixel_px0 / self.pixel_px0
        values = read_labels(self.labels, box, downsample)
        labels: NDArray[np.uint8] = self.meaning[values]
        return labels


def _table(path: Path, known: dict[int, int], classes: ClassTable) -> NDArray[Any]:
    if not known:
        names = ", ".join(info.name for info in classes)
        raise PlanError(
            f"{path.name} has none of the classes {names}: "
            f"there is nothing to compare; choose a mask with classes of these names"
        )
    table = np.full(256, UNLABELLED, np.uint8)
    for value, index in known.items():
        table[value] = index
    return table


def _whole_ratio(
    path: Path, shape: tuple[int, ...], slide_shape: tuple[int, int]
) -> float:
    """Return how many slide pixels a pixel of a picture of the whole slide is."""
    ratios = [slide / own for slide, own in zip(slide_shape, shape, strict=True)]
    ratio = sum(ratios) / 2
    near = round(ratio)
    if near and all(
        abs(near * n - s) <= near for n, s in zip(shape, slide_shape, strict=True)
    ):
        ratio = float(near)
    height, width = shape
    _refuse_size(path, (height, width), ratio, slide_shape)
    return ratio


def _refuse_size(
    path: Path, shape: tuple[int, int], pixel_px0: float, slide_shape: tuple[int, int]
) -> None:
    covered = [length * pixel_px0 for length in shape]
    off = [abs(own - wanted) for own, wanted in zip(covered, slide_shape, strict=True)]
    if max(off) > pixel_px0 + 1e-6 * max(slide_shape):
        raise PlanError(
            f"the mask {path.name} is {shape[0]} x {shape[1]} px of {pixel_px0:.4g} "
            f"slide px, so it covers {covered[0]:.0f} x {covered[1]:.0f} px of a slide "
            f"of {slide_shape[0]} x {slide_shape[1]} px; choose the mask of this slide"
        )
