"""Open the truth beside the answers: figures per reader, tables for others.

Before anything is computed the truth file is held against the commitment in the study
file, the pictures against the hashes in the truth, and every reader's order against the
seed. What does not fit is refused.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.study.database import explained, open_database, read_facts
from napari_histossl.study.design import blocks_of, check_commitment
from napari_histossl.study.order import draw_order
from napari_histossl.study.statistics import (
    CHANCE,
    Proportion,
    ReaderFigures,
    figures,
    ordinal,
)
from napari_histossl.study.truth import Truth, read_truth

NOT_POOLED = (
    "Readers are not pooled: their answers to the same pictures are not independent, "
    "and what holds for these readers need not hold for others."
)
"""Said below every table of readers."""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One answer beside the truth; the columns of the CSV file.

    Attributes
    ----------
    reader, session, position : str, int, int
        Who, in which session, as which picture from 1.
    case_id, file : str
        Which picture, and the file that it came from.
    synthetic, said_synthetic, correct : bool
        Truth, answer, and whether they agree.
    confidence, ordinal : int
        1 to 3; and 1 definitely real to 6 definitely synthetic.
    rt_ms : int
        Milliseconds from first paint to answer.
    answered_utc : str
        ISO 8601.
    """

    reader: str
    session: int
    position: int
    case_id: str
    file: str
    synthetic: bool
    said_synthetic: bool
    correct: bool
    confidence: int
    ordinal: int
    rt_ms: int
    answered_utc: str


@dataclass(frozen=True, slots=True)
class ReaderResult:
    """What one reader's answers come to.

    Attributes
    ----------
    reader : str
        Pseudonym.
    answered, total : int
        Pictures answered, and asked for.
    figures : ReaderFigures
        Accuracy and the rest.
    """

    reader: str
    answered: int
    total: int
    figures: ReaderFigures

    @property
    def is_complete(self) -> bool:
        """Whether every picture has an answer."""
        return self.answered == self.total

    @property
    def sentence(self) -> str:
        """What may be concluded, and what not, in plain words."""
        if self.figures.accuracy is None:
            return f"{self.reader} has not answered yet."
        opening = _describe_accuracy(self.reader, self.figures.accuracy)
        if not self.is_complete:
            return (
                f"{opening} Only {self.answered} of {self.total} pictures are read: "
                f"nothing is concluded before all are."
            )
        return f"{opening} {_conclude(self.figures.accuracy)}"


@dataclass(frozen=True, slots=True)
class StudyResults:
    """The results of a study.

    Attributes
    ----------
    study_id, title : str
        Which study.
    readers : tuple of ReaderResult
        Sorted by name.
    answers : tuple of AnswerRow
        In the order in which they were given, reader by reader.
    """

    study_id: str
    title: str
    readers: tuple[ReaderResult, ...]
    answers: tuple[AnswerRow, ...]


def read_results(study_path: str | Path, truth_path: str | Path) -> StudyResults:
    """Return the results of a study.

    Parameters
    ----------
    study_path, truth_path : path
        The two files of the study.

    Raises
    ------
    StudyError
        If a file is missing, or the two do not belong together unchanged.
    """
    path = Path(study_path)
    truth = read_truth(Path(truth_path))
    with closing(open_database(path)) as connection:
        check_commitment(connection, path, truth)
        with explained(path, "read"):
            _check_pictures(connection, path, truth)
            totals = _check_orders(connection, path, truth)
            rows = _read_answers(connection, truth)
            title = read_facts(connection)["title"]
    return StudyResults(
        truth.study_id,
        title,
        tuple(_summarise(reader, total, rows) for reader, total in totals.items()),
        tuple(rows),
    )


def _check_pictures(connection: sqlite3.Connection, path: Path, truth: Truth) -> None:
    found = {
        case: hashlib.sha256(png).hexdigest()
        for case, png in connection.execute("SELECT case_id, png FROM cases")
    }
    if found != {case: row.png_sha256 for case, row in truth.cases.items()}:
        raise StudyError(
            f"the pictures in {path} are not those that the study was made with; "
            f"go back to a copy of the study file that nobody has changed"
        )


def _check_orders(
    connection: sqlite3.Connection, path: Path, truth: Truth
) -> dict[str, int]:
    """Return the number of pictures of each reader, whose order is as drawn."""
    orders: dict[str, list[str]] = {}
    for reader, case_id in connection.execute(
        "SELECT reader, case_id FROM orders ORDER BY reader, position"
    ):
        orders.setdefault(reader, []).append(case_id)
    blocks = blocks_of(truth)
    for reader, order in orders.items():
        if order != draw_order(truth.seed, reader, blocks):
            raise StudyError(
                f"the order of {reader} in {path} is not the one that was drawn; go "
                f"back to a copy of the study file that nobody has changed"
            )
    return {reader: len(order) for reader, order in orders.items()}


def _read_answers(connection: sqlite3.Connection, truth: Truth) -> list[AnswerRow]:
    rows = connection.execute(
        "SELECT reader, session, position, case_id, synthetic, confidence, rt_ms, "
        "answered_utc FROM answers ORDER BY reader, position"
    )
    return [_answer_row(truth, *row) for row in rows]


def _answer_row(
    truth: Truth,
    reader: str,
    session: int,
    position: int,
    case_id: str,
    said: int,
    confidence: int,
    rt_ms: int,
    answered_utc: str,
) -> AnswerRow:
    case = truth.cases[case_id]
    return AnswerRow(
        reader,
        session,
        position,
        case_id,
        case.file,
        case.synthetic,
        bool(said),
        bool(said) == case.synthetic,
        confidence,
        int(ordinal(said, confidence)),
        rt_ms,
        answered_utc,
    )


def _summarise(reader: str, total: int, rows: Sequence[AnswerRow]) -> ReaderResult:
    mine = [row for row in rows if row.reader == reader]
    return ReaderResult(
        reader,
        len(mine),
        total,
        figures(
            [row.synthetic for row in mine],
            [row.said_synthetic for row in mine],
            [row.confidence for row in mine],
        ),
    )


def percent(share: float) -> str:
    """Return a share in per cent with one decimal.

    Examples
    --------
    >>> percent(0.625)
    '62.5 %'
    """
    return f"{100 * share:.1f} %"


def _describe_accuracy(reader: str, accuracy: Proportion) -> str:
    low, high = accuracy.interval
    return (
        f"{reader}: {accuracy.count} of {accuracy.trials} right, "
        f"{percent(accuracy.value)} (exact 95 % interval {percent(low)} to "
        f"{percent(high)})."
    )


def _conclude(accuracy: Proportion) -> str:
    low, high = accuracy.interval
    if low > CHANCE:
        return "Better than guessing: this reader can tell the classes apart."
    if high < CHANCE:
        return (
            "Worse than guessing: this reader sees a difference but takes one class "
            "for the other."
        )
    return (
        f"Not significantly different from guessing. That does not show that the "
        f"classes are indistinguishable: an accuracy up to {percent(high)} fits these "
        f"answers as well."
    )
