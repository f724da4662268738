"""Ratings in long form, checked and laid out as figures by cases."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_histossl.errors import StudyError

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class RatingTable:
    """Who rated what how: one row for each reader under each condition.

    Attributes
    ----------
    conditions : tuple
        Names in the order in which they appear, one or two.
    condition_of : tuple of int
        For each row, its condition.
    readers : tuple
        For each row, its reader.
    cases : tuple
        For each column, its case.
    ratings : ndarray of shape (rows, cases)
        Higher means rather synthetic; not a number where the case is not part of the
        condition.
    synthetic : ndarray of bool of shape (cases,)
        What the pictures really are.
    clusters : ndarray of int of shape (cases,)
        Which cases belong together; each alone if nothing was said.
    """

    conditions: tuple[Hashable, ...]
    condition_of: tuple[int, ...]
    readers: tuple[Hashable, ...]
    cases: tuple[Hashable, ...]
    ratings: Floats
    synthetic: Bools
    clusters: NDArray[np.int64]

    @property
    def inside(self) -> Bools:
        """For each row, which cases it rated."""
        return ~np.isnan(self.ratings)

    def rows(self, condition: int) -> list[int]:
        """Return the rows of a condition."""
        return [row for row, of in enumerate(self.condition_of) if of == condition]

    def readers_of(self, condition: int) -> list[Hashable]:
        """Return the readers of a condition, in the order of its rows."""
        return [self.readers[row] for row in self.rows(condition)]


def tabulate(
    ratings: ArrayLike,
    truth: ArrayLike,
    readers: ArrayLike,
    cases: ArrayLike,
    condition: ArrayLike | None = None,
    clusters: ArrayLike | None = None,
) -> RatingTable:
    """Check ratings in long form and lay them out.

    Parameters
    ----------
    ratings : array_like of shape (N,)
        One rating of one case by one reader each.
    truth : array_like of bool of shape (N,)
        True where the case is synthetic.
    readers, cases : array_like of shape (N,)
        Who rated, and what; numbers or names.
    condition : array_like of shape (N,), optional
        Under which of two conditions.
    clusters : array_like of shape (N,), optional
        Slide or patient of each case.

    Raises
    ------
    StudyError
        If the columns differ in length, a rating is not a number, a case is of two
        classes or clusters, a reader rated a case twice under one condition or not at
        all while others did, a class is empty, or there are more than two conditions.
    """
    rating, synthetic = np.asarray(ratings, np.float64), np.asarray(truth)
    columns = {"truth": synthetic, "readers": np.asarray(readers)}
    columns["cases"] = np.asarray(cases)
    if condition is not None:
        columns["condition"] = np.asarray(condition)
    if clusters is not None:
        columns["clusters"] = np.asarray(clusters)
    _check_lengths(rating, columns)
    case_ids, case = _number(columns["cases"])
    names, place = _number(columns.get("condition", np.zeros(len(rating), np.int64)))
    reader_ids, reader = _number(columns["readers"])
    if len(names) > 2:
        raise StudyError(
            f"two conditions are compared at a time; got {len(names)}: compare them in "
            f"pairs and correct the p-values (`holm`)"
        )
    pairs, row = np.unique(np.stack([place, reader]), axis=1, return_inverse=True)
    shape = (pairs.shape[1], len(case_ids))
    table = RatingTable(
        names,
        tuple(pairs[0].tolist()),
        tuple(reader_ids[index] for index in pairs[1]),
        case_ids,
        _fill(rating, row.reshape(-1), case, shape),
        _per_case(_as_bool(synthetic), case, case_ids, "classes").astype(bool),
        _cluster_of(columns.get("clusters"), case, case_ids),
    )
    _check_complete(table)
    return table


def _check_lengths(rating: Floats, columns: dict[str, NDArray[np.generic]]) -> None:
    for name, column in columns.items():
        if column.shape != rating.shape or rating.ndim != 1:
            raise StudyError(
                f"ratings come in long form, one entry each; got ratings of shape "
                f"{rating.shape} and {name} of shape {column.shape}"
            )
    if not np.isfinite(rating).all() or not len(rating):
        raise StudyError(
            "ratings are numbers, and there is at least one; leave out what was not "
            "answered"
        )


def _as_bool(truth: NDArray[np.generic]) -> NDArray[np.int64]:
    found = np.unique(truth)
    if not np.isin(found, (0, 1)).all():
        raise StudyError(
            f"truth is True for synthetic and False for real; got {found[:3].tolist()}"
        )
    return truth.astype(np.int64)


def _number(
    column: NDArray[np.generic],
) -> tuple[tuple[Hashable, ...], NDArray[np.int64]]:
    """Return different entries in the order they appear, and each entry's place."""
    _, first, inverse = np.unique(column, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    return tuple(column[first[order]].tolist()), place[inverse.reshape(-1)]


def _fill(
    rating: Floats,
    row: NDArray[np.int64],
    case: NDArray[np.int64],
    shape: tuple[int, int],
) -> Floats:
    times = np.zeros(shape, np.int64)
    np.add.at(times, (row, case), 1)
    if times.max() > 1:
        raise StudyError(
            f"{int((times > 1).sum())} cases are rated more than once by one reader "
            f"under one condition; hand over first readings only"
        )
    filled = np.full(shape, np.nan)
    filled[row, case] = rating
    return filled


def _per_case(
    values: NDArray[np.int64],
    case: NDArray[np.int64],
    case_ids: tuple[Hashable, ...],
    what: str,
) -> NDArray[np.int64]:
    of_case = np.zeros(len(case_ids), np.int64)
    of_case[case] = values
    wrong = of_case[case] != values
    if wrong.any():
        raise StudyError(
            f"case {case_ids[case[wrong][0]]!r} is said to be of two {what}; "
            f"a case has one"
        )
    return of_case


def _cluster_of(
    clusters: NDArray[np.generic] | None,
    case: NDArray[np.int64],
    case_ids: tuple[Hashable, ...],
) -> NDArray[np.int64]:
    if clusters is None:
        return np.arange(len(case_ids))
    return _per_case(_number(clusters)[1], case, case_ids, "clusters")


def _check_complete(table: RatingTable) -> None:
    inside = table.inside
    for condition in range(len(table.conditions)):
        rows = table.rows(condition)
        wanted = inside[rows].any(axis=0)
        for row in rows:
            missing = wanted & ~inside[row]
            if missing.any():
                raise StudyError(
                    f"reader {table.readers[row]!r} has not rated {int(missing.sum())} "
                    f"of the {int(wanted.sum())} cases that others rated: leave "
                    f"incomplete readers out of the primary analysis"
                )
        of_class = table.synthetic[wanted]
        if of_class.all() or not of_class.any():
            raise StudyError(
                f"pictures of both classes are needed; got {int(of_class.sum())} "
                f"synthetic and {int((~of_class).sum())} real"
            )
