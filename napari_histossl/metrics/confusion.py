"""Counting pixels by true and predicted class, block by block.

Two masks of 20,000 x 20,000 pixels may lie on the disk: a block of both is held at a
time. With up to 14 classes, true and predicted class share a byte, and two pixels are
counted as one number of 16 bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import DataSetError
from napari_histossl.metrics.segmentation import Confusion

_BLOCK_PX = 1 << 20
"""Pixels of both masks held at a time; numbers and table fit a processor's cache."""

_REST = 15
"""In half a byte, what is none of the first 15 values."""


class Readable(Protocol):
    """What is asked of a mask: an array, a memory-mapped file, a zarr array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width."""

    def __getitem__(self, key: Any, /) -> Any:
        """Return pixels."""


def confusion_matrix(
    prediction: Readable,
    truth: Readable,
    n_classes: int,
    *,
    exclude_index: int | None = None,
    first: int = 0,
) -> Confusion:
    """Count pixels by true and predicted class.

    Parameters
    ----------
    prediction, truth : array of shape (H, W) and dtype uint8
        Classes; read in blocks of whole rows.
    n_classes : int
        Classes are `first` to ``first + n_classes - 1``.
    exclude_index : int, optional
        Another value that may occur. In the truth: counts nowhere. In the prediction:
        no class, which is wrong wherever the truth has one.
    first : int
        1 for labels of a `ClassTable`, whose `exclude_index` is 0.

    Returns
    -------
    Confusion
        The table.

    Raises
    ------
    DataSetError
        If the masks differ in size, or hold another value.

    Examples
    --------
    >>> truth = np.array([[0, 0, 1, 2]], np.uint8)
    >>> confusion_matrix(truth, truth, 2, exclude_index=2).counts
    array([[2, 0],
           [0, 1]])
    """
    if prediction.shape != truth.shape or len(truth.shape) != 2:
        raise DataSetError(
            f"masks are compared pixel by pixel; the prediction has shape "
            f"{prediction.shape}, the truth {truth.shape}"
        )
    none = None if exclude_index is None else (exclude_index - first) % 256
    pairs = _paired_values(prediction, truth, first, none)
    _refuse_values("prediction", pairs.sum(0), n_classes, none, first)
    _refuse_values("truth", pairs.sum(1), n_classes, none, first)
    unassigned = np.zeros(n_classes, np.int64)
    if none is not None:
        unassigned += pairs[:n_classes, none]
    return Confusion(pairs[:n_classes, :n_classes].copy(), unassigned)


def _refuse_values(
    what: str, counts: NDArray[np.int64], n_classes: int, none: int | None, first: int
) -> None:
    counts = counts.copy()
    counts[:n_classes] = 0
    if none is not None:
        counts[none] = 0
    if counts.any():
        odd = int(np.argmax(counts > 0))
        also = "" if none is None else f", or {(none + first) % 256} for no class"
        raise DataSetError(
            f"the {what} holds the value {(odd + first) % 256} in {counts[odd]:,} px, "
            f"which is no class; expected {first} to {first + n_classes - 1}{also}"
        )


def _paired_values(
    prediction: Readable, truth: Readable, first: int, none: int | None
) -> NDArray[np.int64]:
    """Return how often values less `first` meet, (256, 256): truth by prediction."""
    pairs = np.zeros((256, 256), np.int64)
    twos = np.zeros(65536, np.int64)
    for guess, true in _blocks(prediction, truth):
        if first:  # what lies below the first class comes round as a high value
            guess, true = guess - np.uint8(first), true - np.uint8(first)
        low = _squeezed(guess, none), _squeezed(true, none)
        if low[0] is not None and low[1] is not None:
            even = guess.size & ~1
            twos += _count_twos(low[0][:even], low[1][:even])
            guess, true = guess[even:], true[even:]
        if guess.size:
            pairs += _count(guess, true)
    return pairs + _unfold(twos, none)


def _blocks(
    prediction: Readable, truth: Readable
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.uint8]]]:
    """Yield the same pixels of both, whole rows, flat."""
    height, width = truth.shape
    rows = max(_BLOCK_PX // max(width, 1), 1)
    for y in range(0, height, rows):
        guess, true = (np.asarray(m[y : y + rows]) for m in (prediction, truth))
        if guess.dtype != np.uint8 or true.dtype != np.uint8:
            raise DataSetError(
                f"masks are compared as bytes; the prediction holds {guess.dtype}, the "
                f"truth {true.dtype}: convert them to uint8"
            )
        yield guess.ravel(), true.ravel()


def _squeezed(values: NDArray[np.uint8], none: int | None) -> NDArray[np.uint8] | None:
    """Return values that fit half a byte, `_REST` for `none`; None if there are none.

    One value of 15 or more may be told from the others, and `none` is the one that
    is expected.
    """
    if not values.size or values.max() < _REST:
        return values
    if none is None or none < _REST:
        return None
    low = np.minimum(values, np.uint8(_REST))
    high = np.count_nonzero(low == _REST)
    return low if np.count_nonzero(values == none) == high else None


def _count(guess: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.int64]:
    codes = np.left_shift(true, 8, dtype=np.uint16)
    codes |= guess
    return np.bincount(codes, minlength=65536).reshape(256, 256)


def _count_twos(guess: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count bytes of two half bytes, two of them at a time."""
    codes = np.left_shift(true, 4)
    codes |= guess
    return np.bincount(codes.view(np.uint16), minlength=65536)


def _unfold(twos: NDArray[np.int64], none: int | None) -> NDArray[np.int64]:
    """Return what was counted two at a time as a table of single pixels."""
    bytes_ = twos.reshape(256, 256)
    halves = (bytes_.sum(0) + bytes_.sum(1)).reshape(16, 16)
    meaning = np.arange(16)
    if none is not None and none >= _REST:
        meaning[_REST] = none
    pairs = np.zeros((256, 256), np.int64)
    pairs[np.ix_(meaning, meaning)] = halves
    return pairs
