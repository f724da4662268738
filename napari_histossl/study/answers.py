"""The answers of one reader in a study file, each beside its entry in the record."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.study.record import canonical, now_utc, steady_ns

CONFIDENCES = {1: "maybe", 2: "probably", 3: "definitely"}
"""How sure a reader can be, in words."""

ANSWER_COLUMNS = (
    "reader",
    "position",
    "case_id",
    "synthetic",
    "confidence",
    "rt_ms",
    "answered_utc",
    "monotonic_ns",
    "details",
)
"""What an answer is, in the table of answers and in its entry of the record."""

ANSWERS_SQL = (
    "SELECT session, reader, position, case_id, synthetic, confidence, rt_ms, "
    "answered_utc, monotonic_ns, details FROM answers"
)
"""Reads the number of the session, then the columns of `ANSWER_COLUMNS`."""


class AnswerTable:
    """Reads and adds answers of one reader.

    Parameters
    ----------
    connection : sqlite3.Connection
        The study file.
    reader : str
        Pseudonym.
    """

    def __init__(self, connection: sqlite3.Connection, reader: str) -> None:
        self._connection, self._reader = connection, reader

    def count(self) -> int:
        """Return the number of answers."""
        (count,) = self._connection.execute(
            "SELECT COUNT(*) FROM answers WHERE reader = ?", (self._reader,)
        ).fetchone()
        return int(count)

    def given(self, case_id: str) -> tuple[int, int, int] | None:
        """Return session, class and confidence of an answer; None if there is none."""
        row = self._connection.execute(
            "SELECT session, synthetic, confidence FROM answers "
            "WHERE reader = ? AND case_id = ?",
            (self._reader, case_id),
        ).fetchone()
        return None if row is None else (row[0], row[1], row[2])

    def case_in_turn(self) -> str | None:
        """Return the case whose turn it is; None when all are answered."""
        row = self._connection.execute(
            "SELECT case_id FROM orders WHERE reader = ? AND position = "
            "1 + (SELECT COUNT(*) FROM answers WHERE reader = ?)",
            (self._reader, self._reader),
        ).fetchone()
        return None if row is None else str(row[0])

    def insert(
        self,
        session: int,
        case_id: str,
        synthetic: bool,
        confidence: int,
        rt_ms: int,
        details: str,
    ) -> dict[str, Any]:
        """Add an answer; return it as it belongs into the record."""
        given = (int(synthetic), confidence, rt_ms, now_utc(), steady_ns(), details)
        self._connection.execute(
            "INSERT INTO answers (session, reader, position, case_id, synthetic, "
            "confidence, rt_ms, answered_utc, monotonic_ns, details) "
            "SELECT ?, reader, position, case_id, ?, ?, ?, ?, ?, ? FROM orders "
            "WHERE reader = ? AND case_id = ?",
            (session, *given, self._reader, case_id),
        )
        row = self._connection.execute(
            f"{ANSWERS_SQL} WHERE reader = ? AND case_id = ?", (self._reader, case_id)
        ).fetchone()
        return dict(zip(ANSWER_COLUMNS, row[1:], strict=True))


def check_answer(confidence: int, rt_ms: int) -> None:
    """Raise `StudyError` unless an answer makes sense."""
    if confidence not in CONFIDENCES or rt_ms < 0:
        raise StudyError(
            f"an answer has a confidence of 1, 2 or 3 and a time of at least 0 ms; "
            f"got confidence {confidence}, {rt_ms} ms"
        )


def details_text(details: Mapping[str, Any] | None) -> str:
    """Return what belongs to an answer as canonical JSON.

    Raises
    ------
    StudyError
        If JSON does not take it.
    """
    try:
        return canonical(details or {})
    except (TypeError, ValueError) as error:
        raise StudyError(
            f"what belongs to an answer is kept as JSON, which does not take this: "
            f"{error}"
        ) from error
