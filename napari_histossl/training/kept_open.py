"""Slides and masks that stay open while patches are read from them."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, Protocol, TypeVar

_Opened = TypeVar("_Opened", bound="_Closable")
_Given = TypeVar("_Given", covariant=True)


class _Closable(Protocol):
    def close(self) -> None: ...


class Openable(Protocol[_Given]):
    """A small record from which something can be opened."""

    def open(self) -> _Given:
        """Open it."""


class KeptOpen(Generic[_Opened]):
    """The last ones that were asked for; not safe to use from several threads.

    Parameters
    ----------
    most : int
        How many stay open after `trim`; each holds a file and a cache of tiles.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: OrderedDict[str, _Opened] = OrderedDict()

    def get(self, source: Openable[_Opened]) -> _Opened:
        """Return what a record opens, opened now or before."""
        key = repr(source)
        if key not in self._open:
            self._open[key] = source.open()
        self._open.move_to_end(key)
        return self._open[key]

    def trim(self) -> None:
        """Close those that were asked for longest ago, if there are too many."""
        while len(self._open) > self._most:
            self._open.popitem(last=False)[1].close()

    def close(self) -> None:
        """Close all."""
        while self._open:
            self._open.popitem()[1].close()
