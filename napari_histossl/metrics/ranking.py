"""How well scores put things in order: area under the curve, Kendall's tau.

References
----------
* Area under the receiver operating curve as the Mann-Whitney statistic: Hanley &
  McNeil 1982, doi:10.1148/radiology.143.1.7063747.
* Prediction probability: the score of the BreastPathQ challenge, Petrick et al. 2021,
  doi:10.1117/1.JMI.8.3.034501.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_AT_ONCE = 256
"""Rows of the table of pairs that are compared at a time."""


def roc_auc(scores: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """Return the area under the receiver operating curve.

    Parameters
    ----------
    scores : ndarray of shape (N,)
        Higher for what is more likely positive.
    positive : ndarray of shape (N,) and dtype bool
        What is.

    Returns
    -------
    float
        Chance that a positive scores above a negative, ties counted as half; 0 to 1.
        NaN where there is nothing positive or nothing negative.

    Examples
    --------
    >>> roc_auc(np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True]))
    0.875
    """
    from scipy.stats import rankdata

    many = int(positive.sum())
    others = len(positive) - many
    if not many or not others:
        return float("nan")
    ranks = float(rankdata(scores)[positive].sum())
    return (ranks - many * (many + 1) / 2) / (many * others)


def class_aucs(
    scores: NDArray[Any], classes: NDArray[Any], truth: NDArray[Any]
) -> NDArray[np.float64]:
    """Return the area under the curve of each class against all others.

    Parameters
    ----------
    scores : ndarray of shape (N, C)
        One column for each class.
    classes : ndarray of shape (C,)
        Their values.
    truth : ndarray of shape (N,)
        Class of each.

    Returns
    -------
    ndarray of shape (C,)
        NaN for a class of which nothing, or everything, is. The published macro value
        is the mean of the others.
    """
    columns = [
        roc_auc(scores[:, index], truth == value) for index, value in enumerate(classes)
    ]
    return np.array(columns, np.float64)


def kendall_tau(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Return Kendall's tau-b, -1 to 1; NaN where one of the two never changes.

    Parameters
    ----------
    first, second : ndarray of shape (N,)
        Two rankings of the same things.
    """
    from scipy.stats import kendalltau

    return float(kendalltau(first, second).statistic)


def prediction_probability(truth: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Return the chance that two things of unequal truth are put in the right order.

    Parameters
    ----------
    truth, predicted : ndarray of shape (N,)
        What is, and what was said.

    Returns
    -------
    float
        0 to 1; equal predictions count as half. NaN if the truth never changes. This
        is what the papers on BreastPathQ report as tau.

    Examples
    --------
    >>> prediction_probability(np.array([0, 0, 1]), np.array([0.2, 0.5, 0.5]))
    0.75
    """
    right = ties = pairs = 0
    for start in range(0, len(truth), _AT_ONCE):
        rows = slice(start, start + _AT_ONCE)
        higher = truth[rows, None] > truth[None, :]
        gap = predicted[rows, None] - predicted[None, :]
        right += int((higher & (gap > 0)).sum())
        ties += int((higher & (gap == 0)).sum())
        pairs += int(higher.sum())
    return (right + 0.5 * ties) / pairs if pairs else float("nan")
