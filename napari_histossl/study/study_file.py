"""Writing a study file once: pictures, orders, facts, and the seal over them."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from napari_histossl.closing import Closing
from napari_histossl.study.database import create_database, seal_database
from napari_histossl.study.record import canonical

SEAL = "seal_sha256"
"""Name of the fact that seals pictures and all other facts."""


class StudyFileWriter(Closing):
    """Writes a new study file; nothing is durable before `finish`.

    Parameters
    ----------
    path : Path
        A file that does not exist.

    Attributes
    ----------
    connection : sqlite3.Connection
        To the new file, in one transaction.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.connection = create_database(path)
        self.connection.execute("BEGIN")

    def add_picture(self, case_id: str, content: bytes) -> None:
        """Add a picture; call it in the order of the ids."""
        self.connection.execute(
            "INSERT INTO cases VALUES (?, ?, ?)",
            (case_id, content, hashlib.sha256(content).hexdigest()),
        )

    def finish(self, facts: Mapping[str, str]) -> None:
        """Add the facts, seal the file, and bring it to the disk."""
        created = datetime.now(UTC).isoformat(timespec="seconds")
        known = {**facts, "created_utc": created}
        pictures = self.connection.execute("SELECT case_id, sha256 FROM cases")
        known[SEAL] = seal_of(known, pictures)
        self.connection.executemany("INSERT INTO facts VALUES (?, ?)", known.items())
        self.connection.execute("COMMIT")
        seal_database(self.connection)
        self.close()
        with self._path.open("rb+") as written:
            os.fsync(written.fileno())

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()


def seal_of(facts: Mapping[str, str], pictures: Iterable[tuple[str, str]]) -> str:
    """Return the hash of facts (but the seal) and of the hashes of pictures."""
    content = {
        "facts": {name: value for name, value in facts.items() if name != SEAL},
        "pictures": dict(pictures),
    }
    return hashlib.sha256(canonical(content).encode()).hexdigest()


def insert_order(
    connection: sqlite3.Connection, reader: str, order: Sequence[str]
) -> None:
    """Add a reader and the pictures that this reader is shown, in their order."""
    connection.execute("INSERT INTO readers VALUES (?, ?)", (reader, order_hash(order)))
    connection.executemany(
        "INSERT INTO orders VALUES (?, ?, ?)",
        ((reader, place, case) for place, case in enumerate(order, start=1)),
    )


def order_hash(order: Sequence[str]) -> str:
    """Return the hash of an order."""
    return hashlib.sha256("\n".join(order).encode()).hexdigest()
