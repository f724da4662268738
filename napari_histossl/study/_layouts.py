"""The difference of two conditions, in three layouts.

=================== ================== ======================= =====================
layout              readers            cases                   example
=================== ================== ======================= =====================
factorial           the same           the same                with and without a map
readers nested      of one each        the same                experts and trainees
cases nested        the same           of one each, or partly  two generators, the
                                       shared                  real pictures shared
=================== ================== ======================= =====================

References
----------
S. L. Hillis, "A comparison of denominator degrees of freedom methods for multiple
observer ROC analysis", Statistics in Medicine 26, 2007, doi:10.1002/sim.2532: the
factorial layout.
S. L. Hillis, "A marginal-mean ANOVA approach for analyzing multireader multicase
radiological imaging data", Statistics in Medicine 33, 2014, doi:10.1002/sim.5926:
readers nested (groups of equal size) and cases nested. Changed: where cases are partly
shared, covariances between conditions come from what is shared and are not set to 0.
F. E. Satterthwaite, "An approximate distribution of estimates of variance components",
Biometrics Bulletin 2(6), 1946, doi:10.2307/3002019: groups of readers of unequal size
keep a mean square of their own each, and the degrees of freedom of the sum are
Satterthwaite's, as in B. L. Welch, Biometrika 34, 1947, doi:10.1093/biomet/34.1-2.28.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from scipy.stats import f as f_distribution

from napari_histossl.errors import StudyError
from napari_histossl.study._covariances import Figure, Figures, compute_figures
from napari_histossl.study._intervals import Interval
from napari_histossl.study._orh import (
    OverReaders,
    mean_off_diagonal,
    mean_square,
    refuse_constant,
)
from napari_histossl.study._ratings import Floats, RatingTable

Layout = Literal["factorial", "readers nested", "cases nested"]
"""Which of readers and cases two conditions share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TwoConditions(OverReaders):
    """The difference of the mean figures under two conditions, first minus second.

    Attributes
    ----------
    layout : str
        Which of readers and cases the conditions share.
    conditions : tuple of two
        Their names.
    condition_estimates : tuple of two floats
        Mean figure under each.
    mst : float
        Mean square of the conditions; not a number for groups of unequal size.
    ms_error : float
        Mean square of condition by reader, or of readers within conditions.
    cov1 : float
        Covariance of one reader's figures under both; not a number if readers are
        nested.
    cov2, cov3 : float
        Covariance of two readers under one condition, and under different ones.
    f, p_value : float
        Of the hypothesis of no difference, with 1 and `df` degrees of freedom.
    """

    layout: Layout
    conditions: tuple[Hashable, Hashable]
    condition_estimates: tuple[float, float]
    mst: float
    ms_error: float
    cov1: float
    cov2: float
    cov3: float
    f: float
    p_value: float


class _Spread(NamedTuple):
    """How a difference varies: its variance, degrees of freedom, and their sources."""

    variance: float
    df: float
    mst: float
    ms_error: float
    cov1: float
    cov2: float
    cov3: float


def layout_of(table: RatingTable) -> Layout:
    """Return which layout the ratings have.

    Raises
    ------
    StudyError
        If the groups of readers overlap in part, or both readers and cases differ.
    """
    first, second = (set(table.readers_of(condition)) for condition in (0, 1))
    cases = [table.inside[table.rows(condition)[0]] for condition in (0, 1)]
    same_cases = bool((cases[0] == cases[1]).all())
    if first == second:
        return "factorial" if same_cases else "cases nested"
    if first & second:
        raise StudyError(
            f"{len(first & second)} readers read under both conditions and others "
            f"under one: compare those who read under both, or two separate groups"
        )
    if not same_cases:
        raise StudyError(
            "readers and pictures both differ between the conditions, so a difference "
            "could come from either; let both groups read the same pictures"
        )
    return "readers nested"


