"""Areas under the curve of classifiers, and several such areas judged together.

References
----------
S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
of Statistics 6(2), 1979. We added: the variance is never below that of scores that know
nothing, so that a perfect area of four pictures proves nothing; Student's t with the
number of clusters in place of the normal distribution; no limit of an interval is
nearer to its area than chance alone reaches.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, t

from napari_histossl.study._covariances import compute_figures
from napari_histossl.study._ratings import tabulate

LEVEL = 0.95
"""Of the intervals of all areas together."""

CHANCE = 0.5
"""The area of scores that know nothing."""


@dataclass(frozen=True, slots=True)
class Separation:
    """How well one group of numbers tells the classes apart.

    Attributes
    ----------
    name : str
        What was looked at.
    auc : float
        Area under the curve, cross-validated, in [0, 1]; 0.5 is chance.
    low, high : float
        Limits of its interval, corrected for the number of groups, in [0, 1].
    """

    name: str
    auc: float
    low: float
    high: float

    @property
    def is_leak(self) -> bool:
        """Whether the whole interval lies above 0.5."""
        return self.low > CHANCE


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """An area before it is judged.

    Attributes
    ----------
    auc : float
        In [0, 1].
    error : float
        Standard error that knows about clusters.
    by_chance : ndarray of shape (P,) and dtype float64
        Areas of the same numbers under classes that were dealt anew, sorted.
    df : int
        Degrees of freedom: clusters less two.
    """

    auc: float
    error: float
    by_chance: NDArray[np.float64]
    df: int

    def reach(self, tail: float) -> float:
        """Return how far the interval goes to each side, `tail` outside each."""
        place = min(math.ceil((1 - tail) * len(self.by_chance)), len(self.by_chance))
        chance = float(self.by_chance[place - 1]) - CHANCE
        return max(float(t.ppf(1 - tail, self.df)) * self.error, chance)


def areas(
    scores: NDArray[np.float64], labels: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the area under the curve of each row.

    Parameters
    ----------
    scores : ndarray of shape (P, N) and dtype float64
        Higher for synthetic.
    labels : ndarray of shape (P, N) and dtype bool
        Classes, both present in each row.
    """
    ranks = rankdata(scores, axis=1)
    n_1 = labels.sum(axis=1)
    n_0 = labels.shape[1] - n_1
    found: NDArray[np.float64] = (
        (ranks * labels).sum(axis=1) - n_1 * (n_1 + 1) / 2
    ) / (n_1 * n_0)
    return found


def clustered_auc(
    scores: NDArray[np.float64],
    labels: NDArray[np.bool_],
    cluster_of: NDArray[np.intp],
) -> tuple[float, float]:
    """Return the area under the curve and its standard error.

    Parameters
    ----------
    scores : ndarray of shape (N,) and dtype float64
        Higher for synthetic.
    labels : ndarray of shape (N,) and dtype bool
        Classes, both present.
    cluster_of : ndarray of shape (N,) and dtype int
        Number of each picture's cluster, from 0.
    """
    count = len(scores)
    table = tabulate(
        scores, labels, np.zeros(count), np.arange(count), None, cluster_of
    )
    found = compute_figures(table, "auc")
    n_1 = int(labels.sum())
    knows_nothing = (count + 1) / (12 * n_1 * (count - n_1))
    variance = max(float(found.covariance[0, 0]), knows_nothing)
    return float(found.values[0]), math.sqrt(variance)


def judge(names: Sequence[str], found: Sequence[Area]) -> tuple[Separation, ...]:
    """Give each area the interval of its place in Holm's order.

    Parameters
    ----------
    names : sequence of str
        What each area is about.
    found : sequence of Area
        The areas.
    """
    order = sorted(
        range(len(found)), key=lambda i: (CHANCE - found[i].auc) / found[i].error
    )
    judged: dict[int, Separation] = {}
    still_apart = True
    for rank, i in enumerate(order):
        area = found[i].auc
        reach = found[i].reach((1 - LEVEL) / 2 / (len(found) - rank))
        # After the first that may be chance, Holm's procedure rejects no other.
        still_apart = still_apart and area - reach > CHANCE
        low = area - reach if still_apart else min(area - reach, CHANCE)
        judged[i] = Separation(names[i], area, max(low, 0.0), min(area + reach, 1.0))
    return tuple(judged[i] for i in range(len(found)))
