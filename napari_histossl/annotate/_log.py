"""Reading a journal: entries in order, and the blobs that belong to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from napari_histossl.annotate._blobs import Blobs, Part
from napari_histossl.annotate._database import Database, one_line
from napari_histossl.annotate._entries import COLUMNS, Entry, Kind, digest, entry_of
from napari_histossl.annotate._facts import Facts
from napari_histossl.annotate._history import UndoHistory
from napari_histossl.annotate._owed import OwedTable
from napari_histossl.annotate._patches import Patch, unpack
from napari_histossl.errors import JournalError

_ROWS_AT_ONCE = 2000
"""Entries that are in memory together: about 1 MB."""


class Log:
    """The entries of a journal and what belongs to them, for reading.

    Attributes
    ----------
    path : Path
        The SQLite file.
    facts : Facts
        What is remembered beside the entries.
    blobs : Blobs
        Geometry and pixels.
    owed : OwedTable
        Blocks of large changes that are not in the mask itself yet.
    history : UndoHistory
        What can be undone and redone.
    filled : set of int
        Large strokes all of whose pixels before are in the chain.
    locked : set of int
        Locks that stand.
    last_seq : int
        Number of the last entry, 0 where there is none.
    damage : JournalError or None
        Why the history ends before the file does, where it is damaged.
    """

    def __init__(
        self, path: Path, database: Database, *, read_only: bool = False
    ) -> None:
        self.path = path
        self._database = database
        self.facts = Facts(path, database)
        self.blobs = Blobs(database)
        self.owed = OwedTable(database)
        self.history = UndoHistory()
        self.filled: set[int] = set()
        self.locked: set[int] = set()
        self.last_seq = 0
        self._head = self.facts.header_sha256
        self.damage: JournalError | None = None
        try:
            self._read_history()
        except JournalError as error:
            if not read_only:
                raise
            self.damage = error

    def entries(self, after_seq: int = 0) -> Iterator[Entry]:
        """Yield the entries after a number, oldest first.

        Raises
        ------
        JournalError
            If one cannot be read; those before it were yielded.
        """
        for row in self._rows(", ".join(COLUMNS), after_seq):
            try:
                entry = entry_of(row)
            except (TypeError, ValueError) as error:
                what = f"it cannot be read ({error})"
                raise self.damaged(row[0], what) from error
            yield entry

    def entry(self, seq: int) -> Entry:
        """Return one entry.

        Raises
        ------
        JournalError
            If there is none of that number.
        """
        query = f"SELECT {', '.join(COLUMNS)} FROM entries WHERE seq = ?"  # noqa: S608
        for row in self._database.rows(query, seq):
            try:
                return entry_of(row)
            except (TypeError, ValueError) as error:
                raise self.damaged(seq, f"it cannot be read ({error})") from error
        raise JournalError(f"the journal {self.path} has no entry {seq}")

    def stored_hash(self, seq: int) -> str:
        """Return the hash that is written in an entry."""
        rows = self._database.rows("SELECT hash FROM entries WHERE seq = ?", seq)
        return str(rows[0][0]) if rows else ""

    def payload(self, entry: Entry) -> bytes:
        """Return geometry or provenance of an entry.

        Raises
        ------
        JournalError
            If it is not what was written.
        """
        body = self.blobs.payload(entry.seq)
        if digest([body]) != entry.payload_sha256:
            raise self.damaged(entry.seq, "its payload is not what was written")
        return body

    def patches(self, entry: Entry, part: Part) -> Iterator[Patch]:
        """Yield pixels of an entry, after checking that all are what was written.

        Raises
        ------
        JournalError
            If they are not.
        """
        self.check_patches(entry, part)
        for body in self.blobs.patches(entry.seq, part):
            yield unpack(body)

    def check_patches(self, entry: Entry, part: Part) -> None:
        """Compare the pixels of an entry with the SHA-256 in it.

        Raises
        ------
        JournalError
            If they differ.
        """
        expected = entry.before_sha256 if part == "before" else entry.after_sha256
        if digest(self.blobs.patches(entry.seq, part)) != expected:
            raise self.damaged(
                entry.seq, f"its pixels {part} the change are not what was written"
            )

    def is_recorded(self, seq: int, number: int) -> bool:
        """Tell whether a block was filled for a large stroke before."""
        return self.blobs.patch(seq, "before", number) is not None

    def patch_before(self, seq: int, number: int) -> Patch | None:
        """Return pixels of a block before a large stroke; None if it changed nothing.

        Raises
        ------
        JournalError
            If they are damaged.
        """
        body = self.blobs.patch(seq, "before", number)
        try:
            return unpack(body) if body else None
        except JournalError as error:
            raise self.damaged(seq, str(error)) from error

    def damaged(self, seq: int, what: str) -> JournalError:
        """Return the error that says where the journal is damaged."""
        return JournalError(
            f"the journal {self.path} is damaged at entry {seq}: {what}; restore "
            f"the file from a backup, or export the mask as it is and start a new one"
        )

    def _take_in(self, seq: int, kind: Kind, target: int) -> None:
        self.history.add(seq, kind)
        if kind is Kind.FILLED:
            self.filled.add(target)
        elif kind is Kind.LOCK:
            self.locked.add(seq)
        elif kind is Kind.UNLOCK:
            self.locked.discard(target)

    def _read_history(self) -> None:
        for seq, kind, target, entry_hash in self._rows("seq, kind, target, hash", 0):
            try:
                self._take_in(seq, Kind(kind), target)
            except (ValueError, IndexError) as error:
                raise self.damaged(seq, f"it makes no sense ({error})") from error
            self.last_seq, self._head = seq, entry_hash

    def _rows(self, names: str, after_seq: int) -> Iterator[tuple[Any, ...]]:
        """Yield rows that begin with their number, a bounded count in memory."""
        query = (
            f"SELECT {names} FROM entries WHERE seq > ? "  # noqa: S608
            f"ORDER BY seq LIMIT {_ROWS_AT_ONCE}"
        )
        while True:
            rows, error = self._database.rows_before_damage(query, after_seq)
            yield from rows
            after_seq = rows[-1][0] if rows else after_seq
            if error is not None:
                what = f"it cannot be read ({one_line(error)})"
                raise self.damaged(after_seq + 1, what) from error
            if len(rows) < _ROWS_AT_ONCE:
                return
