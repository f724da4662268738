"""Which tile is where in the atlas: squares of one texture, the oldest used again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Container, Iterable, Iterator

from napari_histossl.slide.tiles import TileKey


class SlotTable:
    """Squares of a texture and the tiles that they hold.

    Parameters
    ----------
    rows, columns : int
        Squares along each side of the texture.
    """

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self._taken: OrderedDict[TileKey, tuple[int, int]] = OrderedDict()
        self._free = [
            (row, column)
            for row in reversed(range(rows))
            for column in reversed(range(columns))
        ]

    def __len__(self) -> int:
        return len(self._taken)

    def __iter__(self) -> Iterator[TileKey]:
        return iter(self._taken)

    def __contains__(self, key: object) -> bool:
        return key in self._taken

    @property
    def capacity(self) -> int:
        """Number of squares."""
        return self.rows * self.columns

    def place(self, key: TileKey) -> tuple[int, int]:
        """Return row and column of a tile that is there."""
        return self._taken[key]

    def use(self, keys: Iterable[TileKey]) -> None:
        """Remember that these tiles, which are there, are in use."""
        for key in keys:
            self._taken.move_to_end(key)

    def take(self, key: TileKey, keep: Container[TileKey]) -> tuple[int, int] | None:
        """Give a square to a tile that is not there.

        Parameters
        ----------
        key : TileKey
            The tile.
        keep : container of TileKey
            Tiles whose squares may not be taken.

        Returns
        -------
        tuple of int or None
            Row and column; None if every square is to be kept.
        """
        if self._free:
            place = self._free.pop()
        else:
            oldest = next((old for old in self._taken if old not in keep), None)
            if oldest is None:
                return None
            place = self._taken.pop(oldest)
        self._taken[key] = place
        return place

    def drop(self, key: TileKey) -> None:
        """Give up the square of a tile that is there."""
        self._free.append(self._taken.pop(key))
