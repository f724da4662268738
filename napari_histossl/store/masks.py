"""Masks as palette PNG: pixel values are class indices, colours come along.

Any picture program shows such a file in the colours of its classes, and reading it as
an array gives the indices back without loss.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import UNLABELLED, ClassTable
from napari_histossl.errors import StoreError
from napari_histossl.store.whole import written_whole

LARGEST_MASK_PX = 1 << 30
"""Pixels of the largest PNG that is read: 1 GB of memory."""


def write_mask_png(
    path: str | Path, labels: NDArray[Any], classes: ClassTable | None = None
) -> None:
    """Write labels as a PNG with a palette; what is unlabelled is transparent.

    Parameters
    ----------
    path : str or Path
        File to write; replaced as a whole once everything is written.
    labels : ndarray of shape (H, W) and dtype uint8
        Class indices.
    classes : ClassTable, optional
        Gives the colours; by default a palette in which all indices differ.

    Raises
    ------
    StoreError
        If the labels are of another kind, or the file cannot be written.
    """
    _write(Path(path), labels, _palette(classes), transparency=UNLABELLED)


def write_values_png(
    path: str | Path, values: NDArray[Any], classes: ClassTable, exclude_index: int
) -> None:
    """Write a mask whose values count classes from 0, as published data sets do.

    Parameters
    ----------
    path : str or Path
        File to write; replaced as a whole once everything is written.
    values : ndarray of shape (H, W) and dtype uint8
        Value v is class v + 1 of the table.
    classes : ClassTable
        Gives the colours.
    exclude_index : int
        Value of what is no class; shown white.

    Raises
    ------
    StoreError
        If the values are of another kind, or the file cannot be written.
    """
    palette = np.zeros((256, 3), np.uint8)
    palette[exclude_index] = 255
    for info in classes:
        palette[info.index - 1] = info.colour
    _write(Path(path), values, palette)


def _write(
    path: Path, labels: NDArray[Any], palette: NDArray[np.uint8], **options: Any
) -> None:
    from PIL import Image

    if labels.ndim != 2 or labels.dtype != np.uint8:
        raise StoreError(
            f"a mask is written from uint8 labels with two axes; got {labels.dtype} of "
            f"shape {labels.shape}"
        )
    picture = Image.fromarray(np.ascontiguousarray(labels))
    picture.putpalette(palette.ravel().tolist())
    with written_whole(path) as temporary:
        picture.save(temporary, format="PNG", **options)


def read_mask_png(path: str | Path) -> NDArray[np.uint8]:
    """Read the class indices of a palette or grey PNG.

    Parameters
    ----------
    path : str or Path
        A PNG as `write_mask_png` writes it, or one of 8-bit grey values.

    Returns
    -------
    ndarray of shape (H, W) and dtype uint8
        Class indices.

    Raises
    ------
    StoreError
        If the file is missing, damaged, too large, or has colours instead of indices.
    """
    from PIL import Image, UnidentifiedImageError

    path = Path(path)
    if not path.is_file():
        raise StoreError(f"{path} does not exist; expected a PNG mask")
    try:
        with Image.open(path) as picture:
            _refuse_odd(path, picture)
            return np.asarray(picture).astype(np.uint8)
    except (UnidentifiedImageError, SyntaxError, ValueError, OSError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{path} is damaged or not a PNG ({error})") from error


def _refuse_odd(path: Path, picture: Any) -> None:
    if picture.width * picture.height > LARGEST_MASK_PX:
        raise StoreError(
            f"{path} has {picture.height} x {picture.width} px; masks are read from "
            f"PNG up to {LARGEST_MASK_PX:,} px: cut it into regions"
        )
    if picture.mode.startswith("I"):
        raise StoreError(
            f"{path} has 16 bits a pixel; classes are 0 to 255: save it with 8 bits"
        )
    if picture.mode not in ("P", "L", "1"):
        raise StoreError(
            f"{path} has colours ({picture.mode}) instead of class indices; expected a "
            f"palette or grey PNG"
        )


def _palette(classes: ClassTable | None) -> NDArray[np.uint8]:
    """Return 256 colours; unlabelled is black."""
    indices = np.arange(256)
    # steps of the golden ratio round the colour circle keep neighbours apart
    turn = (indices * 0.61803 % 1.0)[:, None] + np.array([0, 1 / 3, 2 / 3])
    palette: NDArray[np.uint8] = np.rint(155 + 100 * np.cos(2 * np.pi * turn)).astype(
        np.uint8
    )
    palette[0] = 0
    for info in classes or ():
        palette[info.index] = info.colour
    return palette
