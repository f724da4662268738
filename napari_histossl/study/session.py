"""One reader reading: the next picture, an answer that is on the disk, nothing else.

A session knows no truth and no score. Where it was interrupted is not remembered but
counted from the answers that are there, so that there is nothing to lose.
"""

from __future__ import annotations

import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from napari_histossl.closing import Closing
from napari_histossl.errors import StudyError
from napari_histossl.store.sqlite import transaction
from napari_histossl.study._version import application_version
from napari_histossl.study.database import (
    explained,
    open_database,
    read_facts,
)
from napari_histossl.study.overview import Study

CONFIDENCES = {1: "maybe", 2: "probably", 3: "definitely"}
"""How sure a reader can be, in words."""


class OutOfTurnError(StudyError):
    """An answer to another case than the one whose turn it is."""


@dataclass(frozen=True, slots=True)
class Case:
    """A picture to be judged.

    Attributes
    ----------
    case_id : str
        Opaque id.
    position, total : int
        Which picture it is, from 1, of how many.
    png : bytes
        The picture.
    """

    case_id: str
    position: int
    total: int
    png: bytes


class Session(Closing):
    """What one reader does from opening a study to closing it.

    Attributes
    ----------
    path : Path
        The study file.
    reader : str
        Pseudonym.
    title : str
        What the study is called.
    total : int
        Pictures that this reader is asked to read.

    Notes
    -----
    Use it in the thread that opened it. Two sessions of one reader at the same time
    are safe: each case takes the answer that comes first, the later one is refused.
    """

    path: Path
    reader: str
    title: str
    total: int

    def __init__(
        self, path: Path, reader: str, connection: sqlite3.Connection, display: str
    ) -> None:
        self.path, self.reader = path, reader
        self._connection = connection
        with explained(path, "read"):
            self.title = read_facts(connection)["title"]
            (self.total,) = connection.execute(
                "SELECT COUNT(*) FROM orders WHERE reader = ?", (reader,)
            ).fetchone()
        with explained(path, "opened for reading"):
            self._session = self._begin(display)

    @classmethod
    def open(
        cls,
        study_path: str | Path,
        reader: str,
        *,
        display: str = "",
        wait_s: float = 5.0,
    ) -> Self:
        """Begin, or go on where the reader was.

        Parameters
        ----------
        study_path : path
            The study file.
        reader : str
            Pseudonym, as named by the study's owner.
        display : str
            What the pictures are shown on, kept with the session.
        wait_s : float
            Seconds to wait for another program that is writing.

        Raises
        ------
        StudyError
            If the file is no study, cannot be written, or does not know the reader.
        """
        path = Path(study_path)
        Study.open(path).reader(reader)
        connection = open_database(path, write=True, wait_s=wait_s)
        try:
            return cls(path, reader, connection, display)
        except BaseException:
            connection.close()
            raise

    def _begin(self, display: str) -> int:
        cursor = self._connection.execute(
            "INSERT INTO sessions (reader, started_utc, application, display) "
            "VALUES (?, ?, ?, ?)",
            (self.reader, _now_utc(), application_version(), display),
        )
        return int(cursor.lastrowid or 0)

    @property
    def answered(self) -> int:
        """Number of pictures answered, in this session and before."""
        with explained(self.path, "read"):
            (count,) = self._connection.execute(
                "SELECT COUNT(*) FROM answers WHERE reader = ?", (self.reader,)
            ).fetchone()
        return int(count)

    def next(self) -> Case | None:
        """Return the first case without an answer; None when all are answered.

        Raises
        ------
        StudyError
            If the file cannot be read.
        """
        position = self.answered + 1
        with explained(self.path, "read"):
            row = self._connection.execute(
                "SELECT case_id, png FROM orders JOIN cases USING (case_id) "
                "WHERE reader = ? AND position = ?",
                (self.reader, position),
            ).fetchone()
        return None if row is None else Case(row[0], position, self.total, row[1])

    def answer(
        self, case_id: str, synthetic: bool, confidence: int, rt_ms: int
    ) -> None:
        """Record the answer to the case whose turn it is; on the disk on return.

        Parameters
        ----------
        case_id : str
            The case that `next` returned.
        synthetic : bool
            True for synthetic, False for real.
        confidence : int
            1 maybe, 2 probably, 3 definitely.
        rt_ms : int
            Milliseconds from the picture's first paint to the answer, at least 0.

        Raises
        ------
        OutOfTurnError
            If it is another case's turn: there is no going back.
        StudyError
            If the answer makes no sense or cannot be saved; then it may be given again.
        """
        if confidence not in CONFIDENCES or rt_ms < 0:
            raise StudyError(
                f"an answer has a confidence of 1, 2 or 3 and a time of at least 0 ms; "
                f"got confidence {confidence}, {rt_ms} ms"
            )
        with explained(self.path, "written"), transaction(self._connection):
            given = self._answer_given(case_id)
            if given == (self._session, int(synthetic), confidence):
                # Saved although the writing reported an error; saving again is right.
                return
            if given is not None or case_id != self._case_in_turn():
                raise OutOfTurnError(
                    f"it is not the turn of case {case_id}: it has an answer already, "
                    f"perhaps from another window in which {self.reader} is reading; "
                    f"go on with the next picture"
                )
            self._insert(case_id, synthetic, confidence, rt_ms)

    def _answer_given(self, case_id: str) -> tuple[int, int, int] | None:
        row = self._connection.execute(
            "SELECT session, synthetic, confidence FROM answers "
            "WHERE reader = ? AND case_id = ?",
            (self.reader, case_id),
        ).fetchone()
        return None if row is None else (row[0], row[1], row[2])

    def _case_in_turn(self) -> str | None:
        row = self._connection.execute(
            "SELECT case_id FROM orders WHERE reader = ? AND position = "
            "1 + (SELECT COUNT(*) FROM answers WHERE reader = ?)",
            (self.reader, self.reader),
        ).fetchone()
        return None if row is None else str(row[0])

    def _insert(
        self, case_id: str, synthetic: bool, confidence: int, rt_ms: int
    ) -> None:
        self._connection.execute(
            "INSERT INTO answers (session, reader, position, case_id, synthetic, "
            "confidence, rt_ms, answered_utc, monotonic_ns) "
            "SELECT ?, reader, position, case_id, ?, ?, ?, ?, ? FROM orders "
            "WHERE reader = ? AND case_id = ?",
            (
                self._session,
                int(synthetic),
                confidence,
                rt_ms,
                _now_utc(),
                time.monotonic_ns(),
                self.reader,
                case_id,
            ),
        )

    def close(self) -> None:
        """Let go of the file; what is answered is on the disk already."""
        self._connection.close()


def _now_utc() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
