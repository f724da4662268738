"""Checks of what callers hand to a mask."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box

_SUFFIX = ".ome.zarr"


def journal_beside(path: Path) -> Path:
    """Return where the journal of a mask lies.

    Examples
    --------
    >>> journal_beside(Path("masks/nests.ome.zarr")).name
    'nests.journal.sqlite'
    """
    name = path.name.removesuffix(_SUFFIX) or path.name
    return path.with_name(f"{name}.journal.sqlite")


def checked_shape(shape: tuple[int, int]) -> tuple[int, int]:
    """Return height and width as whole numbers.

    Raises
    ------
    AnnotationError
        If it is not two positive whole numbers.
    """
    try:
        height, width = (int(extent) for extent in shape)
        is_good = (height, width) == tuple(shape) and min(height, width) >= 1
    except (TypeError, ValueError):
        is_good = False
    if not is_good:
        raise AnnotationError(
            f"the shape of a mask is (height, width), each at least 1 pixel; got "
            f"{shape!r}"
        )
    return height, width


def checked_mpp(
    mpp: float | tuple[float, float] | None,
) -> tuple[float, float] | None:
    """Return micrometres per pixel along rows and columns.

    Raises
    ------
    AnnotationError
        If it is not a positive number, a pair of them, or None.
    """
    if mpp is None:
        return None
    pair = (mpp, mpp) if isinstance(mpp, (int, float)) else tuple(mpp)
    if len(pair) != 2:
        raise AnnotationError(f"mpp is one number or (y, x); got {mpp!r}")
    return checked_positive(pair[0], "mpp"), checked_positive(pair[1], "mpp")


def checked_positive(value: float, what: str) -> float:
    """Return a number that is larger than 0.

    Raises
    ------
    AnnotationError
        If it is not.
    """
    if not (math.isfinite(value) and value > 0):
        raise AnnotationError(f"{what} is a number larger than 0; got {value!r}")
    return float(value)


def checked_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    """Return the data type of the labels of a mask.

    Raises
    ------
    AnnotationError
        If it is neither uint8 nor uint16.
    """
    checked = np.dtype(dtype)
    if checked not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise AnnotationError(f"labels are uint8 or uint16; got {checked}")
    return checked


def checked_labels(
    values: ArrayLike,
    shape: tuple[int, int],
    classes: ClassTable,
    dtype: DTypeLike = np.uint8,
) -> NDArray[Any]:
    """Return class indices of a shape, broadcast from one number if need be.

    Raises
    ------
    AnnotationError
        If the shape differs or a value is not in the table of classes.
    """
    array = np.asarray(values)
    known = [0, *(info.index for info in classes)]
    is_known = (
        _lookup(known)[array] if array.dtype == np.uint8 else np.isin(array, known)
    )
    unknown = [] if is_known.all() else array[~is_known].tolist()
    if unknown:
        raise AnnotationError(
            f"{unknown[0]} is no class of this mask; known: 0 unlabelled, "
            + ", ".join(f"{info.index} {info.name}" for info in classes)
        )
    return broadcast(array.astype(dtype, copy=False), shape, "labels")


def _lookup(known: list[int]) -> NDArray[np.bool_]:
    """Return a table of all 256 values; ten times faster than searching for each."""
    table = np.zeros(256, np.bool_)
    table[known] = True
    return table


def broadcast(values: NDArray[Any], shape: tuple[int, int], what: str) -> NDArray[Any]:
    """Return an array of a shape, broadcast from one number if need be.

    Raises
    ------
    AnnotationError
        If the shape differs.
    """
    if values.shape not in {(), shape}:
        raise AnnotationError(
            f"{what} of a box of shape {shape} have that shape or are one value; got "
            f"shape {values.shape}"
        )
    return np.broadcast_to(values, shape)


def checked_class(class_index: int, classes: ClassTable) -> None:
    """Refuse a class that a mask does not know; 0 is always known.

    Raises
    ------
    AnnotationError
        If it is not in the table.
    """
    checked_labels(class_index, (1, 1), classes)


def inside(box: Box, shape: tuple[int, int]) -> Box | None:
    """Return the part of a box that lies inside a mask."""
    return box.intersection(Box(0, 0, *shape))
