"""Objects of a GeoJSON file, one after the other.

A file with 50,000 objects is several times larger as Python lists than as text; one
object at a time is turned into arrays instead.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_BLANKS = re.compile(r"[ \t\r\n]*")


class FeatureStream:
    """The objects in a text, as dictionaries.

    Parameters
    ----------
    text : str
        A FeatureCollection, a Feature, a list of features, or a bare geometry.

    Notes
    -----
    Errors are those of `json`: `ValueError`, and `RecursionError` for what is nested
    without end.
    """

    def __init__(self, text: str) -> None:
        self._text, self._at = text, 0
        self._decode = json.JSONDecoder().raw_decode

    def __iter__(self) -> Iterator[Any]:
        """Yield every object, in the order of the file."""
        if self._next() == "[":
            yield from self._items()
        elif self._next() == "{":
            yield from self._collection()
        else:
            raise ValueError("expected an object or a list at the beginning")
        if self._next():
            raise ValueError(f"text after the end, at character {self._at}")

    def _collection(self) -> Iterator[Any]:
        """Yield the features of a collection, or the one object itself."""
        members: dict[str, Any] = {}
        for _ in self._separated("{", "}"):
            key = self._value()
            self._expect(":")
            if key == "features" and self._next() == "[":
                members["features"] = []
                yield from self._items()
            else:
                members[key] = self._value()
        if "features" not in members:
            yield members

    def _items(self) -> Iterator[Any]:
        for _ in self._separated("[", "]"):
            yield self._value()

    def _separated(self, opening: str, closing: str) -> Iterator[None]:
        """Step through the items between brackets; the caller reads each of them."""
        self._expect(opening)
        if self._next() != closing:
            yield
            while self._next() == ",":
                self._expect(",")
                yield
        self._expect(closing)

    def _value(self) -> Any:
        self._next()
        value, self._at = self._decode(self._text, self._at)
        return value

    def _next(self) -> str:
        """Return the next character that is not blank, or nothing at the end."""
        blanks = _BLANKS.match(self._text, self._at)
        assert blanks is not None  # it matches nothing, too
        self._at = blanks.end()
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise ValueError(f"expected {character!r} at character {self._at}")
        self._at += 1
