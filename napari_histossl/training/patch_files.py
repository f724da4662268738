"""Patches in files, with labels, masks, or both; read when they are needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.errors import DataSetError
from napari_histossl.store.masks import read_mask_png
from napari_histossl.training.pictures import read_picture

UNKNOWN_VALUE = 254
"""What a table of values says of a value that may not occur in a mask."""


@dataclass(frozen=True)
class PatchFiles:
    """A `training.patch_sets.PatchSet` of picture files.

    Attributes
    ----------
    classes : ClassTable
        The n classes; value v of a mask and column v of `labels` mean class v + 1.
    images : tuple of Path
        The pictures.
    groups : tuple of str
        Slide or patient of each.
    masks : tuple of Path or None
        A palette or grey PNG for each picture, or an empty tuple.
    known_labels : ndarray of shape (N, n) and dtype uint8, optional
        1 where a patch holds a class. Without it the masks say so.
    mpp : float, optional
        Micrometres per pixel.
    exclude_index : int
        Value of pixels that belong to no class.
    values : mapping of int to int, optional
        What the values of the files mean: a class from 0, or `exclude_index`. By
        default a file holds these themselves.
    """

    classes: ClassTable
    images: tuple[Path, ...]
    groups: tuple[str, ...]
    masks: tuple[Path | None, ...] = ()
    known_labels: NDArray[np.uint8] | None = None
    mpp: float | None = None
    exclude_index: int = 255
    values: Mapping[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the files."""
        return tuple(path.name for path in self.images)

    @cached_property
    def labels(self) -> NDArray[np.uint8]:
        """Which classes each patch holds, (N, n) of dtype uint8, 0 or 1.

        Read off the masks, all of them once, where nothing else says so.

        Raises
        ------
        DataSetError
            If a patch has neither labels nor a mask, or the mask does not fit.
        """
        if self.known_labels is not None:
            return self.known_labels
        return np.stack([self._held(index) for index in range(len(self))])

    def image(self, index: int) -> NDArray[np.uint8]:
        """Return a patch, (H, W, 3) of dtype uint8.

        Raises
        ------
        SlideOpenError
            If the file cannot be read as a picture.
        """
        return read_picture(self.images[index])

    def mask(self, index: int) -> NDArray[np.uint8] | None:
        """Return the classes of a patch's pixels, (H, W) of dtype uint8, or None.

        Raises
        ------
        StoreError
            If the file cannot be read as a mask.
        DataSetError
            If the mask has another size than the picture, or holds other values.
        """
        path = self.masks[index] if self.masks else None
        if path is None:
            return None
        values = read_mask_png(path)
        _refuse_size(path, values.shape, self.images[index])
        return self._decoded(path, values)

    def with_masks(self, folder: str | Path) -> PatchFiles:
        """Return the same pictures with masks of the same names in a folder.

        Raises
        ------
        DataSetError
            If a picture has no mask there.
        """
        masks = tuple(Path(folder) / f"{path.stem}.png" for path in self.images)
        missing = [path for path in masks if not path.is_file()]
        if missing:
            raise DataSetError(
                f"{len(missing)} of {len(masks)} pictures have no mask in {folder}, "
                f"the first is {missing[0].name}; make the masks again"
            )
        return replace(self, masks=masks)

    def _decoded(self, path: Path, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        mask = value_table(len(self.classes), self.exclude_index, self.values)[values]
        if (mask == UNKNOWN_VALUE).any():
            odd = int(values[mask == UNKNOWN_VALUE].flat[0])
            raise DataSetError(
                f"{path} holds the value {odd}, which is no class; expected "
                f"{_expected(self)}"
            )
        return mask

    def _held(self, index: int) -> NDArray[np.uint8]:
        mask = self.mask(index)
        if mask is None:
            raise DataSetError(
                f"{self.images[index]} has neither labels nor a mask; add one of them, "
                f"or take it out"
            )
        counts = np.bincount(mask.ravel(), minlength=256)[: len(self.classes)]
        return (counts > 0).astype(np.uint8)


def value_table(
    n_classes: int, exclude_index: int, values: Mapping[int, int]
) -> NDArray[np.uint8]:
    """Return what each of 256 values of a file means, `UNKNOWN_VALUE` for no class."""
    table = np.full(256, UNKNOWN_VALUE, np.uint8)
    if not values:
        values = {value: value for value in (*range(n_classes), exclude_index)}
    for value, meaning in values.items():
        table[value] = meaning
    return table


def _expected(files: PatchFiles) -> str:
    if files.values:
        return f"one of {', '.join(str(value) for value in sorted(files.values))}"
    return f"0 to {len(files.classes) - 1}, or {files.exclude_index} for what is out"


def _refuse_size(mask: Path, shape: Sequence[int], image: Path) -> None:
    height, width = read_picture_shape(image)
    if tuple(shape) != (height, width):
        raise DataSetError(
            f"{mask} has {shape[0]} x {shape[1]} px, its picture {image.name} has "
            f"{height} x {width}; a mask must have the size of its picture"
        )


def read_picture_shape(path: Path) -> tuple[int, int]:
    """Return height and width of a picture without decoding it.

    Raises
    ------
    DataSetError
        If the file cannot be read as a picture.
    """
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.height, picture.width
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataSetError(
            f"{path} cannot be read as a picture ({error}); take it out or copy it "
            f"again"
        ) from error