def analyse_two(table: RatingTable, figure: Figure) -> TwoConditions:
    """Return the difference of the two conditions of a table.

    Raises
    ------
    StudyError
        If the layout is none of the three, a condition has one reader, a reader always
        gave the same answer, or no spread is left from which to tell an error.
    """
    layout = layout_of(table)
    refuse_constant(table, figure)
    found = compute_figures(table, figure)
    spread = (
        _readers_nested(table, found)
        if layout == "readers nested"
        else _same_readers(table, found)
    )
    means = [float(found.values[table.rows(condition)].mean()) for condition in (0, 1)]
    if spread.variance <= 0:
        raise StudyError(
            "the readers differ between the conditions by the same amount and no case "
            "speaks for a spread, so no standard error can be told"
        )
    difference = means[0] - means[1]
    statistic = difference**2 / spread.variance
    return TwoConditions(
        estimate=difference,
        standard_error=float(np.sqrt(spread.variance)),
        df=spread.df,
        figure=figure,
        clusters=found.clusters,
        limits=Interval(-1.0, 1.0),
        layout=layout,
        conditions=(table.conditions[0], table.conditions[1]),
        condition_estimates=(means[0], means[1]),
        mst=spread.mst,
        ms_error=spread.ms_error,
        cov1=spread.cov1,
        cov2=spread.cov2,
        cov3=spread.cov3,
        f=statistic,
        p_value=float(f_distribution.sf(statistic, 1, spread.df)),
    )


def _same_readers(table: RatingTable, found: Figures) -> _Spread:
    rows = _paired_rows(table)
    count = len(rows[0])
    values = found.values[rows]  # conditions, readers
    within = [found.covariance[np.ix_(of, of)] for of in rows]
    between = found.covariance[np.ix_(rows[0], rows[1])]
    cov2 = float(np.mean([mean_off_diagonal(block) for block in within]))
    cov3 = mean_off_diagonal(between)
    # Of two conditions, condition by reader has half the mean square of differences.
    ms_error = mean_square(values[0] - values[1]) / 2
    mst = count * float(values.mean(axis=1).var(ddof=1))
    noise = ms_error + count * max(cov2 - cov3, 0.0)
    df = noise**2 / (ms_error**2 / (count - 1)) if ms_error > 0 else np.inf
    cov1 = float(np.trace(between)) / count
    return _Spread(2 / count * noise, df, mst, ms_error, cov1, cov2, cov3)


def _paired_rows(table: RatingTable) -> Floats:
    """Return the rows of both conditions, in one order of readers."""
    first = table.rows(0)
    of_second = dict(zip(table.readers_of(1), table.rows(1), strict=True))
    return np.array([first, [of_second[table.readers[row]] for row in first]])


def _readers_nested(table: RatingTable, found: Figures) -> _Spread:
    rows = [table.rows(condition) for condition in (0, 1)]
    counts = np.array([len(of) for of in rows])
    squares = np.array([mean_square(found.values[of]) for of in rows])
    cov2_of = np.array(
        [mean_off_diagonal(found.covariance[np.ix_(of, of)]) for of in rows]
    )
    cov3 = float(found.covariance[np.ix_(rows[0], rows[1])].mean())
    of_cases = max(float(cov2_of.sum()) - 2 * cov3, 0.0)
    variance = float((squares / counts).sum()) + of_cases
    if counts[0] == counts[1]:
        pooled = squares.mean()
        lost = (2 * pooled / counts[0]) ** 2 / (2 * (counts[0] - 1))
        means = np.array([found.values[of].mean() for of in rows])
        mst = float(counts[0] * means.var(ddof=1))
    else:
        lost = float(((squares / counts) ** 2 / (counts - 1)).sum())
        mst = np.nan
    df = variance**2 / lost if lost > 0 else np.inf
    cov2 = float(cov2_of.mean())
    return _Spread(variance, float(df), mst, float(squares.mean()), np.nan, cov2, cov3)
