"""The journal of a mask: undo, crash recovery and audit in one place.

Entries are only ever added. Each carries the hash of the one before, so that a
changed, lost or inserted entry is found. Blobs, geometry and pixels, lie in tables
of their own and are covered by their SHA-256 in the entry.

Notes
-----
SQLite runs with a write-ahead log and ``synchronous=FULL``: a commit that has returned
is on the disk. A write-ahead log needs a local disk; on a network share, keep the
workspace folder on a local disk instead.
"""

from __future__ import annotations

import getpass
import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, Self

from napari_histossl.annotate import _database
from napari_histossl.annotate._entries import (
    COLUMNS,
    Entry,
    Kind,
    digest,
    entry_of,
    row_of,
)
from napari_histossl.annotate._history import UndoHistory
from napari_histossl.annotate._patches import Patch, unpack
from napari_histossl.errors import AnnotationError, JournalError
from napari_histossl.geometry import Box
from napari_histossl.store.sqlite import transaction

Part = Literal["before", "after"]
"""Which pixels of a change."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is about to be journaled; the fields mean what those of `Entry` mean."""

    kind: Kind
    box: Box | None
    tool: str
    author: str | None = None
    class_index: int = 0
    target: int = 0


class Journal:
    """Journal of one mask, open for reading or for writing.

    Attributes
    ----------
    path : Path
        The SQLite file.
    header : dict
        Facts about the mask, fixed when it was created; the chain starts from them.
    history : UndoHistory
        What can be undone and redone.
    last_seq : int
        Number of the last entry, 0 where there is none.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection
        with _database.as_journal_errors(path, "read"):
            self._header_text = self._meta("header") or ""
            last = connection.execute(
                "SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        self.header = self._parsed_header()
        self.last_seq: int = last[0] if last else 0
        self._head: str = last[1] if last else _sha256(self._header_text)
        self.history = self._read_history()

    @classmethod
    def create(cls, path: Path, header: dict[str, Any]) -> Self:
        """Make the journal of a new mask.

        Raises
        ------
        JournalError
            If the file exists or cannot be written.
        """
        connection = _database.create(path)
        with _database.as_journal_errors(path, "created"):
            connection.execute(
                "INSERT INTO meta VALUES ('header', ?)",
                (json.dumps(header, sort_keys=True),),
            )
        return cls(path, connection)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open a journal.

        Raises
        ------
        JournalError
            If there is none, it is damaged, or a later program wrote it.
        """
        connection = _database.open_existing(path, read_only=read_only)
        try:
            return cls(path, connection)
        except JournalError:
            connection.close()
            raise

    def append(
        self,
        change: Change,
        payload: bytes = b"",
        before: Iterable[bytes] = (),
        after: Iterable[bytes] = (),
    ) -> Entry:
        """Add an entry; on return it is on the disk, on an error nothing is added.

        Parameters
        ----------
        change : Change
            What is done.
        payload : bytes
            Geometry of a stroke, provenance of a base.
        before, after : iterable of bytes
            Packed pixels; taken one by one, never all in memory.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        with (
            _database.as_journal_errors(self.path, "written"),
            transaction(self._connection),
        ):
            digests = (
                digest([payload]),
                self._insert_patches("after", after),
                self._insert_patches("before", before),
            )
            entry = self._chained(change, digests)
            self._insert(entry, payload)
        self.last_seq, self._head = entry.seq, entry.hash
        self.history.add(entry.seq, entry.kind)
        return entry

    def entries(self, after_seq: int = 0) -> Iterator[Entry]:
        """Yield the entries after a number, oldest first.

        Raises
        ------
        JournalError
            If one cannot be read.
        """
        names = ", ".join(COLUMNS)
        query = f"SELECT {names} FROM entries WHERE seq > ? ORDER BY seq"  # noqa: S608
        with _database.as_journal_errors(self.path, "read"):
            for row in self._connection.execute(query, (after_seq,)):
                try:
                    entry = entry_of(row)
                except (TypeError, ValueError) as error:
                    what = f"it cannot be read ({error})"
                    raise self._damaged(row[0], what) from error
                yield entry

    def entry(self, seq: int) -> Entry:
        """Return one entry.

        Raises
        ------
        JournalError
            If there is none of that number.
        """
        for entry in self.entries(seq - 1):
            if entry.seq == seq:
                return entry
            break
        raise JournalError(f"the journal {self.path} has no entry {seq}")

    def payload(self, entry: Entry) -> bytes:
        """Return geometry or provenance of an entry.

        Raises
        ------
        JournalError
            If it is not what was written.
        """
        with _database.as_journal_errors(self.path, "read"):
            row = self._connection.execute(
                "SELECT body FROM payloads WHERE seq = ?", (entry.seq,)
            ).fetchone()
        body = bytes(row[0]) if row else b""
        if digest([body]) != entry.payload_sha256:
            raise self._damaged(entry.seq, "its payload is not what was written")
        return body

    def patches(self, entry: Entry, part: Part) -> Iterator[Patch]:
        """Yield pixels of an entry, after checking that all are what was written.

        Raises
        ------
        JournalError
            If they are not.
        """
        self.check_patches(entry, part)
        for body in self._bodies(entry.seq, part):
            yield unpack(body)

    def check_patches(self, entry: Entry, part: Part) -> None:
        """Compare the pixels of an entry with the SHA-256 in it.

        Raises
        ------
        JournalError
            If they differ.
        """
        expected = entry.before_sha256 if part == "before" else entry.after_sha256
        if digest(self._bodies(entry.seq, part)) != expected:
            raise self._damaged(
                entry.seq, f"its pixels {part} the change are not what was written"
            )

    def verify(self) -> int:
        """Check the chain and all blobs, and return the number of entries.

        Raises
        ------
        JournalError
            At the first entry that is not what was written; those before it are.
        """
        previous, seq = _sha256(self._header_text), 0
        try:
            for entry in self.entries():
                self._verify_entry(entry, seq + 1, previous)
                seq, previous = entry.seq, entry.hash
            if seq < self.synced_seq:
                raise self._damaged(seq + 1, "it is missing")
        except JournalError as error:
            raise JournalError(f"{error}; the {seq} entries before are intact") from (
                error
            )
        return seq

    @property
    def synced_seq(self) -> int:
        """Last entry whose pixels are known to be on the disk in the mask itself."""
        text = self._meta("synced_seq") or "0"
        if not text.isdecimal():
            raise JournalError(
                f"the journal {self.path} is damaged: synced_seq is {text!r}"
            )
        return int(text)

    def mark_synced(self, seq: int) -> None:
        """Record that the pixels of all entries up to a number are on the disk."""
        self._set_meta("synced_seq", str(seq))

    @property
    def seeding(self) -> dict[str, Any] | None:
        """Provenance of a proposal that is being copied into the mask, or None."""
        text = self._meta("seeding")
        return json.loads(text) if text else None

    def begin_seeding(self, facts: dict[str, Any]) -> None:
        """Record that a proposal is being copied; the base entry ends it.

        Raises
        ------
        AnnotationError
            If the copying of another proposal was begun.
        """
        begun = self.seeding
        if begun is not None and begun != facts:
            raise AnnotationError(
                f"copying another proposal was begun ({str(begun)[:80]}); go on with "
                f"that one, or delete the mask and make a new one"
            )
        self._set_meta("seeding", json.dumps(facts, sort_keys=True))

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _insert_patches(self, part: Part, bodies: Iterable[bytes]) -> str:
        """Insert pixels of the next entry, and return their SHA-256."""

        def inserted() -> Iterator[bytes]:
            for number, body in enumerate(bodies):
                self._connection.execute(
                    "INSERT INTO patches VALUES (?, ?, ?, ?)",
                    (self.last_seq + 1, part, number, body),
                )
                yield body

        return digest(inserted())

    def _chained(self, change: Change, digests: tuple[str, str, str]) -> Entry:
        return Entry(
            self.last_seq + 1,
            datetime.now(UTC).isoformat(timespec="milliseconds"),
            change.author or _login_name(),
            change.tool,
            change.kind,
            change.class_index,
            change.target,
            change.box,
            *digests,
            previous=self._head,
        )

    def _insert(self, entry: Entry, payload: bytes) -> None:
        marks = ",".join("?" * len(COLUMNS))
        self._connection.execute(
            f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({marks})",  # noqa: S608
            row_of(entry),
        )
        if payload:
            self._connection.execute(
                "INSERT INTO payloads VALUES (?, ?)", (entry.seq, payload)
            )
        if entry.kind is Kind.BASE:
            self._connection.execute("DELETE FROM meta WHERE key = 'seeding'")

    def _bodies(self, seq: int, part: Part) -> Iterator[bytes]:
        query = "SELECT body FROM patches WHERE seq = ? AND part = ? ORDER BY number"
        with _database.as_journal_errors(self.path, "read"):
            for (body,) in self._connection.execute(query, (seq, part)):
                yield bytes(body)

    def _verify_entry(self, entry: Entry, seq: int, previous: str) -> None:
        if entry.seq != seq:
            raise self._damaged(seq, "it is missing")
        if entry.previous != previous:
            raise self._damaged(seq, "it does not follow from what is before it")
        stored = self._connection.execute(
            "SELECT hash FROM entries WHERE seq = ?", (seq,)
        ).fetchone()
        if (entry.hash,) != stored:
            raise self._damaged(seq, "it was changed after it was written")
        self.payload(entry)
        self.check_patches(entry, "before")
        self.check_patches(entry, "after")

    def _read_history(self) -> UndoHistory:
        history = UndoHistory()
        query = "SELECT seq, kind FROM entries ORDER BY seq"
        with _database.as_journal_errors(self.path, "read"):
            rows = self._connection.execute(query).fetchall()
        for seq, kind in rows:
            try:
                history.add(seq, Kind(kind))
            except (ValueError, IndexError) as error:
                raise self._damaged(seq, f"it makes no sense ({error})") from error
        return history

    def _meta(self, key: str) -> str | None:
        with _database.as_journal_errors(self.path, "read"):
            row = self._connection.execute(
                "SELECT value FROM meta WHERE key = ?", (key,)
            ).fetchone()
        return str(row[0]) if row else None

    def _set_meta(self, key: str, value: str) -> None:
        with (
            _database.as_journal_errors(self.path, "written"),
            transaction(self._connection),
        ):
            self._connection.execute(
                "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE "
                "SET value = excluded.value",
                (key, value),
            )

    def _parsed_header(self) -> dict[str, Any]:
        try:
            header = json.loads(self._header_text)
        except ValueError as error:
            raise JournalError(
                f"the journal {self.path} is damaged: its header cannot be read "
                f"({error}); restore the file from a copy"
            ) from error
        if not isinstance(header, dict):
            raise JournalError(f"the journal {self.path} is damaged: no header in it")
        return header

    def _damaged(self, seq: int, what: str) -> JournalError:
        return JournalError(
            f"the journal {self.path} is damaged at entry {seq}: {what}; restore "
            f"the file from a backup, or export the mask as it is and start a new one"
        )


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
