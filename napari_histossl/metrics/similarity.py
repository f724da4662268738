"""Which vectors point the same way as a query: exact, over all of them, at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def directions(features: NDArray[Any]) -> NDArray[np.float32]:
    """Return vectors at length 1; one of length 0 stays as it is.

    Parameters
    ----------
    features : ndarray of shape (N, D)
        Finite numbers.

    Returns
    -------
    ndarray of shape (N, D) and dtype float32
        A copy, row by row in memory.

    Raises
    ------
    ValueError
        If the shape is another one or a number is not finite.
    """
    if features.ndim != 2 or 0 in features.shape:
        raise ValueError(f"vectors are (N, D), at least one; got {features.shape}")
    vectors = np.array(features, np.float32, order="C")
    lengths = np.sqrt(np.einsum("nd,nd->n", vectors, vectors, dtype=np.float64))
    if not np.isfinite(lengths).all():
        broken = int(np.count_nonzero(~np.isfinite(lengths)))
        raise ValueError(f"{broken} of {len(vectors)} vectors are not finite")
    vectors /= np.where(lengths > 0, lengths, 1)[:, None].astype(np.float32)
    return vectors


def cosine_scores(
    bank: NDArray[np.float32], query: NDArray[Any]
) -> NDArray[np.float32]:
    """Return the cosine of the angle between a query and every vector of a bank.

    Parameters
    ----------
    bank : ndarray of shape (N, D) and dtype float32
        From `directions`: kept in memory, it is read once a query.
    query : ndarray of shape (D,)
        Any length but 0.

    Returns
    -------
    ndarray of shape (N,) and dtype float32
        -1 to 1; 0 for a vector of length 0.

    Raises
    ------
    ValueError
        If the query has another length, points nowhere, or is not finite.
    """
    if query.shape != bank.shape[1:]:
        raise ValueError(
            f"a query has as many numbers as the vectors, {bank.shape[1]}; got shape "
            f"{query.shape}"
        )
    query = directions(query[None])[0]
    if not query.any():
        raise ValueError("a query of length 0 is like nothing")
    scores: NDArray[np.float32] = bank @ query
    return np.clip(scores, -1, 1, out=scores)


def best(scores: NDArray[Any], count: int) -> NDArray[np.intp]:
    """Return where the highest scores are, the highest first, the earlier of equals.

    Parameters
    ----------
    scores : ndarray of shape (N,)
        Any order.
    count : int
        How many; all where there are fewer.

    Returns
    -------
    ndarray of shape (min(count, N),) and dtype intp
        Places in `scores`.

    Raises
    ------
    ValueError
        If the count is below 1.
    """
    if count < 1:
        raise ValueError(f"at least one is asked for; got {count}")
    places = np.arange(len(scores))
    if count < len(scores):
        least = np.partition(scores, len(scores) - count)[len(scores) - count]
        above, equal = np.flatnonzero(scores > least), np.flatnonzero(scores == least)
        places = np.concatenate([above, equal[: count - len(above)]])
    order = np.lexsort((places, -scores[places]))
    chosen: NDArray[np.intp] = places[order].astype(np.intp)
    return chosen
