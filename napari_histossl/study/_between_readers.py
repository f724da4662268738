"""The coefficients of agreement that a report shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from napari_histossl.errors import StudyError
from napari_histossl.study._covariances import MIDDLE_OF_SCALE
from napari_histossl.study._ratings import Floats
from napari_histossl.study.agreement import (
    Agreement,
    fleiss_kappa,
    gwet_ac1,
    krippendorff_alpha,
)
from napari_histossl.study.readings import Reading, Selected


@dataclass(frozen=True, slots=True)
class NamedAgreement:
    """A coefficient of agreement between readers, or why there is none.

    Attributes
    ----------
    name : str
        Which coefficient, of what.
    found : Agreement or None
        None where it has no value.
    note : str
        Why there is none.
    """

    name: str
    found: Agreement | None
    note: str


def agree(selected: Selected, conditions: Sequence[str]) -> tuple[NamedAgreement, ...]:
    """Return how far readers agree under each condition.

    Parameters
    ----------
    selected : Selected
        Answers of a study.
    conditions : sequence of str
        Their names; one empty name if there is one.
    """
    return tuple(row for of in conditions for row in _under(selected, of))


def _under(selected: Selected, condition: str) -> list[NamedAgreement]:
    under = f", {condition}" if condition else ""
    primary = [of for of in selected.primary if of.condition == condition]
    if not primary:
        note = "no reader has finished, so agreement is not computed"
        return [NamedAgreement(f"agreement{under}", None, note)]
    *_, ratings = rating_matrix(primary)
    everybody = [of for of in selected.test if of.condition == condition]
    *_, with_gaps = rating_matrix(everybody)
    said = ratings > MIDDLE_OF_SCALE
    return [
        _named(f"Fleiss' kappa, yes or no{under}", lambda: fleiss_kappa(said)),
        _named(f"Gwet's AC1, yes or no{under}", lambda: gwet_ac1(said)),
        _named(
            f"Krippendorff's alpha, scale of six, all readers{under}",
            lambda: krippendorff_alpha(with_gaps, "ordinal"),
        ),
    ]


def _named(name: str, compute: Callable[[], Agreement]) -> NamedAgreement:
    try:
        return NamedAgreement(name, compute(), "")
    except StudyError as error:
        return NamedAgreement(name, None, str(error))


def rating_matrix(
    readings: Sequence[Reading],
) -> tuple[tuple[str, ...], tuple[str, ...], Floats]:
    """Return readers, pictures, and ratings of shape (readers, pictures).

    Parameters
    ----------
    readings : sequence of Reading
        First readings under one condition.

    Returns
    -------
    readers, pictures : tuple of str
        Sorted.
    ratings : ndarray of shape (readers, pictures)
        1 to 6; not a number where there is no answer.
    """
    readers = tuple(sorted({reading.reader for reading in readings}))
    pictures = tuple(sorted({reading.case_id for reading in readings}))
    ratings = np.full((len(readers), len(pictures)), np.nan)
    row = {reader: index for index, reader in enumerate(readers)}
    column = {picture: index for index, picture in enumerate(pictures)}
    for reading in readings:
        ratings[row[reading.reader], column[reading.case_id]] = reading.rating
    return readers, pictures, ratings
