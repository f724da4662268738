"""How well one reader tells synthetic from real, with exact intervals.

The positive class is *synthetic*: sensitivity is the share of synthetic pictures that
were called synthetic. Readers are never pooled: answers of several readers to the same
pictures are not independent.

References
----------
C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in
the case of the binomial", Biometrika 26(4), 1934, doi:10.1093/biomet/26.4.404.
M. J. Hautus, "Corrections for extreme proportions and their biasing effects on
estimated values of d'", Behavior Research Methods 27(1), 1995, doi:10.3758/BF03203619:
half a hit and one trial are added, for every table, also where no count is zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta, norm, rankdata

from napari_histossl.errors import StudyError

CHANCE = 0.5
"""Expected accuracy of guessing where both classes are equally frequent."""


class Interval(NamedTuple):
    """Lower and upper limit."""

    low: float
    high: float


class Detection(NamedTuple):
    """Signal detection: how far the classes lie apart, where the line is drawn.

    Attributes
    ----------
    d_prime : float
        Distance of the classes in standard deviations; 0 is no information.
    criterion : float
        Above 0 leans to answering real, below 0 to answering synthetic.
    """

    d_prime: float
    criterion: float


@dataclass(frozen=True, slots=True)
class Proportion:
    """A share of a number of trials, with its exact interval.

    Attributes
    ----------
    count, trials : int
        Successes, and trials of which they are part, at least 1.
    level : float
        Of the interval.
    """

    count: int
    trials: int
    level: float = 0.95

    @property
    def value(self) -> float:
        """The share."""
        return self.count / self.trials

    @property
    def interval(self) -> Interval:
        """The exact interval."""
        return clopper_pearson(self.count, self.trials, self.level)


def clopper_pearson(k: int, n: int, level: float = 0.95) -> Interval:
    """Return the exact interval of a proportion.

    Parameters
    ----------
    k, n : int
        Successes and trials.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    Interval
        Limits in [0, 1]; 0 where there is no success, 1 where there is no failure.

    Raises
    ------
    StudyError
        If there is no trial, or the numbers do not fit.

    Examples
    --------
    >>> low, high = clopper_pearson(50, 100)
    >>> round(low, 4), round(high, 4)
    (0.3983, 0.6017)
    """
    if not (n >= 1 and 0 <= k <= n and 0 < level < 1):
        raise StudyError(
            f"an interval needs 0 <= k <= n, n >= 1 and a level between 0 and 1; "
            f"got k={k}, n={n}, level={level}"
        )
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(beta.ppf(tail, k, n - k + 1))
    high = 1.0 if k == n else float(beta.ppf(1 - tail, k + 1, n - k))
    return Interval(low, high)


def d_prime(hits: int, n_signal: int, false_alarms: int, n_noise: int) -> Detection:
    """Return d' and the criterion c, log-linearly corrected.

    Parameters
    ----------
    hits, n_signal : int
        Synthetic pictures called synthetic, and synthetic pictures in all.
    false_alarms, n_noise : int
        Real pictures called synthetic, and real pictures in all.

    Raises
    ------
    StudyError
        If a class is empty or a count is larger than its class.

    Examples
    --------
    >>> found = d_prime(40, 50, 15, 50)
    >>> round(found.d_prime, 3), round(found.criterion, 3)
    (1.334, -0.154)
    """
    if not (0 <= hits <= n_signal and 0 <= false_alarms <= n_noise) or (
        min(n_signal, n_noise) < 1
    ):
        raise StudyError(
            f"d' needs pictures of both classes and counts within them; got {hits} of "
            f"{n_signal} synthetic, {false_alarms} of {n_noise} real"
        )
    z_hit = norm.ppf((hits + 0.5) / (n_signal + 1))
    z_false_alarm = norm.ppf((false_alarms + 0.5) / (n_noise + 1))
    return Detection(float(z_hit - z_false_alarm), float(-(z_hit + z_false_alarm) / 2))


def auc(ratings: ArrayLike, synthetic: ArrayLike) -> float:
    """Return the empirical area under the ROC curve; ties count half.

    Parameters
    ----------
    ratings : array_like of shape (N,)
        Higher means rather synthetic.
    synthetic : array_like of bool of shape (N,)
        What the pictures really are.

    Raises
    ------
    StudyError
        If one class is empty.
    """
    truth = np.asarray(synthetic, bool)
    n_signal, n_noise = int(truth.sum()), int((~truth).sum())
    if min(n_signal, n_noise) < 1:
        raise StudyError(
            f"an AUC needs pictures of both classes; got {n_signal} synthetic, "
            f"{n_noise} real"
        )
    ranks = rankdata(np.asarray(ratings))
    wins = ranks[truth].sum() - n_signal * (n_signal + 1) / 2
    return float(wins / (n_signal * n_noise))


def ordinal(said_synthetic: ArrayLike, confidence: ArrayLike) -> NDArray[np.int64]:
    """Return answers as one scale from 1 definitely real to 6 definitely synthetic.

    Parameters
    ----------
    said_synthetic : array_like of bool of shape (N,)
        The answers.
    confidence : array_like of int of shape (N,)
        1 maybe, 2 probably, 3 definitely.

    Examples
    --------
    >>> ordinal([False, False, True, True], [3, 1, 1, 3]).tolist()
    [1, 3, 4, 6]
    """
    sure = np.asarray(confidence, np.int64)
    return np.where(np.asarray(said_synthetic, bool), 3 + sure, 4 - sure)


@dataclass(frozen=True, slots=True)
class ReaderFigures:
    """What the answers of one reader come to; None where it cannot be told.

    Attributes
    ----------
    accuracy : Proportion or None
        Right answers; None without answers.
    sensitivity, specificity : Proportion or None
        Synthetic called synthetic, real called real; None for an empty class.
    detection : Detection or None
        d' and criterion; None for an empty class.
    auc : float or None
        Of the six-step scale; None for an empty class.
    """

    accuracy: Proportion | None
    sensitivity: Proportion | None
    specificity: Proportion | None
    detection: Detection | None
    auc: float | None


def figures(
    synthetic: ArrayLike, said_synthetic: ArrayLike, confidence: ArrayLike
) -> ReaderFigures:
    """Return the figures of one reader.

    Parameters
    ----------
    synthetic : array_like of bool of shape (N,)
        What the pictures really are.
    said_synthetic : array_like of bool of shape (N,)
        The answers.
    confidence : array_like of int of shape (N,)
        1 maybe, 2 probably, 3 definitely.
    """
    truth, said = np.asarray(synthetic, bool), np.asarray(said_synthetic, bool)
    n_signal, n_noise = int(truth.sum()), int((~truth).sum())
    hits, rejections = int((truth & said).sum()), int((~truth & ~said).sum())
    both = n_signal > 0 and n_noise > 0
    return ReaderFigures(
        _proportion(hits + rejections, n_signal + n_noise),
        _proportion(hits, n_signal),
        _proportion(rejections, n_noise),
        d_prime(hits, n_signal, n_noise - rejections, n_noise) if both else None,
        auc(ordinal(said, confidence), truth) if both else None,
    )


def _proportion(count: int, trials: int) -> Proportion | None:
    return Proportion(count, trials) if trials else None
