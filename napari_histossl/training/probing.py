"""How well frozen features tell classes apart, with few labels and in another stain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.metrics import (
    class_aucs,
    fit_classes,
    fit_number,
    kendall_tau,
    knn_votes,
    prediction_probability,
)
from napari_histossl.metrics.knn import Nearness


@dataclass(frozen=True, slots=True)
class ClassScore:
    """How well classes were named.

    Attributes
    ----------
    accuracy : float
        Share named rightly, 0 to 1.
    aucs : tuple of float
        Area under the curve of each class against all others; NaN for a class that
        is not among what was tested.
    """

    accuracy: float
    aucs: tuple[float, ...]

    @property
    def macro_auc(self) -> float:
        """Mean of the areas that are known."""
        known = [area for area in self.aucs if np.isfinite(area)]
        return float(np.mean(known)) if known else float("nan")


@dataclass(frozen=True, slots=True)
class NumberScore:
    """How well a number was told.

    Attributes
    ----------
    error : float
        Mean squared error.
    tau : float
        Kendall's tau-b, -1 to 1.
    in_order : float
        Chance that two pictures are put in the right order, 0 to 1: what the papers
        on BreastPathQ report as tau.
    """

    error: float
    tau: float
    in_order: float


def subset(
    labels: NDArray[Any] | None, count: int, share: float, *, seed: int = 0
) -> NDArray[np.intp]:
    """Choose a share of what is labelled, the same share of each class.

    Parameters
    ----------
    labels : ndarray of shape (N,) or None
        Class of each; None where there are no classes.
    count : int
        N.
    share : float
        Above 0, at most 1.
    seed : int
        Decides which; a smaller share is part of a larger one.

    Returns
    -------
    ndarray of shape (n,)
        Indices in order; of each class at least one.

    Raises
    ------
    PlanError
        If the share cannot be.
    """
    if not 0 < share <= 1:
        raise PlanError(f"a share of labels is above 0 and at most 1; got {share}")
    order = np.random.default_rng(seed).permutation(count)
    groups = np.zeros(count) if labels is None else labels
    chosen = []
    for value in np.unique(groups):
        those = order[groups[order] == value]
        chosen.append(those[: max(1, round(share * len(those)))])
    return np.sort(np.concatenate(chosen))


def score_neighbours(
    bank: NDArray[Any],
    labels: NDArray[np.intp],
    tests: Sequence[NDArray[Any]],
    truth: NDArray[np.intp],
    *,
    k: int = 5,
    nearness: Nearness = "euclidean",
) -> list[ClassScore]:
    """Name classes by the nearest neighbours.

    Parameters
    ----------
    bank : ndarray of shape (N, D)
        Features of known class.
    labels : ndarray of shape (N,)
        Their classes, 0 to C - 1.
    tests : sequence of ndarray of shape (M, D)
        Features of the same pictures in several stains.
    truth : ndarray of shape (M,)
        Their classes.
    k : int
        Neighbours.
    nearness : {"euclidean", "cosine"}
        By distance as published, or by direction.

    Returns
    -------
    list of ClassScore
        One for each of `tests`.
    """
    if k > len(bank):
        raise PlanError(
            f"{k} neighbours cannot be found among {len(bank)} labelled pictures; give "
            f"a smaller k or more labels"
        )
    scores = []
    for test in tests:
        votes = knn_votes(bank, labels, test, k=k, nearness=nearness)
        areas = class_aucs(votes.shares, votes.classes, truth)
        right = float((votes.named == truth).mean())
        scores.append(ClassScore(right, tuple(map(float, areas))))
    return scores


def score_linear(
    bank: NDArray[Any],
    labels: NDArray[np.intp],
    tests: Sequence[NDArray[Any]],
    truth: NDArray[np.intp],
    *,
    penalty: float = 1.0,
) -> list[ClassScore]:
    """Name classes by logistic regression.

    Parameters
    ----------
    bank, labels, tests, truth
        As in `score_neighbours`.
    penalty : float
        As in `metrics.fit_classes`.
    """
    probe = fit_classes(bank, labels, penalty=penalty)
    scores = []
    for test in tests:
        areas = class_aucs(probe.probabilities(test), probe.classes, truth)
        right = float((probe.predict(test) == truth).mean())
        scores.append(ClassScore(right, tuple(map(float, areas))))
    return scores


def score_numbers(
    bank: NDArray[Any],
    numbers: NDArray[np.float64],
    tests: Sequence[NDArray[Any]],
    truth: NDArray[np.float64],
    *,
    penalty: float = 1.0,
) -> list[NumberScore]:
    """Tell numbers by least squares.

    Parameters
    ----------
    bank : ndarray of shape (N, D)
        Features.
    numbers : ndarray of shape (N,)
        Their numbers.
    tests : sequence of ndarray of shape (M, D)
        Features of the same pictures in several stains.
    truth : ndarray of shape (M,)
        Their numbers.
    penalty : float
        As in `metrics.fit_number`; 0 as published.
    """
    probe = fit_number(bank, numbers, penalty=penalty)
    scores = []
    for test in tests:
        told = probe.predict(test)
        scores.append(
            NumberScore(
                float(((told - truth) ** 2).mean()),
                kendall_tau(truth, told),
                prediction_probability(truth, told),
            )
        )
    return scores
