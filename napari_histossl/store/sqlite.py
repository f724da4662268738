"""SQLite files in which a committed transaction is on the disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager


def make_durable(connection: sqlite3.Connection) -> None:
    """Let a commit return only when the drive itself holds it.

    Parameters
    ----------
    connection : sqlite3.Connection
        Open for writing.
    """
    connection.execute("PRAGMA synchronous = FULL")
    # Without these, macOS leaves a commit in the cache of the drive.
    connection.execute("PRAGMA fullfsync = ON")
    connection.execute("PRAGMA checkpoint_fullfsync = ON")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Run statements as one: on the disk when the block ends, or nothing of it.

    Parameters
    ----------
    connection : sqlite3.Connection
        In autocommit mode (``isolation_level=None``).
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        # A full disk may have ended the transaction by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
