"""How many readers and pictures a study needs, by simulation.

Each point of a curve is the share of simulated studies whose test comes out as hoped
for. All points of a curve use the same simulated people and pictures, so that they
differ by design and not by chance.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from napari_histossl.errors import StudyError
from napari_histossl.jobs import Progress
from napari_histossl.study._covariances import Figure
from napari_histossl.study._equivalence import ALPHA
from napari_histossl.study._intervals import CHANCE
from napari_histossl.study._many_studies import Means, analyse_many
from napari_histossl.study._roe_metz import (
    ReaderModel,
    SimulatedStudies,
    simulate_studies,
)

Goal = Literal["equivalence", "difference"]
"""Show that a figure is within a margin of chance, or that it is not chance."""

ENOUGH = 0.8
"""Power that a study should have."""

_AT_ONCE = 2_000_000
"""Answers that are simulated at once; some hundred megabytes."""


@dataclass(frozen=True, slots=True)
class PowerPlan:
    """What is simulated.

    Attributes
    ----------
    readers, cases : tuple of int
        Numbers of readers, at least 2; numbers of pictures in all, even, at least 8.
    figure : str
        ``auc``, ``accuracy`` or ``balanced_accuracy``: a margin on one is not a margin
        on another.
    goal : str
        What the study hopes to show.
    truth : float
        The true figure, over all readers and pictures; for a difference not 0.5.
    margin : float
        About chance; used for equivalence.
    model : ReaderModel
        How readers and pictures differ.
    per_slide : int
        Pictures of one slide; above 1 the cluster form is used.
    studies : int
        Simulated studies for each point.
    seed : int
        Where chance starts.
    """

    readers: tuple[int, ...] = (2, 3, 4, 5, 6, 8, 10, 12, 15)
    cases: tuple[int, ...] = (50, 100, 200, 300, 400)
    figure: Figure = "auc"
    goal: Goal = "equivalence"
    truth: float = CHANCE
    margin: float = 0.1
    model: ReaderModel = field(default_factory=ReaderModel)
    per_slide: int = 1
    studies: int = 1000
    seed: int = 0


@dataclass(frozen=True, slots=True)
class PowerCurve:
    """Share of studies that show what they hope to, by readers and pictures.

    Attributes
    ----------
    plan : PowerPlan
        What was simulated.
    power : tuple of tuple of float
        One row for each number of readers, one entry for each number of pictures.
    """

    plan: PowerPlan
    power: tuple[tuple[float, ...], ...]

    @property
    def uncertainty(self) -> float:
        """Half of a 95 % interval of a power of one half: the widest of the curve."""
        return 1.96 * math.sqrt(0.25 / self.plan.studies)

    def at(self, readers: int, cases: int) -> float:
        """Return the power of one design.

        Raises
        ------
        StudyError
            If that design was not simulated.
        """
        try:
            row = self.plan.readers.index(readers)
            return self.power[row][self.plan.cases.index(cases)]
        except ValueError as error:
            raise StudyError(
                f"{readers} readers and {cases} pictures were not simulated; the curve "
                f"has {self.plan.readers} readers and {self.plan.cases} pictures"
            ) from error

    def fewest_cases(self, readers: int, enough: float = ENOUGH) -> int | None:
        """Return the fewest pictures with enough power; None if none of the curve."""
        row = self.power[self.plan.readers.index(readers)]
        found = (
            cases
            for cases, power in zip(self.plan.cases, row, strict=True)
            if power >= enough
        )
        return next(found, None)


def power_curve(plan: PowerPlan) -> PowerCurve:
    """Return the power for each number of readers and of pictures.

    Parameters
    ----------
    plan : PowerPlan
        What to simulate.

    Raises
    ------
    StudyError
        If a number does not make a study.
    """
    work = iterate_power(plan)
    while True:
        try:
            next(work)
        except StopIteration as done:
            curve: PowerCurve = done.value
            return curve


def iterate_power(plan: PowerPlan) -> Generator[Progress, None, PowerCurve]:
    """Simulate as `power_curve` does, a few hundred studies a step; returns the curve.

    Yields
    ------
    Progress
        Studies simulated.

    Raises
    ------
    StudyError
        If a number does not make a study.
    """
    _check(plan)
    shown = np.zeros((len(plan.readers), len(plan.cases)), np.int64)
    done = 0
    for studies in _simulate(plan):
        for row, readers in enumerate(plan.readers):
            for column, cases in enumerate(plan.cases):
                means = analyse_many(studies.first(readers, cases // 2), plan.figure)
                shown[row, column] += int(_is_shown(means, plan).sum())
        done += len(studies.real)
        yield Progress(done, plan.studies)
    power = shown / plan.studies
    return PowerCurve(plan, tuple(tuple(row) for row in power.tolist()))


def _check(plan: PowerPlan) -> None:
    if min(plan.readers) < 2:
        raise StudyError(
            f"nothing can be said about other readers from fewer than 2; got "
            f"{min(plan.readers)}"
        )
    slides = min(plan.cases) // 2 // plan.per_slide
    if min(plan.cases) < 8 or any(cases % 2 for cases in plan.cases) or slides < 2:
        raise StudyError(
            f"a study has an even number of pictures, at least 8, of at least 2 slides "
            f"of each class; got {plan.cases} with {plan.per_slide} of a slide"
        )
    if plan.figure == "called_synthetic":
        raise StudyError(
            "the share called synthetic is chance at no value of its own; plan for "
            "auc, accuracy or balanced_accuracy"
        )
    if not 0 < plan.margin < CHANCE or plan.studies < 1:
        raise StudyError(
            f"a margin lies between 0 and 0.5 and there is at least one study to "
            f"simulate; got margin {plan.margin}, {plan.studies} studies"
        )


def _simulate(plan: PowerPlan) -> Iterator[SimulatedStudies]:
    """Simulate the largest design, as many studies at a time as memory allows."""
    rng = np.random.default_rng(plan.seed)
    separation = plan.model.separation_for(plan.truth, plan.figure)
    readers, per_class = max(plan.readers), max(plan.cases) // 2
    at_once = max(_AT_ONCE // (2 * readers * per_class), 1)
    for start in range(0, plan.studies, at_once):
        shape = (min(at_once, plan.studies - start), readers, per_class)
        yield simulate_studies(plan.model, separation, shape, rng, plan.per_slide)


def _is_shown(means: Means, plan: PowerPlan) -> NDArray[np.bool_]:
    """Return which studies show what they hope to, at 5 %."""
    off = np.abs(means.estimate - CHANCE)
    if plan.goal == "difference":
        # Two-sided; a study without any spread shows nothing.
        half = t.ppf(1 - ALPHA / 2, means.df) * means.standard_error
        beyond: NDArray[np.bool_] = (off > half) & (half > 0)
        return beyond
    half = t.ppf(1 - ALPHA, means.df) * means.standard_error
    within: NDArray[np.bool_] = (off + half < plan.margin) & (half > 0)
    return within
