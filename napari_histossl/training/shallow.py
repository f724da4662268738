"""A shallow head: logistic regression from features of tokens to classes.

References
----------
Multinomial logistic regression with an L2 penalty and weighted samples, fitted by
scikit-learn (BSD-3-Clause); linear heads on frozen tokens as in Caron et al. 2021,
arXiv:2104.14294. Changed: features are standardised first.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError, WeightsError
from napari_histossl.store.whole import make_folder, written_whole
from napari_histossl.training.shallow_samples import Samples

STRENGTH = 0.1
"""Inverse of the penalty, as scikit-learn's C: of 0.001 to 0.1 the best on drawn
slides; ten times less lost 0.01 mean IoU."""

_MOST_STEPS, _TOLERANCE = 200, 1e-3
"""Ten times the usual tolerance: half the time, and the same on held-out places."""

_LEAST_DEVIATION = 1e-6
"""A feature that does not vary is not divided by what is left of rounding."""

_FORMAT = "histossl-shallow-head-1"
_ARRAYS = ("mean", "deviation", "weights", "bias", "classes")


@dataclass(frozen=True, slots=True, eq=False)
class ShallowHead:
    """A fitted head.

    Attributes
    ----------
    mean, deviation : ndarray of shape (F,)
        Of the features it was fitted to.
    weights : ndarray of shape (F, C)
        One column for each class.
    bias : ndarray of shape (C,)
        Added to each.
    classes : ndarray of shape (C,)
        Indices of a `ClassTable`, ascending.
    facts : mapping
        What it was made of, and how well it did; JSON values.
    """

    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]
    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    classes: NDArray[np.int64]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def probabilities(self, features: NDArray[Any]) -> NDArray[np.float32]:
        """Return the probability of each class, (..., C), of features (..., F)."""
        scores = (features - self.mean) / self.deviation @ self.weights + self.bias
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        shares: NDArray[np.float32] = powers / powers.sum(-1, keepdims=True)
        return shares

    def predict(self, features: NDArray[Any]) -> NDArray[np.int64]:
        """Return the likeliest class of each, (...,)."""
        likeliest: NDArray[np.int64] = self.classes[
            self.probabilities(features).argmax(-1)
        ]
        return likeliest


def fit_head(
    samples: Samples, *, strength: float = STRENGTH, facts: Mapping[str, Any] = {}
) -> ShallowHead:
    """Fit a head to samples.

    Parameters
    ----------
    samples : Samples
        Features, classes, weights.
    strength : float, optional
        Inverse of the penalty: the larger, the closer the head follows the samples.
    facts : mapping, optional
        What the samples are; kept with the head.

    Raises
    ------
    PlanError
        If the samples that count are of fewer than two classes, or scikit-learn is not
        installed.
    """
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise PlanError(
            "learning from corrections needs scikit-learn, which is not installed; "
            "install it with: pip install scikit-learn"
        ) from error
    counting = samples.where(samples.weights > 0)
    refuse_one_class(counting.labels)
    mean = counting.features.mean(0)
    deviation = np.maximum(counting.features.std(0), _LEAST_DEVIATION)
    made = LogisticRegression(C=strength, max_iter=_MOST_STEPS, tol=_TOLERANCE)
    fitted = made.fit(
        (counting.features - mean) / deviation, counting.labels, counting.weights
    )
    weights, bias = fitted.coef_.T, fitted.intercept_
    if len(fitted.classes_) == 2:  # it keeps the second class's scores only
        weights, bias = (np.concatenate([0 * w, w], -1) for w in (weights, bias))
    return ShallowHead(
        mean.astype(np.float32),
        deviation.astype(np.float32),
        weights.astype(np.float32),
        bias.astype(np.float32),
        fitted.classes_.astype(np.int64),
        dict(facts),
    )


def refuse_one_class(labels: NDArray[Any]) -> None:
    """Refuse what nothing can be told apart by.

    Raises
    ------
    PlanError
        If there are fewer than two classes.
    """
    found = np.unique(labels)
    if len(found) < 2:
        raise PlanError(
            f"a head tells classes apart, and what counts is of {len(found)} class"
            f"{'es' if not len(found) else ''} only; correct at least two classes, or "
            f"let the model's pixels count as well"
        )


def save_head(head: ShallowHead, path: Path) -> None:
    """Write a head as safetensors, what it was made of in the header as JSON.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    from safetensors.numpy import save_file

    arrays = {name: np.ascontiguousarray(getattr(head, name)) for name in _ARRAYS}
    told = {"format": _FORMAT, "facts": json.dumps(head.facts)}
    make_folder(path.parent)
    with written_whole(path) as temporary:
        save_file(arrays, temporary, metadata=told)


def load_head(path: Path) -> ShallowHead:
    """Read what `save_head` wrote; nothing in the file is run.

    Raises
    ------
    WeightsError
        If it is missing, damaged or something else.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            told = file.metadata() or {}
            if told.get("format") != _FORMAT:
                raise WeightsError(f"{path} is no head that was learned from a mask")
            arrays = {name: file.get_tensor(name) for name in _ARRAYS}
        head = ShallowHead(**arrays, facts=json.loads(told["facts"]))
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        if isinstance(error, WeightsError):
            raise
        raise WeightsError(
            f"{path} is not a head, or is damaged ({error}); learn again"
        ) from error
    _refuse_misfit(head, path)
    return head


def _refuse_misfit(head: ShallowHead, path: Path) -> None:
    features, classes = len(head.mean), len(head.classes)
    is_fit = head.weights.shape == (features, classes)
    is_fit &= head.deviation.shape == (features,) and head.bias.shape == (classes,)
    if not is_fit or not all(np.isfinite(getattr(head, n)).all() for n in _ARRAYS):
        raise WeightsError(f"{path} is a damaged head: its arrays do not fit together")


def hash_head(head: ShallowHead) -> str:
    """Return the SHA-256 of what a head computes with."""
    digest = hashlib.sha256()
    for name in _ARRAYS:
        digest.update(np.ascontiguousarray(getattr(head, name)).tobytes())
    return digest.hexdigest()
