"""The study file: one SQLite database whose rows are written once and never changed.

Pictures lie in the order of their random ids. Triggers refuse every update and delete,
pictures and facts after the file is sealed, an answer out of turn, and a second answer
to a case. That keeps programs from overwriting by mistake; whoever owns the file can
still rewrite it with other tools, which `napari_histossl.study.verify` finds.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.store.sqlite import make_durable

SUFFIX = ".histostudy.sqlite"
"""How the name of a study file ends."""

APPLICATION_ID = 0x48535459
"""Marks an SQLite file as a study ('HSTY')."""

_VERSION = 2

_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE cases (
    case_id TEXT NOT NULL PRIMARY KEY,
    png BLOB NOT NULL,
    sha256 TEXT NOT NULL
);
CREATE TABLE readers (
    reader TEXT NOT NULL PRIMARY KEY,
    order_sha256 TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE orders (
    reader TEXT NOT NULL,
    position INTEGER NOT NULL CHECK (position >= 1),
    case_id TEXT NOT NULL REFERENCES cases (case_id),
    PRIMARY KEY (reader, position),
    UNIQUE (reader, case_id),
    UNIQUE (reader, position, case_id)
) WITHOUT ROWID;
CREATE TABLE sessions (
    session INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL UNIQUE,
    reader TEXT NOT NULL,
    started_utc TEXT NOT NULL,
    application TEXT NOT NULL,
    display TEXT NOT NULL
);
CREATE TABLE answers (
    sequence INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions (session),
    reader TEXT NOT NULL,
    position INTEGER NOT NULL,
    case_id TEXT NOT NULL,
    synthetic INTEGER NOT NULL CHECK (synthetic IN (0, 1)),
    confidence INTEGER NOT NULL CHECK (confidence IN (1, 2, 3)),
    rt_ms INTEGER NOT NULL CHECK (rt_ms >= 0),
    answered_utc TEXT NOT NULL,
    monotonic_ns INTEGER NOT NULL,
    details TEXT NOT NULL,
    UNIQUE (reader, case_id),
    UNIQUE (reader, position),
    FOREIGN KEY (reader, position, case_id)
        REFERENCES orders (reader, position, case_id)
);
CREATE TABLE record (
    session INTEGER NOT NULL REFERENCES sessions (session),
    sequence INTEGER NOT NULL,
    utc TEXT NOT NULL,
    monotonic_ns INTEGER NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    event TEXT NOT NULL,
    payload TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (session, sequence)
) WITHOUT ROWID;
CREATE TRIGGER record_in_turn BEFORE INSERT ON record
WHEN NEW.sequence != 1 + (
    SELECT COUNT(*) FROM record WHERE session = NEW.session
) OR NEW.sequence > 1 AND NEW.previous != (
    SELECT hash FROM record
    WHERE session = NEW.session AND sequence = NEW.sequence - 1
)
BEGIN SELECT RAISE(ABORT, 'an entry is sealed to the one before it'); END;
CREATE TRIGGER readers_once BEFORE INSERT ON readers
WHEN EXISTS (SELECT 1 FROM readers WHERE reader = NEW.reader)
BEGIN SELECT RAISE(ABORT, 'a reader has one order'); END;
CREATE TRIGGER answers_in_turn BEFORE INSERT ON answers
WHEN NEW.position != 1 + (SELECT COUNT(*) FROM answers WHERE reader = NEW.reader)
BEGIN SELECT RAISE(ABORT, 'an answer is given in turn, once'); END;
CREATE TRIGGER orders_once BEFORE INSERT ON orders
WHEN EXISTS (
    SELECT 1 FROM orders WHERE reader = NEW.reader
    AND (position = NEW.position OR case_id = NEW.case_id)
)
BEGIN SELECT RAISE(ABORT, 'a reader has one order'); END;
CREATE TRIGGER sessions_once BEFORE INSERT ON sessions
WHEN EXISTS (
    SELECT 1 FROM sessions
    WHERE session = NEW.session OR session_id = NEW.session_id
)
BEGIN SELECT RAISE(ABORT, 'a session is recorded once'); END;
"""
# The BEFORE INSERT triggers also stop INSERT OR REPLACE, which deletes the old row
# without running its delete trigger.

