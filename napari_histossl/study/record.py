"""The record of a session: entries that are only ever added, each sealed to the last.

Every entry holds the hash of the one before it. Whoever changes, takes out or puts in
an entry breaks the chain there, unless all that follows is written anew: the head of
the chain, kept elsewhere, shows that too.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from napari_histossl.errors import StudyError

COLUMNS = (
    "session",
    "sequence",
    "utc",
    "monotonic_ns",
    "actor",
    "role",
    "event",
    "payload",
    "previous",
    "hash",
)
"""Columns of the table of entries, in their order."""

_CLOCK_TOLERANCE_S = 2.0
"""Clocks that are set by a time server move by less."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a record.

    Attributes
    ----------
    session, sequence : int
        Which session of the file, and which entry of it, both from 1.
    utc : str
        ISO 8601.
    monotonic_ns : int
        Of a clock that is never set.
    actor, role : str
        Pseudonym, and as what: reader, owner or program.
    event : str
        What happened.
    payload : str
        What belongs to it, canonical JSON.
    previous, hash : str
        SHA-256 of the entry before, and of this one.
    """

    session: int
    sequence: int
    utc: str
    monotonic_ns: int
    actor: str
    role: str
    event: str
    payload: str
    previous: str
    hash: str

    def computed_hash(self) -> str:
        """Return what the hash must be."""
        content = {name: getattr(self, name) for name in COLUMNS[:-1]}
        return hashlib.sha256(canonical(content).encode()).hexdigest()


def canonical(content: Mapping[str, Any]) -> str:
    """Return the one text of a JSON object: sorted, without blanks, ASCII."""
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def first_link(study_id: str, session_id: str) -> str:
    """Return what the first entry of a session is sealed to."""
    return hashlib.sha256(f"{study_id}/{session_id}".encode()).hexdigest()


def now_utc() -> str:
    """Return the time of day, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def steady_ns() -> int:
    """Return a clock that nobody sets and that goes on while a computer sleeps."""
    sleepless = getattr(time, "CLOCK_BOOTTIME", None)
    if sleepless is None:  # macOS and Windows
        return time.monotonic_ns()
    return time.clock_gettime_ns(sleepless)


class Recorder:
    """Adds entries to the record of one session.

    Parameters
    ----------
    connection : sqlite3.Connection
        The study file, open for writing.
    session : int
        Number of the session in the file.
    actor : str
        Pseudonym of the reader.
    previous : str
        What the first entry is sealed to.
    """

    def __init__(
        self, connection: sqlite3.Connection, session: int, actor: str, previous: str
    ) -> None:
        self._connection = connection
        self._session, self._actor = session, actor
        self._first = previous
        self._clocks = (time.time_ns(), steady_ns())

    def add(self, event: str, payload: Mapping[str, Any], role: str = "reader") -> None:
        """Add an entry; call it inside a transaction.

        A clock that was set meanwhile is put on record before the entry.
        """
        moved_s = self._clock_moved_s()
        if abs(moved_s) > _CLOCK_TOLERANCE_S:
            self._insert("clock set", {"by_s": round(moved_s, 3)}, "program")
            self._clocks = (time.time_ns(), steady_ns())
        self._insert(event, payload, role)

    def _clock_moved_s(self) -> float:
        wall_ns, monotonic_ns = self._clocks
        passed_ns = steady_ns() - monotonic_ns
        return (time.time_ns() - wall_ns - passed_ns) / 1e9

    def _insert(self, event: str, payload: Mapping[str, Any], role: str) -> None:
        head, sequence = self._read_head()
        entry = Entry(
            self._session,
            sequence + 1,
            now_utc(),
            steady_ns(),
            self._actor,
            role,
            event,
            canonical(payload),
            head,
            "",
        )
        values = [getattr(entry, name) for name in COLUMNS[:-1]]
        self._connection.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*values, entry.computed_hash()),
        )

    def _read_head(self) -> tuple[str, int]:
        # Read back each time: what a failed transaction took away is not sealed to.
        row = self._connection.execute(
            "SELECT hash, sequence FROM record WHERE session = ? "
            "ORDER BY sequence DESC LIMIT 1",
            (self._session,),
        ).fetchone()
        return (self._first, 0) if row is None else (str(row[0]), int(row[1]))


def refuse_clock_set_back(connection: sqlite3.Connection, now: str) -> None:
    """Raise `StudyError` if the last entry of a file lies in the future.

    Parameters
    ----------
    connection : sqlite3.Connection
        The study file.
    now : str
        The time of day, as `now_utc` returns it.
    """
    (last,) = connection.execute("SELECT MAX(utc) FROM record").fetchone()
    if last is None:
        return
    ahead = datetime.fromisoformat(last) - datetime.fromisoformat(now)
    if ahead.total_seconds() > _CLOCK_TOLERANCE_S:
        raise StudyError(
            f"the clock of this computer says {now}, but the last entry of this study "
            f"is from {last}: set the clock right and open the study again; nothing is "
            f"lost"
        )


def read_entries(connection: sqlite3.Connection) -> list[Entry]:
    """Return all entries of a file, session by session."""
    rows = connection.execute("SELECT * FROM record ORDER BY session, sequence")
    return [Entry(*row) for row in rows]
