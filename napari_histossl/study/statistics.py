"""How well readers tell synthetic from real: one by one, over readers, and the test.

The positive class is *synthetic*: sensitivity is the share of synthetic pictures that
were called synthetic. Answers of several readers to the same pictures are not
independent, so they are never pooled: `obuchowski_rockette` takes readers and cases as
two samples, and `tost` asks whether what it finds lies within a margin of chance.
"""

from __future__ import annotations

from numpy.typing import ArrayLike

from napari_histossl.study._auc import auc, auc_interval, placements, roc_points
from napari_histossl.study._covariances import Figure, check_figure
from napari_histossl.study._detection import Detection, d_prime
from napari_histossl.study._equivalence import ALPHA, Equivalence, tost
from napari_histossl.study._intervals import (
    CHANCE,
    Interval,
    Proportion,
    clopper_pearson,
    wilson,
)
from napari_histossl.study._layouts import Layout, TwoConditions, analyse_two
from napari_histossl.study._orh import OneCondition, OverReaders, analyse_one
from napari_histossl.study._ratings import tabulate
from napari_histossl.study._reader import (
    ReaderFigures,
    figures,
    ordinal,
    predictive_values,
)

__all__ = [
    "ALPHA",
    "CHANCE",
    "Detection",
    "Equivalence",
    "Figure",
    "Interval",
    "Layout",
    "OneCondition",
    "OverReaders",
    "Proportion",
    "ReaderFigures",
    "TwoConditions",
    "auc",
    "auc_interval",
    "check_figure",
    "clopper_pearson",
    "d_prime",
    "figures",
    "obuchowski_rockette",
    "ordinal",
    "placements",
    "predictive_values",
    "roc_points",
    "tost",
    "wilson",
]


def obuchowski_rockette(
    ratings: ArrayLike,
    truth: ArrayLike,
    *,
    readers: ArrayLike,
    cases: ArrayLike,
    condition: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
    figure: Figure = "auc",
) -> OneCondition | TwoConditions:
    """Return the mean figure of random readers on random cases, or a difference of two.

    Parameters
    ----------
    ratings : array_like of shape (N,)
        One rating each, higher means rather synthetic; for all figures but the AUC 0
        and 1, or the scale 1 to 6. First readings only.
    truth : array_like of bool of shape (N,)
        True where the case is synthetic.
    readers, cases : array_like of shape (N,)
        Who rated what; numbers or names.
    condition : array_like of shape (N,), optional
        Under which of two conditions; the layout follows from who read what. A case
        that both conditions share is given for both.
    clusters : array_like of shape (N,), optional
        Slide or patient of the case; else each case is taken as independent.
    figure : str
        ``auc``, ``accuracy``, ``balanced_accuracy``, or ``called_synthetic``, the share
        of synthetic pictures that were called so.

    Returns
    -------
    OneCondition or TwoConditions
        With `estimate`, `standard_error`, `df` and `confidence_interval`; of two
        conditions, of the first that appears minus the second.

    Raises
    ------
    StudyError
        If the ratings are not complete and unique, or are not enough for the formula:
        one reader, the same answer to every picture, an empty class.

    References
    ----------
    See `napari_histossl.study._orh` and `napari_histossl.study._layouts`.

    Examples
    --------
    >>> found = obuchowski_rockette(
    ...     [1, 3, 2, 4, 2, 3, 5, 4], [0, 0, 1, 1] * 2,
    ...     readers=["a"] * 4 + ["b"] * 4, cases=[1, 2, 3, 4] * 2)
    >>> found.estimate, round(found.standard_error, 4)
    (0.875, 0.125)
    """
    check_figure(figure)
    table = tabulate(ratings, truth, readers, cases, condition, clusters)
    analyse = analyse_one if len(table.conditions) == 1 else analyse_two
    return analyse(table, figure)
