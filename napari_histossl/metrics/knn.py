"""K nearest neighbours, by distance or by angle.

References
----------
* Chen & Krishnan 2022, arXiv:2203.00585, judge frozen features by 5 neighbours at the
  least Euclidean distance, each with one vote.
* Caron et al. 2021, arXiv:2104.14294, section 4.1, by cosine similarity. Changed: one
  vote a neighbour.

Changed for both: a tie goes to the class of the nearest neighbour.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Nearness = Literal["cosine", "euclidean"]
"""What makes neighbours: the direction of a feature, or its place."""

_TIE = 1e-3
"""What the nearest neighbour's vote weighs more: enough to break ties, no more."""

_AT_ONCE = 1024
"""Queries compared with a whole bank at a time: 0.8 GB for a bank of 100,000."""


class Votes(NamedTuple):
    """What the nearest neighbours of M queries say.

    Attributes
    ----------
    classes : ndarray of shape (C,)
        The classes that there are, sorted.
    shares : ndarray of shape (M, C)
        Share of the votes for each class, 0 to 1; a row sums to 1. They say how sure
        the neighbours are, so they serve as scores of a receiver operating curve.
    named : ndarray of shape (M,)
        The class with most votes; a tie goes to that of the nearest neighbour.
    """

    classes: NDArray[Any]
    shares: NDArray[np.float64]
    named: NDArray[Any]


def knn_votes(
    bank: NDArray[Any],
    labels: NDArray[Any],
    queries: NDArray[Any],
    *,
    k: int = 5,
    nearness: Nearness = "cosine",
) -> Votes:
    """Let the nearest neighbours of each query vote on its class.

    Parameters
    ----------
    bank : ndarray of shape (N, D)
        Features of known class.
    labels : ndarray of shape (N,)
        Class of each.
    queries : ndarray of shape (M, D)
        Features to be named.
    k : int
        Number of neighbours, 1 to N.
    nearness : {"cosine", "euclidean"}
        By direction alone, or by distance between the features as they are.

    Returns
    -------
    Votes
        Classes, shares of the votes, and the class named for each query.

    Raises
    ------
    ValueError
        If the shapes do not agree or `k` is impossible.
    """
    classes, coded = np.unique(labels, return_inverse=True)
    nearest = _nearest(bank, labels, queries, k, nearness)
    votes = np.zeros((len(queries), len(classes)))
    rows = np.arange(len(queries))
    for rank in range(k):
        votes[rows, coded[nearest[:, rank]]] += 1
    shares = votes / k
    votes[rows, coded[nearest[:, 0]]] += _TIE
    return Votes(classes, shares, classes[votes.argmax(1)])


def knn_predict(
    bank: NDArray[Any],
    labels: NDArray[Any],
    queries: NDArray[Any],
    *,
    k: int = 5,
    nearness: Nearness = "cosine",
) -> NDArray[Any]:
    """Name the class of each query by its nearest neighbours in a bank.

    Parameters
    ----------
    bank, labels, queries
        As in `knn_votes`.
    k : int
        Number of neighbours, 1 to N.
    nearness : {"cosine", "euclidean"}
        By direction alone, or by distance between the features as they are.

    Returns
    -------
    ndarray of shape (M,)
        A value of `labels` each.

    Raises
    ------
    ValueError
        If the shapes do not agree or `k` is impossible.
    """
    return knn_votes(bank, labels, queries, k=k, nearness=nearness).named


def knn_accuracy(
    bank: NDArray[Any],
    labels: NDArray[Any],
    queries: NDArray[Any],
    truth: NDArray[Any],
    *,
    k: int = 5,
    nearness: Nearness = "cosine",
) -> float:
    """Return the share of queries whose class `knn_predict` names, 0 to 1.

    Parameters
    ----------
    bank, labels, queries
        As in `knn_predict`.
    truth : ndarray of shape (M,)
        Class of each query.
    k : int
        Neighbours that vote.
    nearness : {"cosine", "euclidean"}
        As in `knn_predict`.
    """
    named = knn_predict(bank, labels, queries, k=k, nearness=nearness)
    return float((named == truth).mean())


def _nearest(
    bank: NDArray[Any],
    labels: NDArray[Any],
    queries: NDArray[Any],
    k: int,
    nearness: Nearness,
) -> NDArray[np.intp]:
    """Return the indices of the k nearest of the bank, nearest first, (M, k)."""
    if len(bank) != len(labels) or bank.shape[1:] != queries.shape[1:]:
        raise ValueError(
            f"a bank of (N, D) goes with N labels and queries of (M, D); got "
            f"{bank.shape}, {labels.shape}, {queries.shape}"
        )
    if not 1 <= k <= len(bank):
        raise ValueError(f"k is 1 to {len(bank)}, the size of the bank; got {k}")
    parts = [_first(far, k) for far in _distances(bank, queries, nearness)]
    return np.concatenate(parts) if parts else np.zeros((0, k), np.intp)


def _first(far: NDArray[np.float64], k: int) -> NDArray[np.intp]:
    """Return the k least of each row in order; of equals, the first in the bank."""
    return np.argsort(far, axis=1, kind="stable")[:, :k]


def _distances(
    bank: NDArray[Any], queries: NDArray[Any], nearness: Nearness
) -> Iterator[NDArray[np.float64]]:
    """Yield how far some queries are from all of the bank; only the order counts."""
    known = _directions(bank) if nearness == "cosine" else bank.astype(np.float64)
    lengths = 0.0 if nearness == "cosine" else (known**2).sum(1) / 2
    for start in range(0, len(queries), _AT_ONCE):
        some = queries[start : start + _AT_ONCE].astype(np.float64)
        yield lengths - some @ known.T  # half the squared distance, less a constant


def _directions(features: NDArray[Any]) -> NDArray[np.float64]:
    features = features.astype(np.float64)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    directions: NDArray[np.float64] = features / np.maximum(lengths, 1e-12)
    return directions
