"""Counting pixels by true and predicted class, block by block.

Two masks of 20,000 x 20,000 pixels may lie on the disk: a block of both is held at a
time. Where all values are below 16, or 255, true and predicted value share a byte, and
two pixels are counted as one number of 16 bits; others take half as long again.
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

_HALF_BYTE = 16
"""Values that fit half a byte."""

_IGNORED = 255
"""What others write for pixels that count nowhere."""


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
    pairs = _paired_values(prediction, truth, exclude_index == _IGNORED)
    known = [*range(first, first + n_classes)]
    _refuse_values("prediction", pairs.sum(0), known, exclude_index)
    _refuse_values("truth", pairs.sum(1), known, exclude_index)
    unassigned = np.zeros(n_classes, np.int64)
    if exclude_index is not None:
        unassigned += pairs[known, exclude_index]
    return Confusion(pairs[np.ix_(known, known)], unassigned)


def _refuse_values(
    what: str, counts: NDArray[np.int64], known: list[int], none: int | None
) -> None:
    counts = counts.copy()
    counts[known] = 0
    if none is not None:
        counts[none] = 0
    if counts.any():
        odd = int(np.argmax(counts > 0))
        also = "" if none is None else f", or {none} for no class"
        raise DataSetError(
            f"the {what} holds the value {odd} in {counts[odd]:,} px, which is no "
            f"class; expected {known[0]} to {known[-1]}{also}"
        )


def _paired_values(
    prediction: Readable, truth: Readable, is_ignored_255: bool
) -> NDArray[np.int64]:
    """Return how often values meet, (256, 256): truth by prediction."""
    pairs = np.zeros((256, 256), np.int64)
    twos = np.zeros(65536, np.int64)
    for guess, true in _blocks(prediction, truth):
        if is_ignored_255:  # comes round to 0, and the others fit half a byte again
            guess, true = guess + np.uint8(1), true + np.uint8(1)
        if guess.size and max(guess.max(), true.max()) < _HALF_BYTE:
            even = guess.size & ~1
            twos += _count_twos(guess[:even], true[:even])
            guess, true = guess[even:], true[even:]
        if guess.size:
            pairs += _count(guess, true)
    pairs += _unfold(twos)
    return np.roll(pairs, -1, axis=(0, 1)) if is_ignored_255 else pairs


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


def _count(guess: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.int64]:
    codes = np.left_shift(true, 8, dtype=np.uint16)
    codes |= guess
    return np.bincount(codes, minlength=65536).reshape(256, 256)


def _count_twos(guess: NDArray[np.uint8], true: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Count bytes of two half bytes, two of them at a time."""
    codes = np.left_shift(true, 4)
    codes |= guess
    return np.bincount(codes.view(np.uint16), minlength=65536)


def _unfold(twos: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what was counted two at a time as a table of single pixels."""
    of_two = twos.reshape(256, 256)
    pairs = np.zeros((256, 256), np.int64)
    one = (of_two.sum(0) + of_two.sum(1)).reshape(_HALF_BYTE, _HALF_BYTE)
    pairs[:_HALF_BYTE, :_HALF_BYTE] = one
    return pairs
