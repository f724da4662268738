"""What may be concluded, in plain words that never say more than the test."""

from __future__ import annotations

from collections.abc import Sequence

from napari_histossl.study._equivalence import ALPHA, Equivalence
from napari_histossl.study._intervals import CHANCE
from napari_histossl.study._layouts import TwoConditions
from napari_histossl.study._orh import OneCondition
from napari_histossl.study._overall import FIGURE_NAMES, AnalysisPlan, Overall
from napari_histossl.study._per_reader import ReaderSummary


def conclude(
    overall: Sequence[Overall],
    comparison: Overall | None,
    readers: Sequence[ReaderSummary],
    plan: AnalysisPlan,
) -> tuple[str, ...]:
    """Return sentences, the most important first.

    Parameters
    ----------
    overall : sequence of Overall
        Means over readers, one for each condition.
    comparison : Overall or None
        The difference of two conditions.
    readers : sequence of ReaderSummary
        One by one.
    plan : AnalysisPlan
        What was set before.
    """
    sentences: list[str] = []
    for of in overall:
        prefix = f"{of.name}: " if len(overall) > 1 else ""
        sentences.append(prefix + " ".join(_about_one(of, plan)))
    if any(of.result is not None for of in overall):
        sentences.append(_MEAN_ONLY)
    if comparison is not None:
        sentences += _about_two(comparison, plan)
    sentences += _about_readers(readers)
    if not plan.is_locked:
        sentences.append(
            "The margin and the figure of merit were not locked before the first "
            "answer: take this as exploratory."
        )
    return tuple(sentences)


def _about_one(overall: Overall, plan: AnalysisPlan) -> list[str]:
    found, test = overall.result, overall.equivalence
    if not isinstance(found, OneCondition) or test is None:
        return [f"Nothing is concluded over readers: {overall.note}."]
    name = FIGURE_NAMES[plan.figure]
    low, high = found.confidence_interval
    opening = (
        f"The mean {name} of {len(found.readers)} readers is {found.estimate:.3f} "
        f"(95 % interval {low:.3f} to {high:.3f}; one half is chance)."
    )
    differs = found.p_against(CHANCE) < ALPHA
    caution = [f"This is {overall.note}."] if overall.note else []
    return [opening, _verdict(found.estimate, test, differs), *caution]


_MEAN_ONLY = (
    "This is about the mean of readers like these on pictures like these: readers of "
    "0.3 and of 0.7 have a mean of chance, so look at each reader as well."
)


def _verdict(estimate: float, test: Equivalence, differs: bool) -> str:
    low, high = test.interval
    span = f"90 % interval {low:.3f} to {high:.3f}, {format_p(test.p)}"
    margin = f"{test.limits.low:g} to {test.limits.high:g}"
    if test.is_equivalent and differs:
        return (
            f"It differs from chance, but by less than the margin: it lies within "
            f"{margin} ({span}). Readers see something, and on average less than what "
            f"was set as relevant."
        )
    if test.is_equivalent:
        return (
            f"It is equivalent to chance within the margin of {margin} ({span}). That "
            f"does not say that nobody can tell any of the pictures."
        )
    if differs and estimate > CHANCE:
        return "On average readers tell synthetic from real better than by guessing."
    if differs:
        return (
            "On average readers see a difference but take one class for the other: "
            "they are worse than guessing."
        )
    return (
        f"Neither is shown: not that readers can tell the classes apart, and not that "
        f"they cannot, since the interval is not within {margin} ({span}). No "
        f"difference found is not evidence that the classes are indistinguishable."
    )


_MOST_NAMED = 6
"""Readers that a sentence lists by name."""


def _about_two(comparison: Overall, plan: AnalysisPlan) -> list[str]:
    found, test = comparison.result, comparison.equivalence
    if not isinstance(found, TwoConditions) or test is None:
        return [f"The conditions are not compared: {comparison.note}."]
    low, high = found.confidence_interval
    opening = (
        f"The mean {FIGURE_NAMES[plan.figure]} of {comparison.name} is "
        f"{found.estimate:+.3f} (95 % interval {low:+.3f} to {high:+.3f}, "
        f"{format_p(found.p_value)}; layout: {found.layout})."
    )
    if test.is_equivalent:
        return [opening, f"It lies within {plan.margin:g} of zero at 5 % risk."]
    if found.p_value < ALPHA:
        return [opening, "The conditions differ."]
    return [opening, "Neither a difference nor its absence is shown."]


def _about_readers(readers: Sequence[ReaderSummary]) -> list[str]:
    apart = [
        f"{of.name} ({of.figures.accuracy.count} of {of.figures.accuracy.trials})"
        for of in readers
        if of.figures.accuracy is not None
        and not (
            of.figures.accuracy.interval.low
            <= CHANCE
            <= of.figures.accuracy.interval.high
        )
    ]
    sentences = []
    if apart:
        named = ", ".join(apart)
        if len(apart) > _MOST_NAMED:
            named = f"{len(apart)} of {len(readers)} rows of the table"
        sentences.append(
            f"Taken alone, and without correction for their number, the exact 95 % "
            f"interval of accuracy leaves chance out for {named}."
        )
    sentences += [f"{of.name} {of.note}." for of in readers if of.note]
    return sentences


def format_p(p: float) -> str:
    """Return a p-value as text.

    Examples
    --------
    >>> format_p(0.0312), format_p(0.00001)
    ('p = 0.031', 'p < 0.001')
    """
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
