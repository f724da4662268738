"""Filling blocks that large strokes owe."""

from __future__ import annotations

from collections.abc import Sequence

from napari_histossl.annotate._blocks import around
from napari_histossl.annotate._effects import Effects
from napari_histossl.annotate._owed import Owed, OwedBlocks
from napari_histossl.annotate._patches import NOTHING, Patch, pack
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate.journal import Journal
from napari_histossl.geometry import Box


class Filler:
    """Fills blocks, after recording what was there before.

    What is filled stays in the journal's list until it is on the disk in the mask
    itself: after a crash it is filled again, from the recorded pixels.

    Attributes
    ----------
    owed : OwedBlocks
        What is left.
    unsettled : list of Owed
        What is filled, but still in the journal's list.

    Parameters
    ----------
    planes : Planes
        The mask.
    journal : Journal
        Its journal.
    effects : Effects
        What the entries do.
    is_recording : bool
        False for looking: blocks are filled in memory, nothing is recorded.
    """

    def __init__(
        self, planes: Planes, journal: Journal, effects: Effects, *, is_recording: bool
    ) -> None:
        self._planes = planes
        self._journal = journal
        self._effects = effects
        self._is_recording = is_recording
        self.owed = OwedBlocks(journal.owed.all())
        self.unsettled: list[Owed] = []

    def fill_under(self, box: Box, before_seq: int | None = None) -> None:
        """Fill what entries before another one owe under it; see `fill`."""
        for number in self.owed.touching(box, before_seq):
            self.fill([number], before_seq)

    def fill(self, numbers: Sequence[int], before_seq: int | None = None) -> list[Box]:
        """Fill a few blocks; the pixels before are durable before any is changed.

        Parameters
        ----------
        numbers : sequence of int
            Numbers of blocks; they are in memory together.
        before_seq : int or None
            Fill what entries before this one owe; None for all.

        Returns
        -------
        list of Box
            What may look different now.

        Raises
        ------
        JournalError
            If the journal cannot be written, or is damaged there.
        StoreError
            If the mask cannot be read.
        """
        records: list[tuple[int, int, bytes]] = []
        patches: list[Patch] = []
        filled: list[Owed] = []
        for number in numbers:
            owed = self._due(number, before_seq)
            if owed:
                patches.append(self._filled(owed, records))
                filled += owed
        if records and self._is_recording:
            self._journal.record_before(records)
        with self._planes.changing(lambda: self.owed.remove(filled)):
            for patch in patches:
                self._planes.write(patch)
                self._planes.refresh([patch.box])
        self.unsettled += filled
        if self._is_recording:
            self._seal({self._effects.of(item.seq).root for item in filled})
        return [patch.box for patch in patches]

    def _due(self, number: int, before_seq: int | None) -> list[Owed]:
        owed = self.owed.of_block(number)
        return [x for x in owed if before_seq is None or x.seq < before_seq]

    def _filled(self, owed: list[Owed], records: list[tuple[int, int, bytes]]) -> Patch:
        """Return a block's pixels when nothing is owed; note what was there before."""
        box = around([item.box for item in owed])
        patch = self._planes.read(box)
        for item in owed:
            part = patch.cropped(item.box)
            after = self._effects.after(item, part)
            effect = self._effects.of(item.seq)
            if not (
                effect.is_undo or self._journal.is_recorded(effect.root, item.number)
            ):
                body = pack(part) if after else NOTHING
                records.append((effect.root, item.number, body))
            if after is not None:
                patch.paste(after)
        return patch

    def _seal(self, roots: set[int]) -> None:
        """Take the recorded pixels of strokes into the chain, where they are all."""
        roots -= self._journal.filled
        roots -= {self._effects.of(item.seq).root for item in self.owed.all()}
        for root in sorted(roots):
            if self._journal.history.is_done(root):
                self._journal.seal(self._journal.entry(root))
