"""The chain of merges: which sessions came back when, each entry sealed to the last."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_histossl.store.sqlite import make_durable, transaction
from napari_histossl.study.database import explained
from napari_histossl.study.record import canonical

_SCHEMA = """
CREATE TABLE IF NOT EXISTS merges (
    sequence INTEGER PRIMARY KEY,
    payload TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL
);
CREATE TRIGGER IF NOT EXISTS merges_no_update BEFORE UPDATE ON merges
BEGIN SELECT RAISE(ABORT, 'merges is never changed'); END;
CREATE TRIGGER IF NOT EXISTS merges_no_delete BEFORE DELETE ON merges
BEGIN SELECT RAISE(ABORT, 'merges is never changed'); END;
CREATE TRIGGER IF NOT EXISTS merges_in_turn BEFORE INSERT ON merges
WHEN NEW.sequence != 1 + (SELECT COUNT(*) FROM merges)
BEGIN SELECT RAISE(ABORT, 'an entry follows the one before it'); END;
"""


@dataclass(frozen=True, slots=True)
class MergeEntry:
    """One pack that came back.

    Attributes
    ----------
    sequence : int
        From 1.
    payload : str
        Reader, condition, outcome and the heads of its sessions, canonical JSON.
    previous, hash : str
        SHA-256 of the entry before, and of this one.
    """

    sequence: int
    payload: str
    previous: str
    hash: str

    @property
    def content(self) -> dict[str, Any]:
        """The payload as an object."""
        return dict(json.loads(self.payload))

    def computed_hash(self) -> str:
        """Return what the hash must be."""
        text = f"{self.sequence}\n{self.previous}\n{self.payload}"
        return hashlib.sha256(text.encode()).hexdigest()


class MergeChain:
    """The chain of one study's merges.

    Parameters
    ----------
    path : Path
        Its file; made with the first entry.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, content: Mapping[str, Any]) -> None:
        """Add an entry; on the disk on return.

        Raises
        ------
        StudyError
            If it cannot be written.
        """
        with (
            explained(self._path, "written"),
            closing(sqlite3.connect(self._path, isolation_level=None)) as connection,
        ):
            make_durable(connection)
            connection.executescript(_SCHEMA)
            with transaction(connection):
                entries = _read(connection)
                previous = entries[-1].hash if entries else ""
                entry = MergeEntry(len(entries) + 1, canonical(content), previous, "")
                connection.execute(
                    "INSERT INTO merges VALUES (?, ?, ?, ?)",
                    (entry.sequence, entry.payload, previous, entry.computed_hash()),
                )

    def entries(self) -> list[MergeEntry]:
        """Return all entries.

        Raises
        ------
        StudyError
            If the file cannot be read.
        """
        if not self._path.exists():
            return []
        with (
            explained(self._path, "read"),
            closing(sqlite3.connect(self._path)) as connection,
        ):
            return _read(connection)

    def problems(self) -> Iterator[str]:
        """Yield where the chain is not whole."""
        previous = ""
        for place, entry in enumerate(self.entries(), start=1):
            if (
                entry.sequence != place
                or entry.previous != previous
                or entry.hash != entry.computed_hash()
            ):
                yield f"merge {entry.sequence} was changed, or one before it is missing"
            previous = entry.hash


def _read(connection: sqlite3.Connection) -> list[MergeEntry]:
    rows = connection.execute("SELECT * FROM merges ORDER BY sequence")
    return [MergeEntry(*row) for row in rows]
