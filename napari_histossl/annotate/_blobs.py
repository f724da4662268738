"""The blobs of a journal: geometry and pixels, loose or in a compressed segment."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from napari_histossl.annotate._database import Database

Part = Literal["before", "after"]
"""Which pixels of a change."""

_SEGMENT_BYTES = 4 << 20
"""A segment holds about so many bytes before compression: it is unpacked as a whole."""

_PIECE_BYTES = 64
"""A segment is unpacked in pieces: of the one that is damaged, nothing is left."""

_LOOSE = """
SELECT seq, 'payload' AS part, 0 AS number, length(body) AS size FROM payloads
UNION ALL SELECT seq, part, number, length(body) FROM patches
ORDER BY seq, part, number LIMIT 4096
"""


@dataclass(frozen=True, slots=True)
class _Loose:
    seq: int
    part: str
    number: int
    size: int


class Blobs:
    """Blobs by the number of their entry.

    Parameters
    ----------
    database : Database
        Where the tables are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._unpacked: tuple[int, bytes] = (0, b"")

    def add_payload(self, seq: int, body: bytes) -> None:
        """Add geometry or provenance of an entry, inside a transaction."""
        self._database.run("INSERT INTO payloads VALUES (?, ?)", seq, body)

    def add_patch(self, seq: int, part: Part, number: int, body: bytes) -> None:
        """Add pixels of an entry, inside a transaction."""
        statement = "INSERT INTO patches VALUES (?, ?, ?, ?)"
        self._database.run(statement, seq, part, number, body)

    def payload(self, seq: int) -> bytes:
        """Return geometry or provenance of an entry, empty where there is none."""
        rows = self._database.rows("SELECT body FROM payloads WHERE seq = ?", seq)
        if rows:
            return _as_bytes(rows[0][0])
        return self._moved(seq, "payload", 0) or b""

    def numbers(self, seq: int, part: Part) -> list[int]:
        """Return the numbers of the pixels of an entry, in order."""
        query = (
            "SELECT number FROM patches WHERE seq = ?1 AND part = ?2 UNION ALL "
            "SELECT number FROM moved WHERE seq = ?1 AND part = ?2 ORDER BY number"
        )
        return [number for (number,) in self._database.rows(query, seq, part)]

    def patch(self, seq: int, part: Part, number: int) -> bytes | None:
        """Return pixels of an entry, or None where there are none of that number."""
        query = "SELECT body FROM patches WHERE seq = ? AND part = ? AND number = ?"
        rows = self._database.rows(query, seq, part, number)
        return _as_bytes(rows[0][0]) if rows else self._moved(seq, part, number)

    def patches(self, seq: int, part: Part) -> Iterator[bytes]:
        """Yield all pixels of an entry, in order."""
        for number in self.numbers(seq, part):
            yield self.patch(seq, part, number) or b""

    # ---- Segments ----

    def loose_bytes(self) -> int:
        """Return how many bytes are not in a segment."""
        query = (
            "SELECT (SELECT coalesce(sum(length(body)), 0) FROM payloads) + "
            "(SELECT coalesce(sum(length(body)), 0) FROM patches)"
        )
        return int(self._database.rows(query)[0][0])

    def move_some(self) -> int:
        """Move the oldest loose blobs into a segment; return their bytes, 0 for none.

        One transaction: after a crash a blob is in one place or in the other.
        """
        loose = self._oldest_loose()
        if not loose:
            return 0
        bodies = [self._loose_body(blob) for blob in loose]
        body = zlib.compress(b"".join(bodies), 9)
        with self._database.transaction():
            self._database.run("INSERT INTO segments (body) VALUES (?)", body)
            (segment,) = self._database.rows("SELECT max(segment) FROM segments")[0]
            start = 0
            for blob, loose_body in zip(loose, bodies, strict=True):
                self._move(blob, segment, start, len(loose_body))
                start += len(loose_body)
        return start

    def _oldest_loose(self) -> Sequence[_Loose]:
        found: list[_Loose] = []
        size_bytes = 0
        for row in self._database.rows(_LOOSE):
            found.append(_Loose(*row))
            size_bytes += found[-1].size
            if size_bytes >= _SEGMENT_BYTES:
                break
        return found

    def _loose_body(self, blob: _Loose) -> bytes:
        if blob.part == "payload":
            query = "SELECT body FROM payloads WHERE seq = ?"
            return bytes(self._database.rows(query, blob.seq)[0][0])
        query = "SELECT body FROM patches WHERE seq = ? AND part = ? AND number = ?"
        rows = self._database.rows(query, blob.seq, blob.part, blob.number)
        return _as_bytes(rows[0][0])

    def _move(self, blob: _Loose, segment: int, start: int, length: int) -> None:
        key = blob.seq, blob.part, blob.number
        statement = "INSERT INTO moved VALUES (?, ?, ?, ?, ?, ?)"
        self._database.run(statement, *key, segment, start, length)
        if blob.part == "payload":
            self._database.run("DELETE FROM payloads WHERE seq = ?", blob.seq)
            return
        statement = "DELETE FROM patches WHERE seq = ? AND part = ? AND number = ?"
        self._database.run(statement, *key)

    def _moved(self, seq: int, part: str, number: int) -> bytes | None:
        query = (
            "SELECT segment, start, length FROM moved "
            "WHERE seq = ? AND part = ? AND number = ?"
        )
        for segment, start, length in self._database.rows(query, seq, part, number):
            return self._segment(segment)[start : start + length]
        return None

    def _segment(self, segment: int) -> bytes:
        known, content = self._unpacked
        if known == segment:
            return content
        query = "SELECT body FROM segments WHERE segment = ?"
        rows = self._database.rows(query, segment)
        content = _inflated(_as_bytes(rows[0][0])) if rows else b""
        self._unpacked = segment, content
        return content


def _as_bytes(value: object) -> bytes:
    """Return a blob; what damage has turned into something else fails its hash."""
    return value if isinstance(value, bytes) else repr(value).encode()


def _inflated(body: bytes) -> bytes:
    """Return what a segment holds, up to where it is damaged.

    The hashes in the entries tell which blobs are what was written.
    """
    unpacker = zlib.decompressobj()
    content = bytearray()
    with contextlib.suppress(zlib.error):
        for start in range(0, len(body), _PIECE_BYTES):
            content += unpacker.decompress(body[start : start + _PIECE_BYTES])
    return bytes(content)
