"""The SQLite file of a journal: how it is opened, and its errors as sentences."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_histossl.errors import JournalError
from napari_histossl.store.sqlite import make_durable

FORMAT = 1
"""Version of the tables; a journal with a larger one comes from a later program."""

_BUSY_S = 5.0
"""How long to wait for a reader that holds the file for a moment."""

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE entries (
    seq INTEGER PRIMARY KEY,
    utc TEXT NOT NULL, author TEXT NOT NULL, tool TEXT NOT NULL, kind TEXT NOT NULL,
    class_index INTEGER NOT NULL, target INTEGER NOT NULL,
    y INTEGER, x INTEGER, height INTEGER, width INTEGER,
    payload_sha256 TEXT NOT NULL, after_sha256 TEXT NOT NULL,
    before_sha256 TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL
);
CREATE TABLE payloads (seq INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE patches (
    seq INTEGER, part TEXT, number INTEGER, body BLOB NOT NULL,
    PRIMARY KEY (seq, part, number)
);
"""


def create(path: Path) -> sqlite3.Connection:
    """Make an empty journal.

    Raises
    ------
    JournalError
        If the file exists or cannot be written.
    """
    if path.exists():
        raise JournalError(
            f"a journal exists already at {path}; open its mask, or choose another name"
        )
    with as_journal_errors(path, "created"):
        connection = _connect(path, "rwc")
        connection.executescript(_TABLES)
        connection.execute(f"PRAGMA user_version={FORMAT}")
    return connection


def open_existing(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Open a journal.

    Raises
    ------
    JournalError
        If there is none, it is damaged, or a later program wrote it.
    """
    if not path.is_file():
        raise JournalError(
            f"the journal {path} is missing; a mask is the pair of a .ome.zarr folder "
            f"and a .journal.sqlite file, move or restore both together"
        )
    with as_journal_errors(path, "opened"):
        connection = _connect(path, "ro" if read_only else "rw")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version != FORMAT:
        connection.close()
        raise JournalError(
            f"the journal {path} has format {version}, this program knows {FORMAT}; "
            f"open it with a newer napari-histossl"
        )
    return connection


@contextmanager
def as_journal_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn SQLite's errors into one sentence that names the journal."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise JournalError(
            f"the journal {path} cannot be {doing} ({error}); check free space and "
            f"permissions; what was saved before stays saved"
        ) from error
    except sqlite3.Error as error:
        raise JournalError(
            f"the journal {path} cannot be {doing} ({error}); the file is damaged: "
            f"keep a copy and run `napari-histossl mask verify` on its mask"
        ) from error


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    if mode == "ro" and not path.with_name(f"{path.name}-wal").exists():
        # Without this, a write-ahead journal in a read-only folder does not open.
        uri += "&immutable=1"
    connection = sqlite3.connect(
        uri,
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
    if mode != "ro":
        connection.execute("PRAGMA journal_mode=WAL")
        make_durable(connection)
    return connection
