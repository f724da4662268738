"""Linear probes of frozen features: logistic regression and least squares.

References
----------
Both are textbook methods, solved by SciPy; the probe of Chen & Krishnan 2022,
arXiv:2203.00585, is their scikit-learn counterpart. Changed: features are standardised
first, so that one strength of the penalty serves models of any scale.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MOST_STEPS = 1000
_LEAST_DEVIATION = 0.01
"""Of the largest: a feature that varies less is not blown up to the size of the others.
A colour that one picture in a thousand shows would else outweigh all that matter."""


@dataclass(frozen=True, slots=True, eq=False)
class LinearProbe:
    """A fitted linear map of standardised features.

    Attributes
    ----------
    mean, deviation : ndarray of shape (D,)
        Of the features it was fitted to.
    weights : ndarray of shape (D, C)
        One column for each class, or a single one for a number.
    bias : ndarray of shape (C,)
        Added to each.
    classes : ndarray of shape (C,)
        Values of the labels; empty for a number.
    """

    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]
    weights: NDArray[np.float64]
    bias: NDArray[np.float64]
    classes: NDArray[Any]

    def scores(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the linear scores (M, C) of features (M, D)."""
        standard = (features.astype(np.float64) - self.mean) / self.deviation
        scores: NDArray[np.float64] = standard @ self.weights + self.bias
        return scores

    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float64]:
        """Return the probability of each class, (M, C)."""
        return _softmax(self.scores(features))

    def predict(self, features: NDArray[Any]) -> NDArray[Any]:
        """Return the likeliest class of each, or the number, (M,)."""
        scores = self.scores(features)
        if not len(self.classes):
            return scores[:, 0]
        named: NDArray[Any] = self.classes[scores.argmax(1)]
        return named


def fit_classes(
    features: NDArray[Any], labels: NDArray[Any], *, penalty: float = 1.0
) -> LinearProbe:
    """Fit a multinomial logistic regression.

    Parameters
    ----------
    features : ndarray of shape (N, D)
        What is known.
    labels : ndarray of shape (N,)
        Class of each; at least two classes.
    penalty : float
        Of the squared weights: the sum of the losses plus half of this times their
        squared length is made least, as scikit-learn does with ``C = 1 / penalty``.

    Raises
    ------
    ValueError
        If the shapes do not agree, there is but one class, or the penalty is not
        positive.
    """
    from scipy.optimize import minimize

    classes, coded = np.unique(labels, return_inverse=True)
    if len(features) != len(labels) or len(classes) < 2 or penalty <= 0:
        raise ValueError(
            f"a probe needs features (N, D), N labels of two or more classes and a "
            f"positive penalty; got {features.shape}, {labels.shape}, {len(classes)} "
            f"classes, penalty {penalty}"
        )
    standard, mean, deviation = _standardise(features)
    wanted = np.eye(len(classes))[coded]
    start = np.zeros((standard.shape[1] + 1) * len(classes))
    found = minimize(
        _loss, start, (standard, wanted, penalty), "L-BFGS-B", jac=True,
        options={"maxiter": _MOST_STEPS},
    ).x.reshape(-1, len(classes))  # fmt: skip
    return LinearProbe(mean, deviation, found[:-1], found[-1], classes)


def fit_number(
    features: NDArray[Any], numbers: NDArray[Any], *, penalty: float = 1.0
) -> LinearProbe:
    """Fit a number by least squares with a penalty of the squared weights.

    Parameters
    ----------
    features : ndarray of shape (N, D)
        What is known.
    numbers : ndarray of shape (N,)
        The number of each.
    penalty : float
        As in `fit_classes`; 0 is plain least squares, as published. With more features
        than pictures that fits noise.

    Raises
    ------
    ValueError
        If the shapes do not agree or the penalty is negative.
    """
    if len(features) != len(numbers) or penalty < 0:
        raise ValueError(
            f"a probe needs features (N, D), N numbers and a penalty of 0 or more; "
            f"got {features.shape}, {numbers.shape}, penalty {penalty}"
        )
    standard, mean, deviation = _standardise(features)
    middle = float(numbers.mean())
    rows = np.vstack([standard, np.sqrt(penalty) * np.eye(standard.shape[1])])
    wanted = np.concatenate([numbers - middle, np.zeros(standard.shape[1])])
    weights = np.linalg.lstsq(rows, wanted, rcond=None)[0]
    return LinearProbe(
        mean, deviation, weights[:, None], np.array([middle]), np.array([])
    )


def _standardise(
    features: NDArray[Any],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    features = features.astype(np.float64)
    mean, deviation = features.mean(0), features.std(0)
    deviation = np.maximum(deviation, _LEAST_DEVIATION * deviation.max())
    deviation[deviation == 0] = 1.0  # nothing varies
    return (features - mean) / deviation, mean, deviation


def _loss(
    flat: NDArray[np.float64],
    features: NDArray[np.float64],
    wanted: NDArray[np.float64],
    penalty: float,
) -> tuple[float, NDArray[np.float64]]:
    """Return the penalised cross entropy and its gradient; the bias goes free."""
    weights = flat.reshape(-1, wanted.shape[1])
    likely = _softmax(features @ weights[:-1] + weights[-1])
    loss = -np.log(np.maximum((likely * wanted).sum(1), 1e-300)).sum()
    loss += penalty / 2 * (weights[:-1] ** 2).sum()
    error = likely - wanted
    slope = np.vstack([features.T @ error + penalty * weights[:-1], error.sum(0)])
    return float(loss), slope.ravel()


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    shares: NDArray[np.float64] = powers / powers.sum(1, keepdims=True)
    return shares
