"""Groups of vectors that point the same way: k-means.

References
----------
Arthur & Vassilvitskii 2007, "k-means++: the advantages of careful seeding", SODA;
computed by `scipy.cluster.vq.kmeans2`. Changed: several starts, the best of which
counts; groups numbered by size, so that a number means something.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.metrics.similarity import directions

_STARTS, _STEPS = 4, 50
"""Starts, and steps of each: k-means ends where it begins if it begins badly."""


def cluster(
    features: NDArray[Any], count: int, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Group vectors by direction.

    Parameters
    ----------
    features : ndarray of shape (N, D)
        Finite numbers.
    count : int
        How many groups, 1 to the number of different vectors.
    rng : numpy.random.Generator
        Where the groups begin; the same numbers give the same groups.

    Returns
    -------
    ndarray of shape (N,) and dtype intp
        0 for the largest group, then by size; every number below `count` is there.

    Raises
    ------
    ValueError
        If the count does not fit, or a number is not finite.
    """
    vectors = directions(features)
    _refuse_count(count, len(vectors))
    trials = [_trial(vectors, count, rng) for _ in range(_STARTS)]
    whole = [trial for trial in trials if len(np.unique(trial[1])) == count]
    if whole:
        return _by_size(min(whole, key=lambda trial: trial[0])[1], count)
    # groups ran empty, which few different vectors in many groups may do
    _refuse_count(count, len(np.unique(vectors, axis=0)))
    return _by_size(_farthest_first(vectors, count), count)


def _refuse_count(count: int, different: int) -> None:
    if not 1 <= count <= different:
        raise ValueError(
            f"there are 1 to {different} groups, as many as different vectors; got "
            f"{count}"
        )


def _trial(
    vectors: NDArray[np.float32], count: int, rng: np.random.Generator
) -> tuple[float, NDArray[np.intp]]:
    """Return how far vectors lie from their group's middle, and the groups."""
    from scipy.cluster.vq import kmeans2

    # few different vectors give empty groups, which `cluster` sees to
    with warnings.catch_warnings(), np.errstate(invalid="ignore"):
        warnings.simplefilter("ignore", UserWarning)
        middles, labels = kmeans2(
            vectors, count, iter=_STEPS, minit="++", seed=rng, check_finite=False
        )
    labels = np.asarray(labels, np.intp)
    return float(np.square(vectors - middles[labels]).sum()), labels


def _farthest_first(vectors: NDArray[np.float32], count: int) -> NDArray[np.intp]:
    """Group around vectors that are each as far as can be from those before."""
    nearest = np.full(len(vectors), np.inf)
    labels = np.zeros(len(vectors), np.intp)
    chosen = 0
    for number in range(count):
        far = np.square(vectors - vectors[chosen]).sum(1)
        labels[far < nearest] = number
        nearest = np.minimum(nearest, far)
        chosen = int(nearest.argmax())
    return labels


def _by_size(labels: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    sizes = np.bincount(labels, minlength=count)
    rank = np.empty(count, np.intp)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(count)
    return rank[labels]
