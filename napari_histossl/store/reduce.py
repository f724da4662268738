"""Reducers: how 2 x 2 blocks of a level become pixels of the next coarser one.

A reducer takes an array of shape (..., 2 H, 2 W) and returns one of shape (..., H, W)
and the same dtype.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.errors import StoreError

Reducer = Callable[[NDArray[Any]], NDArray[Any]]
ReducerName = Literal["mean", "max", "nearest", "priority"]


def corners(fine: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Return the four pixels of every 2 x 2 block, each as (..., H, W)."""
    return (
        fine[..., ::2, ::2],
        fine[..., ::2, 1::2],
        fine[..., 1::2, ::2],
        fine[..., 1::2, 1::2],
    )


def mean(fine: NDArray[Any]) -> NDArray[Any]:
    """Average blocks; NaN means "not computed" and does not count.

    Whole numbers are rounded, halves up.
    """
    if fine.dtype.kind in "iub":
        total = sum(part.astype(np.int64) for part in corners(fine))
        return np.asarray((total + 2) // 4).astype(fine.dtype)
    with warnings.catch_warnings():
        # a block in which nothing has been computed stays NaN, which is what we want
        warnings.simplefilter("ignore", RuntimeWarning)
        average: NDArray[Any] = np.nanmean(np.stack(corners(fine)), axis=0)
    return average.astype(fine.dtype)


def maximum(fine: NDArray[Any]) -> NDArray[Any]:
    """Take the largest value of a block; NaN only where all are NaN."""
    first, second, third, fourth = corners(fine)
    largest: NDArray[Any] = np.fmax(np.fmax(first, second), np.fmax(third, fourth))
    return largest


def nearest(fine: NDArray[Any]) -> NDArray[Any]:
    """Take the upper left pixel of a block."""
    return fine[..., ::2, ::2]


def priority_reducer(classes: ClassTable) -> Reducer:
    """Return a reducer for labels: the class of the highest priority wins a block.

    Parameters
    ----------
    classes : ClassTable
        Classes with their display priorities; equal priorities are ranked by index.

    Returns
    -------
    callable
        Takes uint8 or uint16 labels (..., 2 H, 2 W) and returns (..., H, W). A pixel
        is 0, unlabelled, only where its whole block is; an index that is not in the
        table ranks below those that are.

    Examples
    --------
    >>> from napari_histossl.classes import DEFAULT_CLASSES
    >>> reduce = priority_reducer(DEFAULT_CLASSES)
    >>> reduce(np.array([[2, 0, 0, 0], [2, 1, 0, 0]], np.uint8))
    array([[1, 0]], dtype=uint8)
    """
    tables: dict[np.dtype[Any], tuple[NDArray[Any], NDArray[Any]]] = {}

    def reduce(fine: NDArray[Any]) -> NDArray[Any]:
        if (fine == fine.flat[0]).all():  # most of a mask is unlabelled, or one class
            return nearest(fine)
        if fine.dtype not in tables:
            tables[fine.dtype] = _ranking(classes, fine.dtype)
        rank, by_rank = tables[fine.dtype]
        winners: NDArray[Any] = by_rank[maximum(rank[fine])]
        return winners

    return reduce


def _ranking(
    classes: ClassTable, dtype: np.dtype[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the rank of each label, and the label of each rank."""
    count = int(np.iinfo(dtype).max) + 1
    known = sorted(classes, key=lambda info: (info.priority, info.index))
    named = [info.index for info in known]
    others = np.setdiff1d(np.arange(1, count), named)
    by_rank = np.concatenate([[0], others, named]).astype(dtype)
    rank = np.empty(count, dtype)
    rank[by_rank] = np.arange(count)
    return rank, by_rank


def named_reducer(name: str, classes: ClassTable | None) -> Reducer:
    """Return the reducer of a name.

    Parameters
    ----------
    name : str
        "mean", "max", "nearest" or "priority".
    classes : ClassTable or None
        Needed for "priority".

    Raises
    ------
    StoreError
        If there is none of that name, or the classes are missing.
    """
    if name == "priority" and classes is not None:
        return priority_reducer(classes)
    reducers: dict[str, Reducer] = {"mean": mean, "max": maximum, "nearest": nearest}
    if name not in reducers:
        raise StoreError(
            f"no reducer is called {name!r} here; expected mean, max, nearest, "
            f"or priority together with a table of classes"
        )
    return reducers[name]
