"""What a mask says about a change that it took."""

from __future__ import annotations

from dataclasses import dataclass

from napari_histossl.annotate._entries import Entry
from napari_histossl.geometry import Box


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a change.

    Attributes
    ----------
    entry : Entry or None
        The journal entry, durable; None where nothing was changed.
    message : str
        One sentence where there is something to say, or an empty string.
    """

    entry: Entry | None
    message: str = ""

    @property
    def seq(self) -> int | None:
        """Number of the journal entry; None where nothing was changed."""
        return None if self.entry is None else self.entry.seq

    @property
    def box(self) -> Box | None:
        """Part of level 0 that may look different now; None where nothing changed."""
        return None if self.entry is None else self.entry.box

    @property
    def hash(self) -> str | None:
        """Hash of the entry, and so of the history up to it."""
        return None if self.entry is None else self.entry.hash
