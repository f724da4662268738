"""What a journal says of the objects of a proposal: decided, edited, commented.

Nothing is kept beside the journal: what was undone does not count, what was brought
back does, and all is as it was after a restart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from napari_histossl.annotate._entries import MOVES, STEPS, Entry, Kind
from napari_histossl.annotate.comments import Comment, comment_of, standing
from napari_histossl.annotate.review import Verdict
from napari_histossl.geometry import Box

_VERDICTS = {verdict.value: verdict for verdict in Verdict}


class ObjectState(StrEnum):
    """How far the review of an object has come."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    EDITED = "edited"


STATES = {Verdict.ACCEPT: ObjectState.ACCEPTED, Verdict.REJECT: ObjectState.REJECTED}
"""State of an object after a decision."""


class LoggedMask(Protocol):
    """What is read of a mask."""

    def entries(self, after_seq: int = 0) -> Iterator[Entry]: ...
    def facts_of(self, entry: Entry) -> dict[str, Any]: ...
    def payload(self, entry: Entry) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that was made.

    Attributes
    ----------
    seq : int
        Its entry in the journal.
    verdict : Verdict
        What was decided.
    """

    seq: int
    verdict: Verdict


class ReviewLog:
    """Follows the journal of a mask.

    Parameters
    ----------
    mask : MaskStore
        Whose journal.

    Attributes
    ----------
    seq : int
        The last entry that was taken in.
    """

    def __init__(self, mask: LoggedMask) -> None:
        self._mask = mask
        self.seq = 0
        self._decisions: dict[int, tuple[str, Verdict]] = {}
        self._of_object: dict[str, list[int]] = {}
        self._edits: dict[int, Box] = {}
        self._undone: set[int] = set()
        self._comments: list[Comment] = []

    def update(self) -> tuple[set[str], list[Box]]:
        """Take in what was added to the journal.

        Returns
        -------
        set of str
            Names of objects on which there is something new.
        list of Box
            Parts of level 0 in which a person has painted, or taken that back.

        Raises
        ------
        JournalError
            If an entry cannot be read; those before it were taken in.
        """
        names: set[str] = set()
        boxes: list[Box] = []
        for entry in self._mask.entries(self.seq):
            about = self._take(entry)
            if about is not None:
                names.add(about)
            elif entry.box is not None:
                boxes.append(entry.box)
            self.seq = entry.seq
        return names, boxes

    def decision(self, name: str) -> Decided | None:
        """Return the newest decision on an object that stands, or None."""
        for seq in reversed(self._of_object.get(name, ())):
            if seq not in self._undone:
                return Decided(seq, self._decisions[seq][1])
        return None

    def decided(self) -> Iterable[str]:
        """Return the names of all objects on which a decision was ever made."""
        return self._of_object.keys()

    def edits(self) -> dict[int, Box]:
        """Return what a person painted and what stands of it, by entry."""
        return {n: box for n, box in self._edits.items() if n not in self._undone}

    def comments(self) -> list[Comment]:
        """Return the comments that stand, oldest first."""
        return standing(self._comments)

    def comments_by_object(self) -> dict[str, Comment]:
        """Return the newest comment on each object that has one."""
        return {c.about: c for c in self.comments() if c.about}

    def _take(self, entry: Entry) -> str | None:
        """Take in an entry; return the object that it is about, if it is one."""
        if entry.kind is Kind.COMMENT:
            return self._take_comment(entry)
        if entry.kind in MOVES:
            change = self._undone.add if entry.kind is Kind.UNDO else self._redo
            change(entry.target)
            return self._decisions.get(entry.target, (None, None))[0]
        if entry.kind not in STEPS:
            return None
        verdict = _VERDICTS.get(entry.tool)
        about = self._mask.facts_of(entry).get("about") if verdict else None
        if verdict is None or about is None:
            if entry.box is not None:
                self._edits[entry.seq] = entry.box
            return None
        self._decisions[entry.seq] = (about, verdict)
        self._of_object.setdefault(about, []).append(entry.seq)
        return str(about)

    def _redo(self, seq: int) -> None:
        self._undone.discard(seq)

    def _take_comment(self, entry: Entry) -> str:
        comment = comment_of(entry, self._mask.payload(entry))
        self._comments.append(comment)
        replaced = (c.about for c in self._comments if c.seq == comment.replaces)
        return comment.about or next(replaced, "")
