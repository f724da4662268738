"""What the answers of one reader come to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_histossl.errors import StudyError
from napari_histossl.study._auc import auc, auc_interval
from napari_histossl.study._detection import Detection, d_prime
from napari_histossl.study._intervals import Interval, Proportion


def ordinal(said_synthetic: ArrayLike, confidence: ArrayLike) -> NDArray[np.int64]:
    """Return answers as one scale from 1 definitely real to 6 definitely synthetic.

    Parameters
    ----------
    said_synthetic : array_like of bool of shape (N,)
        The answers.
    confidence : array_like of int of shape (N,)
        1 maybe, 2 probably, 3 definitely.

    Examples
    --------
    >>> ordinal([False, False, True, True], [3, 1, 1, 3]).tolist()
    [1, 3, 4, 6]
    """
    sure = np.asarray(confidence, np.int64)
    return np.where(np.asarray(said_synthetic, bool), 3 + sure, 4 - sure)


@dataclass(frozen=True, slots=True)
class ReaderFigures:
    """What the answers of one reader come to; None where it cannot be told.

    Attributes
    ----------
    accuracy : Proportion or None
        Right answers; None without answers.
    sensitivity, specificity : Proportion or None
        Synthetic called synthetic, real called real; None for an empty class.
    detection : Detection or None
        d' and criterion; None for an empty class.
    auc : float or None
        Of the six-step scale; None for an empty class.
    auc_interval : Interval or None
        Of 95 %, by DeLong; None where the formula tells nothing.
    """

    accuracy: Proportion | None
    sensitivity: Proportion | None
    specificity: Proportion | None
    detection: Detection | None
    auc: float | None
    auc_interval: Interval | None = None

    @property
    def balanced_accuracy(self) -> float | None:
        """Mean of sensitivity and specificity; None for an empty class."""
        if self.sensitivity is None or self.specificity is None:
            return None
        return (self.sensitivity.value + self.specificity.value) / 2


def figures(
    synthetic: ArrayLike, said_synthetic: ArrayLike, confidence: ArrayLike
) -> ReaderFigures:
    """Return the figures of one reader.

    Parameters
    ----------
    synthetic : array_like of bool of shape (N,)
        What the pictures really are.
    said_synthetic : array_like of bool of shape (N,)
        The answers.
    confidence : array_like of int of shape (N,)
        1 maybe, 2 probably, 3 definitely.
    """
    truth, said = np.asarray(synthetic, bool), np.asarray(said_synthetic, bool)
    n_signal, n_noise = int(truth.sum()), int((~truth).sum())
    hits, rejections = int((truth & said).sum()), int((~truth & ~said).sum())
    both = n_signal > 0 and n_noise > 0
    scale = ordinal(said, confidence)
    return ReaderFigures(
        _proportion(hits + rejections, n_signal + n_noise),
        _proportion(hits, n_signal),
        _proportion(rejections, n_noise),
        d_prime(hits, n_signal, n_noise - rejections, n_noise) if both else None,
        auc(scale, truth) if both else None,
        auc_interval(scale, truth) if both else None,
    )


def predictive_values(
    found: ReaderFigures, prevalence: float
) -> tuple[float | None, float | None]:
    """Return how much a reader's answers are worth at a prevalence.

    Parameters
    ----------
    found : ReaderFigures
        Of one reader.
    prevalence : float
        Share of synthetic pictures where the answers are to be used, 0 to 1; that of
        the study is half by design and says nothing about it.

    Returns
    -------
    positive, negative : float or None
        Share of "synthetic" answers, and of "real" answers, that are right; None where
        there would be no such answers or a class is empty.

    Raises
    ------
    StudyError
        If the prevalence is not a share.
    """
    if not 0 <= prevalence <= 1:
        raise StudyError(f"a prevalence lies between 0 and 1; got {prevalence}")
    if found.sensitivity is None or found.specificity is None:
        return None, None
    hit = found.sensitivity.value * prevalence
    rejected = found.specificity.value * (1 - prevalence)
    called = hit + (1 - found.specificity.value) * (1 - prevalence)
    return (
        hit / called if called > 0 else None,
        rejected / (1 - called) if called < 1 else None,
    )


def _proportion(count: int, trials: int) -> Proportion | None:
    return Proportion(count, trials) if trials else None
