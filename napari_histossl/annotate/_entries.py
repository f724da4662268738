"""Entries of a journal: what they hold, and the hash that chains them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from napari_histossl.geometry import Box

EMPTY_SHA256 = hashlib.sha256().hexdigest()
"""What `digest` returns for no bodies."""


class Kind(StrEnum):
    """What an entry does.

    A stroke is stored as its geometry, a region as its pixels; an undo and a redo name
    the entry they act on; a base names the proposal that a mask started from. The
    pixels before a large stroke are stored as its blocks are filled; once all are, an
    entry that says so takes their hash into the chain. A comment is text on a box; a
    lock is a signature on one, and an unlock names the lock that it lifts.
    """

    STROKE = "stroke"
    REGION = "region"
    UNDO = "undo"
    REDO = "redo"
    BASE = "base"
    FILLED = "filled"
    COMMENT = "comment"
    LOCK = "lock"
    UNLOCK = "unlock"


STEPS = (Kind.STROKE, Kind.REGION)
"""What a person does to pixels, and can undo."""

MOVES = (Kind.UNDO, Kind.REDO)
"""Steps taken back, and brought back again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a mask's history.

    Attributes
    ----------
    seq : int
        Number of the entry, from 1, without gaps.
    utc : str
        When, as an ISO 8601 date in UTC.
    author, tool : str
        Who, and with what.
    kind : Kind
        What the entry does.
    class_index : int
        Class that was painted; 0 where labels were taken away or several were set.
    target : int
        Entry that an undo, a redo or the end of filling acts on; 0 for others.
    box : Box or None
        Part of level 0 that holds every pixel that changed; None where none did.
    payload_sha256, after_sha256, before_sha256 : str
        SHA-256 of geometry or provenance, of the pixels after, of the pixels before.
    previous : str
        Hash of the entry before this one.
    """

    seq: int
    utc: str
    author: str
    tool: str
    kind: Kind
    class_index: int
    target: int
    box: Box | None
    payload_sha256: str
    after_sha256: str
    before_sha256: str
    previous: str

    @property
    def is_large(self) -> bool:
        """Whether the pixels before a stroke are recorded as its blocks are filled."""
        return self.kind is Kind.STROKE and self.before_sha256 == EMPTY_SHA256

    @property
    def hash(self) -> str:
        """SHA-256 over all fields and, through `previous`, over all entries before."""
        box = self.box
        fields: list[Any] = [
            self.seq, self.utc, self.author, self.tool, self.kind.value,
            self.class_index, self.target,
            [box.y, box.x, box.height, box.width] if box else None,
            self.payload_sha256, self.after_sha256, self.before_sha256, self.previous,
        ]  # fmt: skip
        return digest([json.dumps(fields, separators=(",", ":")).encode()])


COLUMNS = (
    "seq", "utc", "author", "tool", "kind", "class_index", "target",
    "y", "x", "height", "width",
    "payload_sha256", "after_sha256", "before_sha256", "previous", "hash",
)  # fmt: skip
"""Columns of the table of entries, in the order of `row_of` and `entry_of`."""


def row_of(entry: Entry) -> tuple[Any, ...]:
    """Return an entry as a row of the table."""
    box = entry.box
    corner = (box.y, box.x, *box.shape) if box else (None,) * 4
    return (
        entry.seq, entry.utc, entry.author, entry.tool, entry.kind.value,
        entry.class_index, entry.target, *corner, entry.payload_sha256,
        entry.after_sha256, entry.before_sha256, entry.previous, entry.hash,
    )  # fmt: skip


def entry_of(row: tuple[Any, ...]) -> Entry:
    """Return the entry of a row; its hash is computed, not taken from the row.

    Raises
    ------
    ValueError, TypeError
        If the row makes no sense.
    """
    seq, utc, author, tool, kind, class_index, target, *rest, _hash = row
    corner, digests = rest[:4], rest[4:]
    box = None if corner[0] is None else Box(*corner)
    return Entry(seq, utc, author, tool, Kind(kind), class_index, target, box, *digests)


class Digest:
    """SHA-256 over the SHA-256 of each of some bodies, which come one by one."""

    def __init__(self) -> None:
        self._whole = hashlib.sha256()

    def add(self, body: bytes) -> None:
        """Take in the next body."""
        self._whole.update(hashlib.sha256(body).digest())

    def hexdigest(self) -> str:
        """Return hexadecimal digits."""
        return self._whole.hexdigest()


def digest(bodies: Iterable[bytes]) -> str:
    """Return the SHA-256 over the SHA-256 of each body, as hexadecimal digits."""
    whole = Digest()
    for body in bodies:
        whole.add(body)
    return whole.hexdigest()
