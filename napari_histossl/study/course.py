"""How answers change in the course of a study: drift, and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t

from napari_histossl.study._intervals import Interval

PER_PICTURES = 100
"""Drift is given per this many pictures."""


class Quartiles(NamedTuple):
    """Median with the quartiles beside it."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Times:
    """How long one reader took for a picture, in milliseconds.

    Attributes
    ----------
    all : Quartiles
        Of all answers.
    right, wrong : Quartiles or None
        Of right and of wrong answers; None where there is none.
    """

    all: Quartiles
    right: Quartiles | None
    wrong: Quartiles | None


@dataclass(frozen=True, slots=True)
class MeanOfReaders:
    """A mean over readers, each of whom counts once.

    Attributes
    ----------
    per_reader : tuple of float
        One value for each reader.
    mean : float
        Their mean.
    interval : Interval or None
        Of 95 %, by Student's t; None with fewer than three readers.
    """

    per_reader: tuple[float, ...]
    mean: float
    interval: Interval | None

    @property
    def differs_from_zero(self) -> bool:
        """Whether the interval leaves zero out."""
        return self.interval is not None and not (
            self.interval.low <= 0 <= self.interval.high
        )


def summarise_times(rt_ms: ArrayLike, correct: ArrayLike) -> Times:
    """Return how long a reader took.

    Parameters
    ----------
    rt_ms : array_like of shape (N,)
        Milliseconds from the first frame to the answer, at least one.
    correct : array_like of bool of shape (N,)
        Which answers were right.
    """
    time, right = np.asarray(rt_ms, np.float64), np.asarray(correct, bool)
    return Times(
        _quartiles(time),
        _quartiles(time[right]) if right.any() else None,
        _quartiles(time[~right]) if not right.all() else None,
    )


def _quartiles(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> Quartiles:
    return Quartiles(*np.quantile(values, (0.25, 0.5, 0.75)).tolist())


def drift(position: ArrayLike, correct: ArrayLike) -> float | None:
    """Return the change of accuracy per 100 pictures of one reader.

    Parameters
    ----------
    position : array_like of shape (N,)
        Which picture it was, in the order shown.
    correct : array_like of bool of shape (N,)
        Which answers were right.

    Returns
    -------
    float or None
        Slope of a straight line; None with fewer than three pictures.
    """
    place, right = np.asarray(position, np.float64), np.asarray(correct, np.float64)
    if len(place) < 3:
        return None
    centred = place - place.mean()
    return float((centred * right).sum() / (centred**2).sum() * PER_PICTURES)


def mean_of_readers(per_reader: Sequence[float]) -> MeanOfReaders:
    """Return the mean over readers.

    Parameters
    ----------
    per_reader : sequence of float
        One value for each reader, at least one.
    """
    values = np.asarray(per_reader, np.float64)
    interval = None
    if len(values) >= 3:
        half = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        interval = Interval(float(values.mean() - half), float(values.mean() + half))
    return MeanOfReaders(tuple(values.tolist()), float(values.mean()), interval)