_FROZEN_TABLES = (
    "facts",
    "cases",
    "readers",
    "orders",
    "sessions",
    "answers",
    "record",
)
_SEALED_TABLES = ("facts", "cases")


def create_database(path: Path) -> sqlite3.Connection:
    """Create the tables of a study in a new file.

    Nothing is durable before `seal_database` and a sync of the file: until then it has
    a temporary name and is thrown away when something goes wrong.
    """
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {_VERSION}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.executescript(_SCHEMA)
    for table in _FROZEN_TABLES:
        for change in ("UPDATE", "DELETE"):
            _forbid(connection, table, change, "is never changed")
    return connection


def seal_database(connection: sqlite3.Connection) -> None:
    """Close pictures and facts for good, and switch to a write-ahead log."""
    for table in _SEALED_TABLES:
        _forbid(connection, table, "INSERT", "is sealed")
    connection.execute("PRAGMA journal_mode = WAL")


def _forbid(
    connection: sqlite3.Connection, table: str, change: str, reason: str
) -> None:
    connection.execute(
        f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} {reason}'); END"
    )


def open_database(
    path: Path, *, write: bool = False, wait_s: float = 5.0
) -> sqlite3.Connection:
    """Open a study file.

    Parameters
    ----------
    path : Path
        The study file.
    write : bool
        True to add answers or readers.
    wait_s : float
        Seconds to wait for another process that is writing.

    Returns
    -------
    sqlite3.Connection
        In autocommit mode; a committed transaction is on the disk.

    Raises
    ------
    StudyError
        If the file is missing, is not a study, or is of a newer version.
    """
    if not path.is_file():
        raise StudyError(
            f"there is no study {path}; choose a file that ends in {SUFFIX}"
        )
    with explained(path, "opened"):
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode={'rw' if write else 'ro'}",
            uri=True,
            isolation_level=None,
            timeout=wait_s,
        )
        try:
            _check_kind(connection, path)
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
    return connection


def _check_kind(connection: sqlite3.Connection, path: Path) -> None:
    try:
        (kind,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
    except sqlite3.DatabaseError as error:
        if "not a database" not in str(error):
            raise
        kind, version = 0, 0
    if kind != APPLICATION_ID:
        raise StudyError(f"{path} is not a study; choose a file that ends in {SUFFIX}")
    if version != _VERSION:
        raise StudyError(
            f"the study {path} has format {version}, this program reads {_VERSION}; "
            f"open it with the version of the program that made it"
        )


def _prepare(connection: sqlite3.Connection) -> None:
    make_durable(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    # Every answer goes on into the file itself at once: people copy studies, and after
    # a crash they would leave the log beside it behind.
    connection.execute("PRAGMA wal_autocheckpoint = 1")


@contextmanager
def explained(path: Path, doing: str) -> Iterator[None]:
    """Turn an error of SQLite into one sentence; `doing` as in "could not be read"."""
    try:
        yield
    except sqlite3.Error as error:
        raise StudyError(
            f"the study {path} could not be {doing}: {error}; {_way_out(error)}"
        ) from error


def _way_out(error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text:
        return "another program is using it: close that one and try again"
    if "full" in text:
        return "free some space on the disk and try again"
    if "readonly" in text or "unable to open" in text:
        return "put the study into a folder that you may write in and try again"
    if "malformed" in text or "not a database" in text:
        return "the file is damaged: go back to a copy"
    return "nothing that was saved is lost: close the study and open it again"


def read_facts(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the facts of a study by name."""
    return dict(connection.execute("SELECT name, value FROM facts"))
