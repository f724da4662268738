"""How far readers agree with one another, and each with themselves.

Where pictures cannot be told apart, answers are guesses and agreement is low: that is
what the question asks for, not poor reliability.

References
----------
J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological
Measurement 20(1), 1960, doi:10.1177/001316446002000104; weighted: Psychological
Bulletin 70(4), 1968, doi:10.1037/h0026256.
J. L. Fleiss, "Measuring nominal scale agreement among many raters", Psychological
Bulletin 76(5), 1971, doi:10.1037/h0031619.
K. L. Gwet, "Computing inter-rater reliability and its variance in the presence of high
agreement", British Journal of Mathematical and Statistical Psychology 61, 2008,
doi:10.1348/000711006X126600: AC1, which does not collapse where nearly all answers are
alike.
K. Krippendorff, "Content Analysis", 4th edition, 2018, chapter 12: alpha, also where
answers are missing.

Changed: intervals are from a bootstrap of cases for all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_histossl.errors import StudyError
from napari_histossl.study._intervals import Interval

Floats = NDArray[np.float64]
Scale = Literal["nominal", "ordinal", "interval"]
"""How far two answers lie apart: all the same, by rank, or by their difference."""

RESAMPLES = 2000
"""Bootstrap samples of cases behind an interval."""

_LEAST_DEFINED = 0.9
"""Share of bootstrap samples that must have a value for an interval to be told."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """A coefficient of agreement.

    Attributes
    ----------
    value : float
        1 for perfect agreement, 0 for that of chance.
    interval : Interval or None
        Of 95 %, from a bootstrap of cases; None where samples have no value, or all the
        same.
    """

    value: float
    interval: Interval | None


def cohen_kappa(
    first: ArrayLike, second: ArrayLike, weights: Literal["quadratic"] | None = None
) -> Agreement:
    """Return Cohen's kappa of two readers, or of one reader twice.

    Parameters
    ----------
    first, second : array_like of shape (cases,)
        Answers to the same cases; numbers where weighted.
    weights : str, optional
        ``quadratic`` counts far answers as worse.

    Raises
    ------
    StudyError
        If there are fewer than two cases, or all answers are the same.
    """
    answers = np.stack([np.asarray(first), np.asarray(second)])
    categories, code = _codes(answers)
    count = len(categories)
    disagreement: Floats = 1 - np.eye(count)
    if weights == "quadratic":
        value = categories.astype(np.float64)
        disagreement = (value[:, None] - value[None, :]) ** 2
    cell = code[0] * count + code[1]
    features = np.eye(count**2)[cell]

    def finish(sums: Floats) -> Floats:
        table = sums.reshape(*sums.shape[:-1], count, count)
        table = table / table.sum(axis=(-1, -2), keepdims=True)
        expected = table.sum(axis=-1)[..., :, None] * table.sum(axis=-2)[..., None, :]
        seen = (table * disagreement).sum(axis=(-1, -2))
        by_chance = (expected * disagreement).sum(axis=(-1, -2))
        return _one_minus(seen, by_chance)

    return _with_interval(features, finish)


def fleiss_kappa(answers: ArrayLike) -> Agreement:
    """Return Fleiss' kappa.

    Parameters
    ----------
    answers : array_like of shape (readers, cases)
        All readers answered all cases.

    Raises
    ------
    StudyError
        If there are fewer than two readers or cases, or all answers are the same.
    """
    return _beyond(answers, lambda shares: (shares**2).sum(axis=-1))


def gwet_ac1(answers: ArrayLike) -> Agreement:
    """Return Gwet's AC1.

    Parameters
    ----------
    answers : array_like of shape (readers, cases)
        All readers answered all cases.

    Raises
    ------
    StudyError
        If there are fewer than two readers or cases, or all answers are the same.
    """
    return _beyond(
        answers,
        lambda shares: (shares * (1 - shares)).sum(axis=-1) / (shares.shape[-1] - 1),
    )


def krippendorff_alpha(answers: ArrayLike, scale: Scale = "nominal") -> Agreement:
    """Return Krippendorff's alpha.

    Parameters
    ----------
    answers : array_like of shape (readers, cases)
        Numbers; not a number where a reader did not answer.
    scale : str
        How far two answers lie apart.

    Raises
    ------
    StudyError
        If fewer than two cases have two answers, or all answers are the same.
    """
    rated = np.asarray(answers, np.float64)
    present = ~np.isnan(rated)
    rated = rated[:, present.sum(axis=0) >= 2]
    if rated.shape[1] < 2:
        raise StudyError(
            "agreement needs at least two cases that two readers answered; there are "
            f"{rated.shape[1]}"
        )
    categories, code = _codes(np.where(np.isnan(rated), np.nanmin(rated), rated))
    one_hot = np.eye(len(categories))[code] * ~np.isnan(rated)[..., None]
    counts = one_hot.sum(axis=0)  # cases, categories
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= counts[:, :, None] * np.eye(len(categories))
    pairs /= counts.sum(axis=1)[:, None, None] - 1

    def finish(sums: Floats) -> Floats:
        shape = (*sums.shape[:-1], len(categories), len(categories))
        seen, total = sums.reshape(shape), sums.sum(axis=-1)
        margin = seen.sum(axis=-1)
        apart = _distances(margin, categories.astype(np.float64), scale)
        expected = margin[..., :, None] * margin[..., None, :]
        disagreed = (total - 1) * (seen * apart).sum(axis=(-1, -2))
        return _one_minus(disagreed, (expected * apart).sum(axis=(-1, -2)))

    return _with_interval(pairs.reshape(len(counts), -1), finish)


def _distances(margin: Floats, values: Floats, scale: Scale) -> Floats:
    if scale == "nominal":
        return 1 - np.eye(len(values))
    if scale == "interval":
        squared: Floats = (values[:, None] - values[None, :]) ** 2
        return squared
    # Ranks: all answers up to the middle of a category lie below it.
    middle = np.cumsum(margin, axis=-1) - margin / 2
    by_rank: Floats = (middle[..., :, None] - middle[..., None, :]) ** 2
    return by_rank


def _codes(
    answers: NDArray[np.generic],
) -> tuple[NDArray[np.generic], NDArray[np.intp]]:
    """Return the different answers, and the place of each among them."""
    if answers.ndim != 2 or answers.shape[0] < 2 or answers.shape[1] < 2:
        raise StudyError(
            f"agreement needs at least two readers and two cases that both answered; "
            f"got answers of shape {answers.shape}"
        )
    categories, code = np.unique(answers, return_inverse=True)
    if len(categories) < 2:
        raise StudyError(
            "all answers are the same, so agreement beyond chance has no value"
        )
    return categories, code.reshape(answers.shape)


def _beyond(answers: ArrayLike, chance_of: Callable[[Floats], Floats]) -> Agreement:
    """Return the agreement of pairs beyond chance, which follows from the shares."""

    def finish(sums: Floats) -> Floats:
        means = sums / sums[..., :1]
        return _one_minus(1 - means[..., 1], 1 - chance_of(means[..., 2:]))

    return _with_interval(_pairs_and_shares(answers), finish)


def _pairs_and_shares(answers: ArrayLike) -> Floats:
    """Return for each case 1, the share of agreeing pairs, and of each answer."""
    categories, code = _codes(np.asarray(answers))
    readers = len(code)
    counts = np.eye(len(categories))[code].sum(axis=0)
    agreeing = ((counts**2).sum(axis=1) - readers) / (readers * (readers - 1))
    return np.column_stack([np.ones(len(counts)), agreeing, counts / readers])


def _one_minus(seen: Floats, by_chance: Floats) -> Floats:
    """Return 1 - disagreement seen / expected; not a number where none is expected."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value: Floats = np.where(by_chance > 0, 1 - seen / by_chance, np.nan)
    return value


def _with_interval(features: Floats, finish: Callable[[Floats], Floats]) -> Agreement:
    """Return the coefficient of sums over cases, and of sums over drawn cases."""
    rng = np.random.default_rng(0)
    cases = len(features)
    times = rng.multinomial(cases, np.full(cases, 1 / cases), RESAMPLES)
    drawn = finish(times @ features)
    defined = drawn[np.isfinite(drawn)]
    interval = None
    if len(defined) >= _LEAST_DEFINED * RESAMPLES:
        low, high = np.quantile(defined, (0.025, 0.975)).tolist()
        # Full agreement stays full in every sample: no width is not certainty.
        interval = Interval(low, high) if high > low else None
    return Agreement(float(finish(features.sum(axis=0))), interval)
