"""What entries do to the pixels of a block."""

from __future__ import annotations

from dataclasses import dataclass

from napari_histossl.annotate._drawing import Drawing, unpack_drawing
from napari_histossl.annotate._entries import Kind
from napari_histossl.annotate._owed import Owed
from napari_histossl.annotate._patches import Patch
from napari_histossl.annotate.journal import Journal

_MOST_KNOWN = 256
"""Drawings that are kept unpacked."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What an entry of a large stroke does.

    Attributes
    ----------
    root : int
        The stroke: the entry itself, or the one that it undoes or redoes.
    drawing : Drawing
        What that stroke draws.
    is_undo : bool
        Whether the pixels from before the stroke are set instead.
    """

    root: int
    drawing: Drawing
    is_undo: bool


class Effects:
    """Effects of the entries of a journal, kept once they were read.

    Parameters
    ----------
    journal : Journal
        Where the entries are.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._known: dict[int, Effect] = {}

    def of(self, seq: int) -> Effect:
        """Return what an entry does.

        Raises
        ------
        JournalError
            If the entry is damaged.
        """
        known = self._known.get(seq)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[seq] = self._read(seq)
        return known

    def after(self, owed: Owed, before: Patch) -> Patch | None:
        """Return pixels of a part of a block afterwards; None where nothing changes.

        What spares classes depends on what was there: if that was recorded, it counts,
        since the block may hold later changes already that a crash made owed again.

        Raises
        ------
        JournalError
            If what is needed for it is damaged.
        """
        effect = self.of(owed.seq)
        if not effect.is_undo and not effect.drawing.spared:
            return effect.drawing.painted(before)
        if not self._journal.is_recorded(effect.root, owed.number):
            return None if effect.is_undo else effect.drawing.painted(before)
        recorded = self._journal.patch_before(effect.root, owed.number)
        common = recorded and recorded.box.intersection(before.box)
        if not recorded or not common:
            return None
        part = recorded.cropped(common)
        return part if effect.is_undo else effect.drawing.painted(part)

    def _read(self, seq: int) -> Effect:
        entry = self._journal.entry(seq)
        root = self._journal.entry(entry.target) if entry.target else entry
        drawing = unpack_drawing(self._journal.payload(root), root.class_index)
        return Effect(root.seq, drawing, entry.kind is Kind.UNDO)
