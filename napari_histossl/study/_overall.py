"""What an analysis was asked, and what one test over readers came to."""

from __future__ import annotations

from dataclasses import dataclass

from napari_histossl.study._covariances import Figure
from napari_histossl.study._equivalence import Equivalence
from napari_histossl.study._layouts import TwoConditions
from napari_histossl.study._orh import OneCondition

FIGURE_NAMES: dict[str, str] = {
    "auc": "AUC",
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "called_synthetic": "share called synthetic",
}
"""Figures of merit as people call them."""


@dataclass(frozen=True, slots=True)
class AnalysisPlan:
    """What was set before the study.

    Attributes
    ----------
    figure : str
        Figure of merit: ``auc``, ``accuracy`` or ``balanced_accuracy``.
    margin : float
        About chance, on that figure.
    is_locked : bool
        Whether both were locked before the first answer; else the analysis is called
        exploratory.
    pictures : tuple of str or None
        Ids of the test pictures that each reader was to read; those that anybody read
        if None.
    """

    figure: Figure = "auc"
    margin: float = 0.1
    is_locked: bool = False
    pictures: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Overall:
    """One test over readers, or why there is none.

    Attributes
    ----------
    name : str
        The condition, the generator, or what was changed.
    result : OneCondition or TwoConditions or None
        None where it cannot be told.
    equivalence : Equivalence or None
        The test against the margin.
    note : str
        Why there is no result, or what to know about it.
    p_holm : float or None
        Of equivalence, corrected for the number of tests beside it.
    """

    name: str
    result: OneCondition | TwoConditions | None
    equivalence: Equivalence | None
    note: str
    p_holm: float | None = None
