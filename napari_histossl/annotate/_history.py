"""What can be undone and redone, told from the journal alone."""

from __future__ import annotations

from collections.abc import Iterable

from napari_histossl.annotate._entries import Kind


class UndoHistory:
    """Two stacks of entry numbers, rebuilt by reading the journal in order.

    Nothing is kept beside the journal, so that what can be undone is the same after a
    restart, and there is no limit to it.
    """

    def __init__(self, steps: Iterable[tuple[int, Kind]] = ()) -> None:
        self._done: list[int] = []
        self._undone: list[int] = []
        for seq, kind in steps:
            self.add(seq, kind)

    def add(self, seq: int, kind: Kind) -> None:
        """Take in the next entry."""
        match kind:
            case Kind.UNDO:
                self._undone.append(self._done.pop())
            case Kind.REDO:
                self._done.append(self._undone.pop())
            case Kind.STROKE | Kind.REGION:
                self._done.append(seq)
                self._undone.clear()
            case _:
                pass  # not a step that changes pixels

    def is_done(self, seq: int) -> bool:
        """Tell whether a step stands: it was not taken back, or brought back again."""
        return seq in self._done

    @property
    def next_undo(self) -> int | None:
        """Entry that an undo takes back, or None."""
        # one step: another thread may take the last one away meanwhile
        return next(iter(self._done[-1:]), None)

    @property
    def next_redo(self) -> int | None:
        """Entry that a redo brings back, or None."""
        return next(iter(self._undone[-1:]), None)
