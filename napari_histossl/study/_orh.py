"""The mean figure of random readers on random cases, with a standard error that fits.

References
----------
N. A. Obuchowski, H. E. Rockette, "Hypothesis testing of diagnostic accuracy for
multiple readers and multiple tests: an ANOVA approach with dependent observations",
Communications in Statistics - Simulation and Computation 24(2), 1995.
S. L. Hillis, "A comparison of denominator degrees of freedom methods for multiple
observer ROC analysis", Statistics in Medicine 26, 2007, doi:10.1002/sim.2532.
S. L. Hillis, "A marginal-mean ANOVA approach for analyzing multireader multicase
radiological imaging data", Statistics in Medicine 33, 2014, doi:10.1002/sim.5926.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from napari_histossl.errors import StudyError
from napari_histossl.study._covariances import (
    Figure,
    called_synthetic,
    compute_figures,
)
from napari_histossl.study._intervals import Interval
from napari_histossl.study._ratings import Floats, RatingTable


@dataclass(frozen=True, slots=True, kw_only=True)
class OverReaders:
    """What an analysis over readers and cases says.

    Attributes
    ----------
    estimate : float
        Mean figure of the readers, or the difference of two means.
    standard_error : float
        Over samples of readers and of cases; above 0.
    df : float
        Degrees of freedom; may be infinite.
    figure : str
        What was computed for each reader.
    clusters : int
        Independent units among the cases: cases, slides or patients.
    limits : Interval
        Between which the estimate lies by its definition.
    """

    estimate: float
    standard_error: float
    df: float
    figure: Figure
    clusters: int
    limits: Interval = field(default=Interval(0.0, 1.0))

    @property
    def confidence_interval(self) -> Interval:
        """The interval of 95 %, cut off at what is possible."""
        low, high = self.interval(0.95)
        return Interval(max(low, self.limits.low), min(high, self.limits.high))

    def interval(self, level: float) -> Interval:
        """Return the interval of a level, not cut off."""
        half = float(t.ppf((1 + level) / 2, self.df)) * self.standard_error
        return Interval(self.estimate - half, self.estimate + half)

    def p_against(self, value: float) -> float:
        """Return the two-sided p-value of the hypothesis that the truth is `value`."""
        return float(
            2 * t.sf(abs(self.estimate - value) / self.standard_error, self.df)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OneCondition(OverReaders):
    """The mean figure of the readers under one condition.

    Attributes
    ----------
    readers : tuple
        Who, in the order of `reader_estimates`.
    reader_estimates : tuple of float
        The figure of each reader.
    msr : float
        Mean square of the readers.
    variance : float
        Mean variance of a reader's figure over samples of cases.
    cov2 : float
        Mean covariance of two readers' figures over samples of cases.
    """

    readers: tuple[Hashable, ...]
    reader_estimates: tuple[float, ...]
    msr: float
    variance: float
    cov2: float

    @property
    def fixed_reader_error(self) -> float:
        """Standard error if exactly these readers were meant, on other cases."""
        count = len(self.readers)
        return math.sqrt((self.variance + (count - 1) * max(self.cov2, 0.0)) / count)

    @property
    def fixed_reader_interval(self) -> Interval:
        """The interval of 95 % for exactly these readers, on other cases."""
        half = float(norm.ppf(0.975)) * self.fixed_reader_error
        return Interval(max(self.estimate - half, 0.0), min(self.estimate + half, 1.0))


class Spread(NamedTuple):
    """Standard errors and degrees of freedom of one or of many studies."""

    standard_error: NDArray[np.float64]
    df: NDArray[np.float64]


def spread_of_mean(msr: Floats, cov2: Floats, readers: int) -> Spread:
    """Return the standard error of a mean over readers, and its degrees of freedom.

    Parameters
    ----------
    msr : ndarray
        Mean squares of the readers, one a study.
    cov2 : ndarray of the same shape
        Mean covariances of two readers; below 0 counts as 0.
    readers : int
        At least 2.

    Notes
    -----
    Studies whose readers all have the same figure have infinite degrees of freedom:
    nothing speaks for a spread of readers.
    """
    of_cases = readers * np.maximum(cov2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        df = (msr + of_cases) ** 2 / (msr**2 / (readers - 1))
    df = np.where(msr > 0, df, np.inf)
    return Spread(np.sqrt((msr + of_cases) / readers), df)


def analyse_one(table: RatingTable, figure: Figure) -> OneCondition:
    """Return the mean figure of the readers of a table with one condition.

    Raises
    ------
    StudyError
        If there is one reader, a reader who always gave the same answer, or no spread
        from which a standard error could be told.
    """
    refuse_constant(table, figure)
    found = compute_figures(table, figure)
    msr, cov2 = mean_square(found.values), mean_off_diagonal(found.covariance)
    spread = spread_of_mean(np.asarray(msr), np.asarray(cov2), len(found.values))
    if spread.standard_error <= 0:
        raise StudyError(
            f"all {len(found.values)} readers have a figure of {found.values[0]:g} and "
            f"no case speaks for a spread, so no standard error can be told; report "
            f"each reader with an exact interval"
        )
    return OneCondition(
        estimate=float(found.values.mean()),
        standard_error=float(spread.standard_error),
        df=float(spread.df),
        figure=figure,
        clusters=found.clusters,
        readers=table.readers,
        reader_estimates=tuple(found.values.tolist()),
        msr=msr,
        variance=float(np.diag(found.covariance).mean()),
        cov2=cov2,
    )


def refuse_constant(table: RatingTable, figure: Figure) -> None:
    """Raise `StudyError` unless each condition has two readers who vary their answers.

    Somebody who always answers the same has an AUC of exactly one half with no spread,
    which would speak for equivalence although nothing was looked at.
    """
    for condition, name in enumerate(table.conditions):
        if len(table.rows(condition)) < 2:
            where = f" under {name!r}" if len(table.conditions) > 1 else ""
            raise StudyError(
                f"one reader{where}: nothing can be said about other readers; report "
                f"this reader alone, or ask at least two"
            )
    # Whoever only ever says synthetic, more or less surely, has no yes or no to count.
    rated = table.ratings if figure == "auc" else called_synthetic(table.ratings)
    low, high = np.nanmin(rated, axis=1), np.nanmax(rated, axis=1)
    constant = [table.readers[row] for row in np.flatnonzero(low == high)]
    if constant:
        raise StudyError(
            f"reader {constant[0]!r} gave the same answer to every picture: such "
            f"answers say nothing about the pictures and would pass for equivalence; "
            f"leave that reader out and say so"
        )


def mean_square(values: Floats) -> float:
    """Return the mean square of readers about their mean."""
    return float(values.var(ddof=1))


def mean_off_diagonal(covariance: Floats) -> float:
    """Return the mean covariance of two different readers."""
    count = len(covariance)
    return float((covariance.sum() - np.trace(covariance)) / (count * (count - 1)))
