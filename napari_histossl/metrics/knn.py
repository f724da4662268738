"""K nearest neighbours by cosine similarity.

References
----------
Caron et al. 2021, arXiv:2104.14294, section 4.1, judge frozen features this way.
Changed: one vote a neighbour, ties go to the class of the nearest one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_TIE = 1e-3
"""What the nearest neighbour's vote weighs more: enough to break ties, no more."""


def knn_predict(
    bank: NDArray[Any], labels: NDArray[Any], queries: NDArray[Any], *, k: int = 5
) -> NDArray[Any]:
    """Name the class of each query by its nearest neighbours in a bank.

    Parameters
    ----------
    bank : ndarray of shape (N, D)
        Features of known class, any length; only their direction counts.
    labels : ndarray of shape (N,)
        Class of each.
    queries : ndarray of shape (M, D)
        Features to be named.
    k : int
        Number of neighbours, 1 to N.

    Returns
    -------
    ndarray of shape (M,)
        A value of `labels` each.

    Raises
    ------
    ValueError
        If the shapes do not agree or `k` is impossible.
    """
    if len(bank) != len(labels) or bank.shape[1:] != queries.shape[1:]:
        raise ValueError(
            f"a bank of (N, D) goes with N labels and queries of (M, D); got "
            f"{bank.shape}, {labels.shape}, {queries.shape}"
        )
    if not 1 <= k <= len(bank):
        raise ValueError(f"k is 1 to {len(bank)}, the size of the bank; got {k}")
    similarity = _directions(queries) @ _directions(bank).T
    nearest = np.argsort(-similarity, axis=1, kind="stable")[:, :k]
    classes, coded = np.unique(labels, return_inverse=True)
    votes = np.zeros((len(queries), len(classes)))
    rows = np.arange(len(queries))
    for rank in range(k):
        votes[rows, coded[nearest[:, rank]]] += 1 + (_TIE if rank == 0 else 0)
    named: NDArray[Any] = classes[votes.argmax(1)]
    return named


def knn_accuracy(
    bank: NDArray[Any],
    labels: NDArray[Any],
    queries: NDArray[Any],
    truth: NDArray[Any],
    *,
    k: int = 5,
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
    """
    return float((knn_predict(bank, labels, queries, k=k) == truth).mean())


def _directions(features: NDArray[Any]) -> NDArray[np.float64]:
    features = features.astype(np.float64)
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    directions: NDArray[np.float64] = features / np.maximum(lengths, 1e-12)
    return directions
