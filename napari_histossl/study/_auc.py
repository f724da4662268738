"""The empirical ROC curve of one reader: its area, its interval, its points.

References
----------
E. R. DeLong, D. M. DeLong, D. L. Clarke-Pearson, "Comparing the areas under two or more
correlated receiver operating characteristic curves", Biometrics 44(3), 1988,
doi:10.2307/2531595.
M. S. Pepe, "The Statistical Evaluation of Medical Tests for Classification and
Prediction", Oxford 2003: the interval is made on the logit scale, so that it stays
within 0 and 1.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit
from scipy.stats import norm, rankdata

from napari_histossl.errors import StudyError
from napari_histossl.study._intervals import Interval

Floats = NDArray[np.float64]


def auc(ratings: ArrayLike, synthetic: ArrayLike) -> float:
    """Return the empirical area under the ROC curve; ties count half.

    Parameters
    ----------
    ratings : array_like of shape (N,)
        Higher means rather synthetic.
    synthetic : array_like of bool of shape (N,)
        What the pictures really are.

    Raises
    ------
    StudyError
        If one class is empty.
    """
    return float(placements(ratings, synthetic)[0].mean())


def placements(ratings: ArrayLike, synthetic: ArrayLike) -> tuple[Floats, Floats]:
    """Return how each picture lies against the pictures of the other class.

    Parameters
    ----------
    ratings : array_like of shape (N,)
        Higher means rather synthetic.
    synthetic : array_like of bool of shape (N,)
        What the pictures really are.

    Returns
    -------
    of_synthetic : ndarray of shape (n_synthetic,)
        Share of the real pictures that are rated lower; ties count half.
    of_real : ndarray of shape (n_real,)
        Share of the synthetic pictures that are rated higher; ties count half.

    Raises
    ------
    StudyError
        If one class is empty.
    """
    truth, rating = np.asarray(synthetic, bool), np.asarray(ratings, np.float64)
    n_signal, n_noise = int(truth.sum()), int((~truth).sum())
    if min(n_signal, n_noise) < 1:
        raise StudyError(
            f"an AUC needs pictures of both classes; got {n_signal} synthetic, "
            f"{n_noise} real"
        )
    ranks = rankdata(rating)
    of_synthetic = (ranks[truth] - rankdata(rating[truth])) / n_noise
    of_real = 1 - (ranks[~truth] - rankdata(rating[~truth])) / n_signal
    return of_synthetic, of_real


def auc_interval(
    ratings: ArrayLike, synthetic: ArrayLike, level: float = 0.95
) -> Interval | None:
    """Return DeLong's interval of the AUC of one reader, made on the logit scale.

    Parameters
    ----------
    ratings : array_like of shape (N,)
        Higher means rather synthetic.
    synthetic : array_like of bool of shape (N,)
        What the pictures really are.
    level : float
        Coverage, between 0 and 1.

    Returns
    -------
    Interval or None
        None where the formula tells nothing: fewer than two pictures of a class, all
        ratings alike, or classes that do not overlap.

    Raises
    ------
    StudyError
        If one class is empty.
    """
    of_synthetic, of_real = placements(ratings, synthetic)
    if min(len(of_synthetic), len(of_real)) < 2:
        return None
    area = float(of_synthetic.mean())
    variance = of_synthetic.var(ddof=1) / len(of_synthetic)
    variance += of_real.var(ddof=1) / len(of_real)
    if variance <= 0 or not 0 < area < 1:
        return None
    middle = math.log(area / (1 - area))
    half = norm.ppf((1 + level) / 2) * math.sqrt(variance) / (area * (1 - area))
    return Interval(float(expit(middle - half)), float(expit(middle + half)))


def roc_points(ratings: ArrayLike, synthetic: ArrayLike) -> Floats:
    """Return the corners of the empirical ROC curve.

    Parameters
    ----------
    ratings : array_like of shape (N,)
        Higher means rather synthetic.
    synthetic : array_like of bool of shape (N,)
        What the pictures really are; both classes are there.

    Returns
    -------
    ndarray of shape (K, 2)
        False positive share and true positive share, from (0, 0) to (1, 1).
    """
    truth, rating = np.asarray(synthetic, bool), np.asarray(ratings, np.float64)
    cuts = np.unique(rating)[::-1]
    called = rating[None, :] >= cuts[:, None]
    shares = np.stack([called[:, ~truth].mean(1), called[:, truth].mean(1)], axis=1)
    return np.vstack([[0.0, 0.0], shares])
