"""One reader reading: the next picture, an answer that is on the disk, nothing else.

A session knows no truth and no score. Where it was interrupted is not remembered but
counted from the answers that are there, so that there is nothing to lose.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from napari_histossl.closing import Closing
from napari_histossl.errors import StudyError
from napari_histossl.store.sqlite import transaction
from napari_histossl.study._version import application_version
from napari_histossl.study.answers import (
    CONFIDENCES,
    AnswerTable,
    check_answer,
    details_text,
)
from napari_histossl.study.asked import Asked
from napari_histossl.study.database import (
    explained,
    open_database,
    read_facts,
)
from napari_histossl.study.overview import Study
from napari_histossl.study.record import (
    Recorder,
    first_link,
    now_utc,
    refuse_clock_set_back,
)
from napari_histossl.study.showings import Case, Showings
from napari_histossl.study.washout import refuse_too_early

__all__ = ["CONFIDENCES", "Case", "OutOfTurnError", "Session"]


class OutOfTurnError(StudyError):
    """An answer to another case than the one whose turn it is."""


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
    training : int
        How many of them, the first ones, are the training block.
    asked : Asked
        What is asked of each picture, and how a session goes.

    Notes
    -----
    Use it in the thread that opened it. Two sessions of one reader at the same time
    are safe: each case takes the answer that comes first, the later one is refused.
    """

    path: Path
    reader: str
    title: str
    total: int
    training: int
    asked: Asked

    def __init__(
        self,
        path: Path,
        reader: str,
        connection: sqlite3.Connection,
        display: str,
        code: str = "",
    ) -> None:
        self.path, self.reader = path, reader
        self._connection = connection
        self._answers = AnswerTable(connection, reader)
        self._feedback: tuple[str, bool | None] = ("", None)
        self._ahead: tuple[Case, bool | None] | None = None
        with explained(path, "read"):
            facts = read_facts(connection)
            self.title, self._study_id = facts["title"], facts["study_id"]
            self.training = int(facts.get("training", "0"))
            self.asked = Asked.of_facts(facts)
            self._showings = Showings(connection, path, reader, facts, code)
            self.total = self._showings.total
        with explained(path, "opened for reading"), transaction(connection):
            refuse_clock_set_back(connection, now_utc())
            if self._answers.count() == 0:
                refuse_too_early(path, facts, reader, now_utc())
            opened = {
                "started_utc": now_utc(),
                "application": application_version(),
                "display": display,
            }
            self._session, first = self._begin(opened)
            self._recorder = Recorder(connection, self._session, reader, first)
            self._recorder.add("opened", opened)

    @classmethod
    def open(
        cls,
        study_path: str | Path,
        reader: str,
        *,
        display: str = "",
        wait_s: float = 5.0,
        code: str = "",
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
        code : str
            Opens the pictures of a pack; empty for a study that is not sealed.

        Raises
        ------
        StudyError
            If the file is no study, cannot be written, or does not know the reader, if
            the code does not open it, if the clock was set back, or if the same
            pictures were read under another condition too short a time ago.
        """
        path = Path(study_path)
        Study.open(path).reader(reader)
        connection = open_database(path, write=True, wait_s=wait_s)
        try:
            return cls(path, reader, connection, display, code)
        except BaseException:
            connection.close()
            raise

    def _begin(self, opened: Mapping[str, str]) -> tuple[int, str]:
        """Return the number of the new session, and what its record begins with."""
        session_id = secrets.token_hex(16)
        cursor = self._connection.execute(
            "INSERT INTO sessions (session_id, reader, started_utc, application, "
            "display) VALUES (?, ?, ?, ?, ?)",
            (session_id, self.reader, *opened.values()),
        )
        return int(cursor.lastrowid or 0), first_link(self._study_id, session_id)

    @property
    def answered(self) -> int:
        """Number of pictures answered, in this session and before."""
        with explained(self.path, "read"):
            return self._answers.count()

    def next(self) -> Case | None:
        """Return the first case without an answer; None when all are answered.

        Raises
        ------
        StudyError
            If the file cannot be read or the picture in it was changed.
        """
        position = self.answered + 1
        found = self._ahead
        if found is None or found[0].position != position:
            found = self._showings.load(position)
        if found is None:
            return None
        case, feedback = found
        self._feedback = (case.case_id, feedback)
        return case

    def peek(self) -> Case | None:
        """Return the case after the one whose turn it is, to be made ready early.

        Raises
        ------
        StudyError
            As `next`.
        """
        self._ahead = self._showings.load(self.answered + 2)
        return None if self._ahead is None else self._ahead[0]

    def earlier(self, position: int) -> Case | None:
        """Return a test case that is answered already, to be corrected.

        Parameters
        ----------
        position : int
            Which one, from 1.

        Returns
        -------
        Case or None
            None where there is none, or the design allows no way back.

        Raises
        ------
        StudyError
            As `next`.
        """
        if not self.asked.way_back or not self.training < position <= self.answered:
            return None
        found = self._showings.load(position)
        return None if found is None else found[0]

    def answer(
        self,
        case_id: str,
        synthetic: bool,
        confidence: int,
        rt_ms: int,
        details: Mapping[str, Any] | None = None,
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
        details : mapping, optional
            What else belongs to the answer, as JSON takes it: ``category`` (the third
            question), ``reasons``, ``mark``, ``viewport``, ``idle_ms``.

        Raises
        ------
        OutOfTurnError
            If it is another case's turn: there is no going back.
        StudyError
            If the answer makes no sense or cannot be saved; then it may be given again.
        """
        check_answer(confidence, rt_ms)
        written = details_text(details)
        with explained(self.path, "written"), transaction(self._connection):
            given = self._answers.given(case_id)
            if given == (self._session, int(synthetic), confidence):
                # Saved although the writing reported an error; saving again is right.
                return
            if given is not None or case_id != self._answers.case_in_turn():
                raise OutOfTurnError(
                    f"it is not the turn of case {case_id}: it has an answer already, "
                    f"perhaps from another window in which {self.reader} is reading; "
                    f"go on with the next picture"
                )
            self._recorder.add(
                "answer",
                self._answers.insert(
                    self._session, case_id, synthetic, confidence, rt_ms, written
                ),
            )

    def feedback(self, case_id: str) -> bool | None:
        """Return whether a picture of the training block is synthetic.

        Parameters
        ----------
        case_id : str
            The case that was answered last.

        Returns
        -------
        bool or None
            None in the test, and before the answer is on the disk.
        """
        known, synthetic = self._feedback
        if known != case_id or self._answers.given(case_id) is None:
            return None
        return synthetic

    def correct(
        self, case_id: str, synthetic: bool, confidence: int, reason: str
    ) -> None:
        """Record that an answer was meant otherwise; the answer itself stays.

        Parameters
        ----------
        case_id : str
            A case that this reader has answered.
        synthetic, confidence : bool, int
            As it was meant.
        reason : str
            What went wrong.

        Raises
        ------
        StudyError
            If the design allows no way back, or there is no answer to correct.
        """
        check_answer(confidence, 0)
        if not self.asked.way_back:
            raise StudyError(
                f"the design of {self.title!r} allows no way back: the answer to case "
                f"{case_id} stays as it was given"
            )
        with explained(self.path, "written"), transaction(self._connection):
            if self._answers.given(case_id) is None or not reason.strip():
                raise StudyError(
                    f"a correction needs an answer of {self.reader} to case {case_id} "
                    f"and a reason"
                )
            self._recorder.add(
                "correction",
                {
                    "case_id": case_id,
                    "synthetic": int(synthetic),
                    "confidence": confidence,
                    "reason": reason.strip(),
                },
            )

    def note(self, event: str, payload: Mapping[str, Any] | None = None) -> None:
        """Put something else on record: a break, consent, a picture drawn.

        Raises
        ------
        StudyError
            If it cannot be saved.
        """
        details_text(payload)
        with explained(self.path, "written"), transaction(self._connection):
            self._recorder.add(event, payload or {})

    def close(self) -> None:
        """Let go of the file; what is answered is on the disk already."""
        self._connection.close()
