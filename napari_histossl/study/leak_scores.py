"""Try to tell two classes apart by numbers, without ever scoring what was learned from.

Fisher's linear discriminant learns from some pictures and scores others; clusters (a
slide, a patient) are never on both sides. What chance alone reaches is found by dealing
the classes anew, whole clusters at a time where a cluster is of one class.

Notes
-----
How pictures are cut into parts does not depend on their classes, and a score is linear
in the classes it was taught. All dealings therefore share one matrix: two thousand of
them cost about as much as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import StudyError
from napari_histossl.study.leak_auc import (
    Area,
    Separation,
    areas,
    clustered_auc,
    judge,
)

FOLDS = 5
"""Parts into which the pictures are cut; each is scored by what the others taught."""

ROUNDS = 4
"""How often they are cut anew; scores are means over these."""

DEALINGS = 2000
"""How often the classes are dealt anew to learn what chance reaches."""

FEWEST_CLUSTERS = 6
"""Clusters of each class; with fewer, pictures are taken as if independent. That errs
on the safe side: it sees a leak sooner."""

_RIDGE = 0.01
"""Share of the mean variance that is added to each feature's."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """What is known about the pictures besides the numbers.

    Attributes
    ----------
    synthetic : ndarray of shape (N,) and dtype bool
        Classes, both present.
    cluster_of, stratum_of : ndarray of shape (N,) and dtype int
        Number of each picture's cluster and stratum, from 0.
    """

    synthetic: NDArray[np.bool_]
    cluster_of: NDArray[np.intp]
    stratum_of: NDArray[np.intp]


def find_separations(
    groups: Mapping[str, NDArray[np.float64]],
    synthetic: Sequence[bool],
    clusters: Sequence[str],
    strata: Sequence[str] | None = None,
    seed: int = 0,
    dealings: int = DEALINGS,
) -> tuple[Separation, ...]:
    """Try to tell the classes apart by each group of numbers.

    Parameters
    ----------
    groups : mapping of str to ndarray of shape (N, F)
        Numbers about N pictures, finite, by what they are about.
    synthetic : sequence of bool
        Class of each picture.
    clusters : sequence of str
        Slide or patient of each picture; one name each where they are independent.
    strata : sequence of str, optional
        Site, stain, organ of each picture; differences between strata are taken out
        where each holds both classes, so that small differences show.
    seed : int
        Decides how the pictures are cut into parts.
    dealings : int
        How often the classes are dealt anew.

    Returns
    -------
    tuple of Separation
        In the order of the groups, judged together by Holm's procedure.

    Raises
    ------
    StudyError
        If there are fewer than two pictures of a class.
    """
    found = find_areas(groups, synthetic, clusters, strata, seed, dealings)
    return judge(list(found), list(found.values()))


def find_areas(
    groups: Mapping[str, NDArray[np.float64]],
    synthetic: Sequence[bool],
    clusters: Sequence[str],
    strata: Sequence[str] | None = None,
    seed: int = 0,
    dealings: int = DEALINGS,
) -> dict[str, Area]:
    """Return what `find_separations` finds before it is judged, by group."""
    known = _labelled(synthetic, clusters, strata)
    rng = np.random.default_rng(seed)
    folds = [cross_folds(known.cluster_of, rng) for _ in range(ROUNDS)]
    dealt = np.stack([deal(known, rng) for _ in range(dealings)])
    return {
        name: _find_area(numbers, known, folds, dealt)
        for name, numbers in groups.items()
    }


def _labelled(
    synthetic: Sequence[bool], clusters: Sequence[str], strata: Sequence[str] | None
) -> Labelled:
    labels = np.asarray(synthetic, bool)
    if min(labels.sum(), (~labels).sum()) < 2:
        raise StudyError(
            f"to look for leaks takes at least 2 pictures of each class; got "
            f"{(~labels).sum()} real and {labels.sum()} synthetic"
        )
    cluster_of = np.unique(np.asarray(clusters), return_inverse=True)[1]
    if min(len(np.unique(cluster_of[labels == kind])) for kind in (False, True)) < (
        FEWEST_CLUSTERS
    ):
        cluster_of = np.arange(len(labels))
    stratum_of = np.zeros(len(labels), np.intp)
    if strata is not None:
        stratum_of = np.unique(np.asarray(strata), return_inverse=True)[1]
        share = np.bincount(stratum_of, labels) / np.bincount(stratum_of)
        # A stratum of one class is that class: to take it out would hide the leak.
        if share.min() < 0.2 or share.max() > 0.8:
            stratum_of = np.zeros(len(labels), np.intp)
    return Labelled(labels, cluster_of, stratum_of)


def cross_folds(
    cluster_of: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return a part for each picture: clusters whole, parts of about one size.

    Parameters
    ----------
    cluster_of : ndarray of shape (N,) and dtype int
        Number of each picture's cluster, from 0.
    rng : Generator
        Draws the order in which clusters are dealt.
    """
    sizes = np.bincount(cluster_of)
    filled = np.zeros(min(FOLDS, len(sizes)))
    fold_of_cluster = np.zeros(len(sizes), np.intp)
    shuffled = rng.permutation(len(sizes))
    # Large clusters first: the small ones even out what these left uneven.
    for cluster in shuffled[np.argsort(-sizes[shuffled], kind="stable")]:
        fold = int(filled.argmin())
        fold_of_cluster[cluster] = fold
        filled[fold] += sizes[cluster]
    return fold_of_cluster[cluster_of]


