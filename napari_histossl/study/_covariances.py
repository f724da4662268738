"""Figures of merit of readers, and how they vary together from sample to sample.

A figure is written as its value plus what each case adds to it. The covariance of two
figures is a sum over cases that both share; cases of one slide or patient are added up
first, so that the sum runs over what is independent.

References
----------
E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, Biometrics 44(3), 1988,
doi:10.2307/2531595: for the AUC, what a case adds is its placement value.
N. A. Obuchowski, "Nonparametric analysis of clustered ROC curve data", Biometrics
53(2), 1997, doi:10.2307/2533958: sums within clusters, and the cross term of clusters
that hold both classes. Changed: figures may share a part of their cases only. Then the
sum runs over shared clusters, and the factor that makes it unbiased counts them, where
all are shared it is m / (m - 1) as published.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import StudyError
from napari_histossl.study._auc import placements
from napari_histossl.study._ratings import Bools, Floats, RatingTable

Figure = Literal["auc", "accuracy", "balanced_accuracy", "called_synthetic"]
"""What is computed for each reader."""

MIDDLE_OF_SCALE = 3.5
"""On the scale 1 to 6, ratings above it say synthetic."""


@dataclass(frozen=True, slots=True)
class Figures:
    """A figure of merit for each row of a table.

    Attributes
    ----------
    values : ndarray of shape (rows,)
        The figures.
    covariance : ndarray of shape (rows, rows)
        Their covariance over samples of cases.
    clusters : int
        Independent units among the cases.
    """

    values: Floats
    covariance: Floats
    clusters: int


@dataclass(frozen=True, slots=True)
class Part:
    """What the cases of one part of the sample add to figures.

    Attributes
    ----------
    added : ndarray of shape (rows, cases)
        For each figure, what each case adds to it; 0 outside, sums to 0.
    members : ndarray of bool of shape (rows, cases)
        Which cases the part runs over.
    """

    added: Floats
    members: Bools


def compute_figures(table: RatingTable, figure: Figure) -> Figures:
    """Return a figure of merit for each reader under each condition.

    Parameters
    ----------
    table : RatingTable
        The ratings.
    figure : str
        Which; see `Figure`.

    Raises
    ------
    StudyError
        If the figure does not fit the scale, or a class has fewer than two independent
        cases.
    """
    rated = table.ratings if figure == "auc" else called_synthetic(table.ratings)
    values, rows = [], []
    for rating, inside in zip(rated, table.inside, strict=True):
        value, parts = _FIGURES[figure](rating, table.synthetic & inside, inside)
        values.append(value)
        rows.append(parts)
    joined = [
        Part(np.stack([added for added, _ in part]), np.stack([of for _, of in part]))
        for part in zip(*rows, strict=True)
    ]
    covariance = covariances(joined, table.clusters)
    return Figures(np.array(values), covariance, len(np.unique(table.clusters)))


def check_figure(figure: str) -> Figure:
    """Return a figure of merit by name; raise `StudyError` if there is none such."""
    if figure not in _FIGURES:
        raise StudyError(
            f"there is no figure of merit {figure!r}; choose one of "
            f"{', '.join(sorted(_FIGURES))}"
        )
    return cast("Figure", figure)


def called_synthetic(ratings: Floats) -> Floats:
    """Return 1 where a rating says synthetic, 0 where it says real.

    Parameters
    ----------
    ratings : ndarray
        Answers as 0 and 1, or on the scale 1 to 6; not a number where missing.

    Raises
    ------
    StudyError
        If the ratings are on another scale.
    """
    found = np.unique(ratings[~np.isnan(ratings)])
    if np.isin(found, (0, 1)).all() and 0 in found:
        return ratings
    if found.min() < 1 or found.max() > 6:
        raise StudyError(
            f"yes or no needs answers 0 and 1, or the scale 1 to 6; got ratings from "
            f"{found.min():g} to {found.max():g}"
        )
    said = (ratings > MIDDLE_OF_SCALE).astype(np.float64)
    said[np.isnan(ratings)] = np.nan
    return said


Parts = tuple[tuple[Floats, Bools], ...]
"""For one figure: what each case adds, and which cases it runs over, part by part."""


def _auc_parts(rating: Floats, synthetic: Bools, inside: Bools) -> tuple[float, Parts]:
    real = inside & ~synthetic
    of_synthetic, of_real = placements(rating[inside], synthetic[inside])
    area = float(of_synthetic.mean())
    placed = np.zeros(len(rating))
    placed[synthetic], placed[real] = of_synthetic, of_real
    return area, tuple(_centred(placed, of, area) for of in (synthetic, real))


def _accuracy_parts(
    said: Floats, synthetic: Bools, inside: Bools
) -> tuple[float, Parts]:
    right = (said == synthetic).astype(np.float64)
    share = float(right[inside].mean())
    return share, (_centred(right, inside, share),)


def _balanced_parts(
    said: Floats, synthetic: Bools, inside: Bools
) -> tuple[float, Parts]:
    right = (said == synthetic).astype(np.float64)
    classes = (synthetic, inside & ~synthetic)
    shares = [float(right[of].mean()) for of in classes]
    parts = (
        _centred(right / 2, of, share / 2)
        for of, share in zip(classes, shares, strict=True)
    )
    return sum(shares) / 2, tuple(parts)


def _called_parts(said: Floats, synthetic: Bools, inside: Bools) -> tuple[float, Parts]:
    share = float(said[synthetic].mean())
    return share, (_centred(said, synthetic, share),)


def _centred(values: Floats, members: Bools, mean: float) -> tuple[Floats, Bools]:
    return np.where(members, values - mean, 0.0) / members.sum(), members


_FIGURES: dict[str, Callable[[Floats, Bools, Bools], tuple[float, Parts]]] = {
    "auc": _auc_parts,
    "accuracy": _accuracy_parts,
    "balanced_accuracy": _balanced_parts,
    "called_synthetic": _called_parts,
}


def covariances(parts: Sequence[Part], clusters: NDArray[np.int64]) -> Floats:
    """Return the covariance of figures over samples of cases.

    Parameters
    ----------
    parts : sequence of Part
        What each case adds to each figure.
    clusters : ndarray of int of shape (cases,)
        Which cases belong together.

    Raises
    ------
    StudyError
        If a part has fewer than two clusters.
    """
    sums = [_add_up(part.added, clusters) for part in parts]
    units = [_add_up(part.members, clusters) > 0 for part in parts]
    if min(of_part.sum(axis=1).min() for of_part in units) < 2:
        raise StudyError(
            "a class has one picture, or pictures of one slide or patient only, so how "
            "its answers vary from one to the next cannot be told; two are needed"
        )
    either = np.logical_or.reduce(units)
    total = np.zeros((len(sums[0]), len(sums[0])))
    for first, of_first in enumerate(sums):
        for second, of_second in enumerate(sums):
            factor = _unbiased(units[first] if first == second else either)
            total += factor * (of_first @ of_second.T)
    return total


def _add_up(values: NDArray[Any], clusters: NDArray[np.int64]) -> Floats:
    """Return sums over the cases of each cluster, of shape (rows, clusters)."""
    found, which = np.unique(clusters, return_inverse=True)
    sums = np.zeros((len(found), len(values)))
    np.add.at(sums, which.reshape(-1), values.T.astype(np.float64))
    return sums.T


def _unbiased(units: Bools) -> Floats:
    """Return the factor by which sums of centred products are too small.

    Where two figures share all of m units it is m / (m - 1); where they share some, the
    two means that were taken off depend on each other in part only.
    """
    present = units.astype(np.float64)
    count = present.sum(axis=1)
    shared = present @ present.T
    lost = 1 / count[:, None] + 1 / count[None, :] - shared / np.outer(count, count)
    factor: Floats = 1 / (1 - lost)
    return factor
