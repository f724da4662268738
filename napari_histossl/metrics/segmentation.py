"""How well masks agree with the truth, counted once and told in many numbers.

References
----------
Mean IoU, frequency-weighted IoU and pixel accuracy as in Long, Shelhamer & Darrell
2015, arXiv:1411.4038; Cohen's kappa: Cohen 1960, doi:10.1177/001316446002000104. What
a prediction leaves to no class counts against the true class; pixels that are excluded
in the truth count nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Pixels by true and predicted class; add them up over pictures.

    Attributes
    ----------
    counts : ndarray of shape (n, n) and dtype int64
        Rows are the truth, columns the prediction.
    unassigned : ndarray of shape (n,) and dtype int64
        Pixels of each true class that the prediction leaves to no class.

    Examples
    --------
    >>> confusion = Confusion(np.array([[6, 2], [0, 8]]), np.array([0, 0]))
    >>> confusion.iou
    array([0.75, 0.8 ])
    >>> round(confusion.mean_iou, 3), confusion.accuracy
    (0.775, 0.875)
    """

    counts: NDArray[np.int64]
    unassigned: NDArray[np.int64]

    @classmethod
    def empty(cls, n_classes: int) -> Confusion:
        """Return the table of no pixel."""
        return cls(
            np.zeros((n_classes, n_classes), np.int64), np.zeros(n_classes, np.int64)
        )

    def __add__(self, other: Confusion) -> Confusion:
        """Return the table of both."""
        return Confusion(self.counts + other.counts, self.unassigned + other.unassigned)

    @property
    def support(self) -> NDArray[np.int64]:
        """Pixels of each true class, (n,)."""
        return np.asarray(self.counts.sum(1) + self.unassigned)

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each class, (n,); NaN where it is nowhere."""
        both = np.diag(self.counts)
        return _ratio(both, self.support + self.counts.sum(0) - both)

    @property
    def dice(self) -> NDArray[np.float64]:
        """Dice's coefficient of each class, (n,); NaN where it is nowhere."""
        both = np.diag(self.counts)
        return _ratio(2 * both, self.support + self.counts.sum(0))

    @property
    def mean_iou(self) -> float:
        """Mean IoU of the classes that are somewhere; NaN where none is."""
        iou = self.iou[~np.isnan(self.iou)]
        return float(iou.mean()) if iou.size else float("nan")

    @property
    def weighted_iou(self) -> float:
        """Mean IoU weighted by the pixels of each class in the truth."""
        there = self.support > 0
        weighted = float(self.support[there] @ self.iou[there])
        return _one(weighted, self.support.sum())

    @property
    def accuracy(self) -> float:
        """Share of the pixels whose class is right."""
        return _one(np.trace(self.counts), self.support.sum())

    @property
    def kappa(self) -> float:
        """Cohen's kappa: agreement beyond chance; NaN where chance explains all."""
        total = int(self.support.sum())
        if not total:
            return float("nan")
        by_chance = float(self.support / total @ (self.counts.sum(0) / total))
        return _one(self.accuracy - by_chance, 1 - by_chance)


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> NDArray[np.float64]:
    nowhere = np.full(len(whole), np.nan)
    np.divide(part, whole, out=nowhere, where=whole > 0)
    return nowhere


def _one(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