def deal(known: Labelled, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return classes as they might be if they had nothing to do with the pictures.

    Within each stratum, clusters of one class swap classes as a whole; in clusters of
    both, pictures do.
    """
    dealt = known.synthetic.copy()
    for stratum in range(int(known.stratum_of.max()) + 1):
        here = np.flatnonzero(known.stratum_of == stratum)
        dealt[here] = _deal_clusters(known.synthetic[here], known.cluster_of[here], rng)
    if dealt.all() or not dealt.any():  # clusters of very different sizes
        return known.synthetic
    return dealt


def _deal_clusters(
    labels: NDArray[np.bool_], cluster_of: NDArray[np.intp], rng: np.random.Generator
) -> NDArray[np.bool_]:
    _names, cluster_of = np.unique(cluster_of, return_inverse=True)
    share = np.bincount(cluster_of, labels) / np.bincount(cluster_of)
    pure = (share == 0) | (share == 1)
    of_cluster = share == 1
    of_cluster[pure] = rng.permutation(of_cluster[pure])
    dealt: NDArray[np.bool_] = of_cluster[cluster_of]
    for cluster in np.flatnonzero(~pure):
        inside = cluster_of == cluster
        dealt[inside] = rng.permutation(labels[inside])
    return dealt


def _find_area(
    numbers: NDArray[np.float64],
    known: Labelled,
    folds: Sequence[NDArray[np.intp]],
    dealt: NDArray[np.bool_],
) -> Area:
    centred = _without_strata(numbers, known.stratum_of)
    teaching = np.mean([_teaching(centred, fold_of) for fold_of in folds], axis=0)
    area, error = clustered_auc(
        teaching @ known.synthetic, known.synthetic, known.cluster_of
    )
    by_chance = np.sort(areas(dealt @ teaching.T, dealt))
    df = max(int(known.cluster_of.max()) - 1, 1)
    return Area(area, error, by_chance, df)


def _without_strata(
    numbers: NDArray[np.float64], stratum_of: NDArray[np.intp]
) -> NDArray[np.float64]:
    counts = np.bincount(stratum_of)
    means = np.stack(
        [np.bincount(stratum_of, column) / counts for column in numbers.T], axis=1
    )
    centred: NDArray[np.float64] = numbers - means[stratum_of]
    return centred


def _teaching(
    numbers: NDArray[np.float64], fold_of: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return the matrix that turns classes (N) into scores (N) across parts.

    Row i holds what each class contributes to the score of picture i; contributions of
    its own part are 0.
    """
    matrix = np.zeros((len(numbers), len(numbers)))
    for fold in range(int(fold_of.max()) + 1):
        held_out = np.flatnonzero(fold_of == fold)
        taught = np.flatnonzero(fold_of != fold)
        if len(taught):
            matrix[np.ix_(held_out, taught)] = _discriminant(
                numbers[taught], numbers[held_out]
            )
    return matrix


def _discriminant(
    train: NDArray[np.float64], test: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return scores of `test` (T, N) as a linear function of the classes of `train`.

    Least squares on centred classes points along Fisher's discriminant.
    """
    middle, spread = train.mean(axis=0), train.std(axis=0)
    # What hardly varies would only bring rounding errors.
    spread[spread <= 1e-9 * (1 + np.abs(middle))] = np.inf
    train, test = (train - middle) / spread, (test - middle) / spread
    gram = train.T @ train + _RIDGE * len(train) * np.eye(train.shape[1])
    scores: NDArray[np.float64] = test @ np.linalg.solve(gram, train.T)
    scores -= scores.mean(axis=1, keepdims=True)
    return scores
