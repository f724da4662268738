"""Shares of trials and their intervals.

References
----------
C. J. Clopper, E. S. Pearson, "The use of confidence or fiducial limits illustrated in
the case of the binomial", Biometrika 26(4), 1934, doi:10.1093/biomet/26.4.404.
E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
Journal of the American Statistical Association 22(158), 1927,
doi:10.1080/01621459.1927.10502953.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.stats import beta, norm

from napari_histossl.errors import StudyError

CHANCE = 0.5
"""Expected accuracy of guessing where both classes are equally frequent."""


class Interval(NamedTuple):
    """Lower and upper limit."""

    low: float
    high: float


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
    _check_counts(k, n, level)
    tail = (1 - level) / 2
    low = 0.0 if k == 0 else float(beta.ppf(tail, k, n - k + 1))
    high = 1.0 if k == n else float(beta.ppf(1 - tail, k + 1, n - k))
    return Interval(low, high)


def wilson(k: int, n: int, level: float = 0.95) -> Interval:
    """Return the score interval of a proportion, shorter than the exact one.

    Parameters
    ----------
    k, n : int
        Successes and trials.
    level : float
        Coverage on average, between 0 and 1.

    Raises
    ------
    StudyError
        If there is no trial, or the numbers do not fit.
    """
    _check_counts(k, n, level)
    z = float(norm.ppf((1 + level) / 2))
    share = k / n
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    return Interval(max(float(centre - half), 0.0), min(float(centre + half), 1.0))


def _check_counts(k: int, n: int, level: float) -> None:
    if not (n >= 1 and 0 <= k <= n and 0 < level < 1):
        raise StudyError(
            f"an interval needs 0 <= k <= n, n >= 1 and a level between 0 and 1; "
            f"got k={k}, n={n}, level={level}"
        )
