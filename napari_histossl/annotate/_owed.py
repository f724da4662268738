"""What the planes owe: blocks of large changes that are journalled, not yet filled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from napari_histossl.annotate import _blocks
from napari_histossl.annotate._blocks import number_of
from napari_histossl.annotate._database import Database
from napari_histossl.geometry import Box

Due = tuple[int, Box]
"""Number of a block, and the part of it that a new entry has yet to change."""


@dataclass(frozen=True, slots=True)
class Owed:
    """One block that one entry has yet to change.

    Attributes
    ----------
    seq : int
        The entry.
    number : int
        Number of the block, and of its pixels among those of the change.
    box : Box
        Part of the block that may change.
    """

    seq: int
    number: int
    box: Box


def owed_by(seq: int, due: Iterable[Due]) -> list[Owed]:
    """Return blocks as an entry owes them."""
    return [Owed(seq, number, box) for number, box in due]


class OwedTable:
    """The durable list; written in the transactions of the journal.

    Parameters
    ----------
    database : Database
        Where the table is.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, owed: Iterable[Owed]) -> None:
        """Add blocks, inside a transaction."""
        for item in owed:
            box = item.box
            self._database.run(
                "INSERT INTO owed VALUES (?, ?, ?, ?, ?, ?)",
                *(item.seq, item.number, box.y, box.x, box.height, box.width),
            )

    def remove(self, owed: Iterable[Owed]) -> None:
        """Remove blocks, inside a transaction."""
        for item in owed:
            statement = "DELETE FROM owed WHERE seq = ? AND number = ?"
            self._database.run(statement, item.seq, item.number)

    def all(self) -> list[Owed]:
        """Return all blocks, those of the oldest entry first."""
        query = "SELECT seq, number, y, x, height, width FROM owed ORDER BY seq, number"
        return [
            Owed(seq, number, Box(*corner))
            for seq, number, *corner in self._database.rows(query)
        ]


class OwedBlocks:
    """The list in memory, by block; each block's changes in the order of entries.

    Notes
    -----
    One thread changes it, others may ask.
    """

    def __init__(self, owed: Iterable[Owed] = ()) -> None:
        self._by_block: dict[int, tuple[Owed, ...]] = {}
        self.add(owed)

    def __len__(self) -> int:
        return len(self._by_block)

    def __iter__(self) -> Iterator[int]:
        return iter(sorted(self._by_block))

    def add(self, owed: Iterable[Owed]) -> None:
        """Add blocks of an entry that comes after those that are there."""
        for item in owed:
            self._by_block[item.number] = (*self.of_block(item.number), item)

    def remove(self, owed: Iterable[Owed]) -> None:
        """Remove blocks that are filled, or need not be any more."""
        for item in owed:
            rest = tuple(x for x in self.of_block(item.number) if x != item)
            if rest:
                self._by_block[item.number] = rest
            else:
                self._by_block.pop(item.number, None)

    def of_block(self, number: int) -> tuple[Owed, ...]:
        """Return what a block owes, oldest entry first."""
        return self._by_block.get(number, ())

    def touching(self, box: Box, before_seq: int | None = None) -> list[int]:
        """Return the numbers of blocks that owe something in a box, in their order."""
        return sorted(
            number
            for number, owed in self._near(box)
            if any(
                (before_seq is None or item.seq < before_seq)
                and item.box.intersection(box) is not None
                for item in owed
            )
        )

    def all(self) -> list[Owed]:
        """Return everything, by entry and block."""
        blocks = list(self._by_block.values())
        found = [item for owed in blocks for item in owed]
        return sorted(found, key=lambda item: (item.seq, item.number))

    def _near(self, box: Box) -> list[tuple[int, tuple[Owed, ...]]]:
        edge = _blocks.BLOCK_PX
        corners = (
            Box(row * edge, column * edge, 1, 1)
            for row in range(box.y // edge, (box.y1 - 1) // edge + 1)
            for column in range(box.x // edge, (box.x1 - 1) // edge + 1)
        )
        count = (box.height // edge + 2) * (box.width // edge + 2)
        if not self._by_block or count > len(self._by_block):
            return list(self._by_block.items())
        numbers = map(number_of, corners)
        return [(number, self.of_block(number)) for number in numbers]
