"""Whether readers who are sure are right.

References
----------
G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly
Weather Review 78(1), 1950.
S. J. Galvin, J. V. Podd, V. Drga, J. Whitmore, "Type 2 tasks in the theory of signal
detectability", Psychonomic Bulletin & Review 10, 2003, doi:10.3758/BF03196546.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from napari_histossl.study._auc import auc
from napari_histossl.study._intervals import Proportion

STATED = {1: 7 / 12, 2: 9 / 12, 3: 11 / 12}
"""Chance of being right that maybe, probably and definitely are taken to state.

The middles of three equal steps from one half to one: readers were asked for words, not
numbers, so a Brier score depends on this reading of them.
"""


@dataclass(frozen=True, slots=True)
class Calibration:
    """How confidence goes with being right, of one reader.

    Attributes
    ----------
    right : dict of int to Proportion
        Share of right answers at each confidence that was used.
    brier : float
        Mean squared distance from `STATED` to right or wrong; 0.25 for always one half.
    type_two_auc : float or None
        Chance that a right answer is the surer one of a right and a wrong answer; None
        if all are right or all wrong.
    """

    right: dict[int, Proportion]
    brier: float
    type_two_auc: float | None


def calibrate(confidence: ArrayLike, correct: ArrayLike) -> Calibration:
    """Return how confidence goes with being right.

    Parameters
    ----------
    confidence : array_like of int of shape (N,)
        1 maybe, 2 probably, 3 definitely; at least one.
    correct : array_like of bool of shape (N,)
        Which answers were right.

    Examples
    --------
    >>> found = calibrate([1, 1, 3, 3], [True, False, True, True])
    >>> found.right[1].value, round(found.type_two_auc, 3)
    (0.5, 0.833)
    """
    sure, right = np.asarray(confidence, np.int64), np.asarray(correct, bool)
    by_level = {
        level: Proportion(int(right[sure == level].sum()), int((sure == level).sum()))
        for level in np.unique(sure).tolist()
    }
    stated = np.array([STATED[level] for level in sure.tolist()])
    both = right.any() and not right.all()
    return Calibration(
        by_level,
        float(((stated - right) ** 2).mean()),
        auc(sure, right) if both else None,
    )
