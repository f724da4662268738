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
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from napari_histossl.annotate import _database
from napari_histossl.annotate._entries import (
    COLUMNS,
    EMPTY_SHA256,
    Digest,
    Entry,
    Kind,
    digest,
    row_of,
)
from napari_histossl.annotate._facts import Facts
from napari_histossl.annotate._log import Log
from napari_histossl.annotate._owed import Due, Owed, owed_by
from napari_histossl.errors import JournalError
from napari_histossl.geometry import Box

Recorded = tuple[int, bytes, bytes | None]
"""Number of a box, its pixels before, and those after where they are not drawn."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is about to be journaled; the fields mean what those of `Entry` mean."""

    kind: Kind
    box: Box | None
    tool: str
    author: str | None = None
    class_index: int = 0
    target: int = 0


class Journal(Log):
    """Journal of one mask, open for reading or for writing; see `Log` for reading."""

    @classmethod
    def create(cls, path: Path, header: dict[str, Any]) -> Self:
        """Make the journal of a new mask.

        Raises
        ------
        JournalError
            If the file exists or cannot be written.
        """
        database = _database.create(path)
        Facts.write_header(database, header)
        return cls(path, database)

    @classmethod
    def open(cls, path: Path, *, read_only: bool = False) -> Self:
        """Open a journal.

        Parameters
        ----------
        path : Path
            The file.
        read_only : bool
            For looking: a damaged one opens, too, with what is before the damage.

        Raises
        ------
        JournalError
            If there is none, it is damaged, or a later program wrote it.
        """
        database = _database.open_existing(path, read_only=read_only)
        try:
            return cls(path, database, read_only=read_only)
        except JournalError:
            database.close()
            raise

    def append(
        self,
        change: Change,
        payload: bytes = b"",
        patches: Iterable[Recorded] = (),
        *,
        owed: Iterable[Due] = (),
        forgiven: Iterable[Owed] = (),
    ) -> Entry:
        """Add an entry; on return it is on the disk, on an error nothing is added.

        Parameters
        ----------
        change : Change
            What is done.
        payload : bytes
            Geometry of a stroke, provenance of a base.
        patches : iterable of (int, bytes, bytes or None)
            Packed pixels in the order of their numbers; taken one by one, never all in
            memory.
        owed : iterable of (int, Box)
            Blocks that the entry has yet to change.
        forgiven : iterable of Owed
            Blocks that need not be changed any more by what was journaled before.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        seq = self.last_seq + 1
        with self._database.transaction():
            before, after = self._add_patches(seq, patches)
            entry = self._chained(change, digest([payload]), before, after)
            self._insert(entry, payload)
            self.owed.add(owed_by(seq, owed))
            self.owed.remove(forgiven)
        self._remember(entry)
        return entry

    def record_before(self, patches: Iterable[tuple[int, int, bytes]]) -> None:
        """Add pixels before large strokes, by entry and number, as blocks are filled.

        Raises
        ------
        JournalError
            If they cannot be written.
        """
        with self._database.transaction():
            for seq, number, body in patches:
                self.blobs.add_patch(seq, "before", number, body)

    def seal(self, stroke: Entry) -> Entry:
        """Take the pixels before a large stroke into the chain, all being recorded.

        Raises
        ------
        JournalError
            If the entry cannot be written.
        """
        change = Change(
            Kind.FILLED,
            stroke.box,
            Kind.FILLED.value,
            stroke.author,
            stroke.class_index,
            stroke.seq,
        )
        before = digest(self.blobs.patches(stroke.seq, "before"))
        with self._database.transaction():
            entry = self._chained(change, digest([b""]), before, EMPTY_SHA256)
            self._insert(entry, b"")
        self._remember(entry)
        return entry

    def settle(self, seq: int, filled: Iterable[Owed]) -> None:
        """Record that the pixels of all entries up to a number are on the disk.

        Parameters
        ----------
        seq : int
            The last of them.
        filled : iterable of Owed
            Blocks that are on the disk, too, and are owed no longer.

        Raises
        ------
        JournalError
            If it cannot be written.
        """
        with self._database.transaction():
            self.facts.set_synced_seq(seq)
            self.owed.remove(filled)

    def compact(self) -> int:
        """Move some blobs into a compressed segment; return their bytes, 0 for none.

        Raises
        ------
        JournalError
            If it cannot be written; everything is as before then.
        """
        moved_bytes = self.blobs.move_some()
        self._database.give_back_space()
        return moved_bytes

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def _add_patches(self, seq: int, patches: Iterable[Recorded]) -> tuple[str, str]:
        """Add pixels of the next entry, and return the SHA-256 of both parts."""
        before, after = Digest(), Digest()
        for number, body, body_after in patches:
            self.blobs.add_patch(seq, "before", number, body)
            before.add(body)
            if body_after is not None:
                self.blobs.add_patch(seq, "after", number, body_after)
                after.add(body_after)
        return before.hexdigest(), after.hexdigest()

    def _chained(
        self, change: Change, payload_sha256: str, before: str, after: str
    ) -> Entry:
        return Entry(
            self.last_seq + 1,
            datetime.now(UTC).isoformat(timespec="milliseconds"),
            change.author or _login_name(),
            change.tool,
            change.kind,
            change.class_index,
            change.target,
            change.box,
            payload_sha256,
            after,
            before,
            previous=self._head,
        )

    def _insert(self, entry: Entry, payload: bytes) -> None:
        marks = ",".join("?" * len(COLUMNS))
        self._database.run(
            f"INSERT INTO entries ({', '.join(COLUMNS)}) VALUES ({marks})",  # noqa: S608
            *row_of(entry),
        )
        if payload:
            self.blobs.add_payload(entry.seq, payload)
        if entry.kind is Kind.BASE:
            self.facts.end_seeding()

    def _remember(self, entry: Entry) -> None:
        self.last_seq, self._head = entry.seq, entry.hash
        self._take_in(entry.seq, entry.kind, entry.target)


def _login_name() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
