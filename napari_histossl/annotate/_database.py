"""The SQLite file of a journal: how it is opened, and its errors as sentences."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from napari_histossl.errors import JournalError
from napari_histossl.store.sqlite import make_durable, transaction

FORMAT = 3
"""Version of the journal; one with a larger one comes from a later program.

2 added owed blocks and segments, 3 comments and locks among the entries.
"""

_OLDEST = 1
"""Journals of this version and later are brought up to date when they are changed."""

_OWED_SINCE = 2
"""Version from which on there are tables of owed blocks and of segments."""

_BUSY_S = 5.0
"""How long to wait for a reader that holds the file for a moment."""

_LONGEST_ERROR = 120
"""Most characters of SQLite's own words in a sentence."""

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

_TABLES_SINCE_2 = """
CREATE TABLE IF NOT EXISTS owed (
    seq INTEGER, number INTEGER,
    y INTEGER NOT NULL, x INTEGER NOT NULL,
    height INTEGER NOT NULL, width INTEGER NOT NULL,
    PRIMARY KEY (seq, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS segments (
    segment INTEGER PRIMARY KEY, body BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS moved (
    seq INTEGER, part TEXT, number INTEGER,
    segment INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (seq, part, number)
) WITHOUT ROWID;
"""


class Database:
    """The tables of one journal, shared by threads that wait for one another.

    Attributes
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        self._guard = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run statements as one: on the disk when the block ends, or nothing of it.

        Raises
        ------
        JournalError
            If they cannot be written.
        """
        with (
            self._guard,
            as_journal_errors(self.path, "written"),
            transaction(self._connection),
        ):
            yield

    def run(self, statement: str, *values: Any) -> None:
        """Run a statement that changes something, inside a transaction."""
        self._connection.execute(statement, values)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a query.

        Raises
        ------
        JournalError
            If they cannot be read.
        """
        with self._guard, as_journal_errors(self.path, "read"):
            return self._connection.execute(query, values).fetchall()

    def rows_before_damage(
        self, query: str, *values: Any
    ) -> tuple[list[tuple[Any, ...]], sqlite3.Error | None]:
        """Return the rows of a query up to where the file is damaged, and the error."""
        rows: list[tuple[Any, ...]] = []
        with self._guard:
            try:
                rows.extend(self._connection.execute(query, values))
            except sqlite3.Error as error:
                return rows, error
        return rows, None

    def give_back_space(self) -> None:
        """Cut what deleted rows have left from the end of the file."""
        with self._guard, as_journal_errors(self.path, "written"):
            # As a script: it gives rows without columns, after the first of which
            # Python stops, and with it the giving back.
            self._connection.executescript("PRAGMA incremental_vacuum")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._guard:
            self._connection.close()


def create(path: Path) -> Database:
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
        connection.executescript(_TABLES + _TABLES_SINCE_2)
        connection.execute(f"PRAGMA user_version={FORMAT}")
    return Database(path, connection)


def open_existing(path: Path, *, read_only: bool) -> Database:
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
    if not _OLDEST <= version <= FORMAT:
        connection.close()
        raise JournalError(
            f"the journal {path} has format {version}, this program knows {_OLDEST} to "
            f"{FORMAT}; open it with a newer napari-histossl"
        )
    with as_journal_errors(path, "opened"):
        if not read_only and version < FORMAT:
            connection.executescript(_TABLES_SINCE_2)
            connection.execute(f"PRAGMA user_version={FORMAT}")
        elif version < _OWED_SINCE:  # a temporary table would hide one that is there
            connection.executescript(_TABLES_SINCE_2.replace("TABLE", "TEMP TABLE"))
    return Database(path, connection)


@contextmanager
def as_journal_errors(path: Path, doing: str) -> Iterator[None]:
    """Turn SQLite's errors into one sentence that names the journal."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise JournalError(
            f"the journal {path} cannot be {doing} ({one_line(error)}); check free "
            f"space and permissions; what was saved before stays saved"
        ) from error
    except sqlite3.Error as error:
        raise JournalError(
            f"the journal {path} cannot be {doing} ({one_line(error)}); the file is "
            f"damaged: keep a copy and run `napari-histossl mask verify` on its mask"
        ) from error


def one_line(error: Exception) -> str:
    """Return what SQLite says, which may quote pages of statements, as one line."""
    return " ".join(str(error).split())[:_LONGEST_ERROR]


def _connect(path: Path, mode: str) -> sqlite3.Connection:
    log = path.with_name(f"{path.name}-wal")
    if mode == "ro" and log.exists() and not os.access(path.parent, os.W_OK):
        connection = _in_memory(path, log)
    else:
        uri = f"{path.resolve().as_uri()}?mode={mode}"
        if mode == "ro" and not log.exists():
            # Without this, a journal in a read-only folder does not open.
            uri += "&immutable=1"
        connection = _open(uri)
    # A damaged letter is found by the chain of hashes, and does not stop the reading.
    connection.text_factory = lambda text: text.decode(errors="replace")
    if mode != "ro":
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        connection.execute("PRAGMA journal_mode=WAL")
        make_durable(connection)
    return connection


def _in_memory(path: Path, log: Path) -> sqlite3.Connection:
    """Return a copy of a journal, with what a killed writer left in its log.

    SQLite reads a log only where it may write beside it.
    """
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / path.name
        try:
            shutil.copyfile(path, copy)
            shutil.copyfile(log, Path(folder) / log.name)
        except OSError as error:
            raise JournalError(f"the journal {path} cannot be read ({error})") from (
                error
            )
        source, memory = _open(copy.as_uri()), _open(":memory:")
        try:
            source.backup(memory)
        finally:
            source.close()
    return memory


def _open(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(
        uri,
        uri=True,
        timeout=_BUSY_S,
        isolation_level=None,
        check_same_thread=False,
    )
