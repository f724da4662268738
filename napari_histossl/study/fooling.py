"""Which pictures and which generators pass for real.

A picture is judged by few readers, so its rate has a wide interval and a ranking of
pictures is a place to look, not a finding. Generators are compared with Holm's
correction.

References
----------
S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
of Statistics 6(2), 1979.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from napari_histossl.errors import StudyError
from napari_histossl.study._covariances import Figure
from napari_histossl.study._intervals import Interval, Proportion
from napari_histossl.study._layouts import TwoConditions
from napari_histossl.study._orh import OneCondition
from napari_histossl.study.readings import Reading
from napari_histossl.study.statistics import obuchowski_rockette


@dataclass(frozen=True, slots=True)
class PictureRate:
    """How often one picture was called real.

    Attributes
    ----------
    case_id, file, generator : str
        Which picture.
    synthetic : bool
        What it is.
    called_real : Proportion
        Readers who called it real, of those who read it.
    """

    case_id: str
    file: str
    generator: str
    synthetic: bool
    called_real: Proportion


@dataclass(frozen=True, slots=True)
class GeneratorRate:
    """How often the pictures of one generator were called real.

    Attributes
    ----------
    generator : str
        Which.
    pictures : int
        How many of it.
    rate : float
        Mean over readers of the share called real.
    interval : Interval or None
        Of 95 %, over readers and pictures; None where it cannot be told.
    note : str
        Why there is no interval; empty if there is one.
    """

    generator: str
    pictures: int
    rate: float
    interval: Interval | None
    note: str


@dataclass(frozen=True, slots=True)
class GeneratorPair:
    """Two generators compared by the AUC of readers against the same real pictures.

    Attributes
    ----------
    first, second : str
        Which.
    result : TwoConditions or None
        First minus second; None where it cannot be told.
    p_holm : float or None
        Corrected for the number of pairs.
    note : str
        Why there is no result.
    """

    first: str
    second: str
    result: TwoConditions | None
    p_holm: float | None
    note: str


def holm(p_values: ArrayLike) -> list[float]:
    """Return p-values corrected for their number.

    Parameters
    ----------
    p_values : array_like of shape (N,)
        One for each hypothesis.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, np.float64)
    order = np.argsort(p)
    steps = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    corrected = np.empty(len(p))
    corrected[order] = np.minimum(steps, 1.0)
    return [float(value) for value in corrected]


def rate_pictures(readings: Sequence[Reading]) -> tuple[PictureRate, ...]:
    """Return the rate of each picture, those called real most often first.

    Parameters
    ----------
    readings : sequence of Reading
        First readings.
    """
    by_case: dict[str, list[Reading]] = {}
    for reading in readings:
        by_case.setdefault(reading.case_id, []).append(reading)
    rates = [
        PictureRate(
            case_id,
            of[0].file,
            of[0].generator,
            of[0].synthetic,
            Proportion(sum(not reading.said_synthetic for reading in of), len(of)),
        )
        for case_id, of in by_case.items()
    ]
    return tuple(
        sorted(rates, key=lambda rate: (-rate.called_real.value, rate.case_id))
    )


def rate_generators(readings: Sequence[Reading]) -> tuple[GeneratorRate, ...]:
    """Return the rate of each generator, sorted by name.

    Parameters
    ----------
    readings : sequence of Reading
        First readings of complete readers.
    """
    return tuple(_rate_generator(name, readings) for name in generators_of(readings))


def compare_generators(readings: Sequence[Reading]) -> tuple[GeneratorPair, ...]:
    """Return each pair of generators, corrected for their number.

    Parameters
    ----------
    readings : sequence of Reading
        First readings of complete readers.
    """
    pairs = [
        _compare(first, second, readings)
        for first, second in combinations(generators_of(readings), 2)
    ]
    tested = [index for index, pair in enumerate(pairs) if pair.result is not None]
    corrected = holm([_p_of(pairs[index]) for index in tested])
    for index, p_holm in zip(tested, corrected, strict=True):
        pairs[index] = replace(pairs[index], p_holm=p_holm)
    return tuple(pairs)


def generators_of(readings: Sequence[Reading]) -> list[str]:
    """Return the generators of the synthetic pictures, sorted."""
    return sorted({reading.generator for reading in readings if reading.synthetic})


def analyse_readings(
    readings: Sequence[Reading],
    condition: Sequence[str] | None = None,
    figure: Figure = "auc",
) -> OneCondition | TwoConditions:
    """Return what `obuchowski_rockette` says of readings.

    Parameters
    ----------
    readings : sequence of Reading
        First readings of complete readers.
    condition : sequence of str, optional
        One of two conditions for each reading.
    figure : str
        Figure of merit.

    Raises
    ------
    StudyError
        As `obuchowski_rockette`.
    """
    if not readings:
        raise StudyError("there are no complete readings to analyse")
    return obuchowski_rockette(
        [
            reading.rating if figure == "auc" else reading.said_synthetic
            for reading in readings
        ],
        [reading.synthetic for reading in readings],
        readers=[reading.reader for reading in readings],
        cases=[reading.case_id for reading in readings],
        condition=condition,
        clusters=_clusters(readings),
        figure=figure,
    )


def _clusters(readings: Sequence[Reading]) -> list[str] | None:
    if not any(reading.cluster for reading in readings):
        return None
    return [
        f"slide {reading.cluster}" if reading.cluster else f"case {reading.case_id}"
        for reading in readings
    ]


def _against_real(generator: str, readings: Sequence[Reading]) -> list[Reading]:
    return [of for of in readings if not of.synthetic or of.generator == generator]


def _rate_generator(generator: str, readings: Sequence[Reading]) -> GeneratorRate:
    chosen = _against_real(generator, readings)
    made = [reading for reading in chosen if reading.synthetic]
    rate = float(np.mean([not reading.said_synthetic for reading in made]))
    pictures = len({reading.case_id for reading in made})
    try:
        found = analyse_readings(chosen, figure="called_synthetic")
    except StudyError as error:
        return GeneratorRate(generator, pictures, rate, None, str(error))
    low, high = found.confidence_interval
    return GeneratorRate(generator, pictures, rate, Interval(1 - high, 1 - low), "")


def _compare(first: str, second: str, readings: Sequence[Reading]) -> GeneratorPair:
    both = [_against_real(generator, readings) for generator in (first, second)]
    condition = [first] * len(both[0]) + [second] * len(both[1])
    try:
        found = analyse_readings([*both[0], *both[1]], condition)
    except StudyError as error:
        return GeneratorPair(first, second, None, None, str(error))
    assert isinstance(found, TwoConditions)
    return GeneratorPair(first, second, found, None, "")


def _p_of(pair: GeneratorPair) -> float:
    assert pair.result is not None
    return pair.result.p_value
