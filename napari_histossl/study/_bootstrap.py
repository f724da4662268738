"""A check with few assumptions: readers and cases drawn again and again.

It is a check and not the analysis: with few readers its interval is too short, since
drawing among five readers shows less spread than there is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_histossl.study._intervals import Interval
from napari_histossl.study._ratings import Bools, Floats, RatingTable

RESAMPLES = 2000
"""Samples of readers and cases behind an interval."""


def bootstrap_auc(table: RatingTable, seed: int = 0) -> Interval:
    """Return the 95 % interval of the mean AUC over drawn readers and drawn clusters.

    Parameters
    ----------
    table : RatingTable
        Ratings under one condition.
    seed : int
        Where chance starts.
    """
    rng = np.random.default_rng(seed)
    _, cluster = np.unique(table.clusters, return_inverse=True)
    clusters = int(cluster.max()) + 1
    times = rng.multinomial(clusters, np.full(clusters, 1 / clusters), RESAMPLES)
    weights = times[:, cluster.reshape(-1)].astype(np.float64)  # samples, cases
    areas = _weighted_areas(table.ratings, table.synthetic, weights)
    drawn = rng.integers(0, areas.shape[1], areas.shape)
    means = np.take_along_axis(areas, drawn, axis=1).mean(axis=1)
    low, high = np.nanquantile(means, (0.025, 0.975))
    return Interval(float(low), float(high))


def _weighted_areas(ratings: Floats, synthetic: Bools, weights: Floats) -> Floats:
    """Return AUCs of shape (samples, readers); not a number if a class is not drawn."""
    levels, step = np.unique(ratings, return_inverse=True)
    of_step: NDArray[np.float64] = np.eye(len(levels))[step.reshape(ratings.shape)]
    shares = []
    for of_class in (synthetic, ~synthetic):
        counts = np.einsum("bn,rnk->brk", weights[:, of_class], of_step[:, of_class])
        with np.errstate(invalid="ignore"):
            shares.append(counts / counts.sum(axis=2, keepdims=True))
    below = np.cumsum(shares[1], axis=2) - shares[1] / 2
    areas: Floats = (shares[0] * below).sum(axis=2)
    return areas
