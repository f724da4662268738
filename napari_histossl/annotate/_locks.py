"""Regions that somebody has signed: nothing in them changes until they are unlocked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from napari_histossl.annotate._drawing import Drawing
from napari_histossl.annotate._entries import Entry
from napari_histossl.annotate._patches import Patch
from napari_histossl.annotate.journal import Journal
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box

PixelChange = Callable[[Patch], Patch | None]
"""Returns the pixels of a box afterwards, or None where nothing changes."""


class Locks:
    """What changes may not reach.

    Parameters
    ----------
    journal : Journal
        Its locks stand from the entry that signs to the one that unlocks.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def standing(self) -> list[Entry]:
        """Return the entries of the locks that stand, oldest first."""
        return [self._journal.entry(seq) for seq in sorted(self._journal.locked)]

    def refuse_drawing(self, drawing: Drawing, boxes: Sequence[Box]) -> None:
        """Refuse a shape that covers a pixel of a locked region.

        Parameters
        ----------
        drawing : Drawing
            What is to be drawn.
        boxes : sequence of Box
            Boxes that hold all its pixels.

        Raises
        ------
        AnnotationError
            If it does.
        """
        for box in boxes:
            for entry, common in self._touching(box):
                if drawing.shape.covered(common).any():
                    raise _refusal(entry)

    def refuse_change(self, before: Patch, after: Patch) -> None:
        """Refuse other pixels in a locked region.

        Raises
        ------
        AnnotationError
            If there are any.
        """
        for entry, common in self._touching(before.box):
            old, new = before.cropped(common), after.cropped(common)
            if np.any(old.labels != new.labels) or np.any(old.origin != new.origin):
                raise _refusal(entry)

    def guarded(self, after: PixelChange) -> PixelChange:
        """Return a change that refuses to reach into a locked region."""

        def refusing(before: Patch) -> Patch | None:
            wanted = after(before)
            if wanted is not None:
                self.refuse_change(before, wanted)
            return wanted

        return refusing if self._journal.locked else after

    def _touching(self, box: Box) -> Iterator[tuple[Entry, Box]]:
        for entry in self.standing():
            common = entry.box and entry.box.intersection(box)
            if common:
                yield entry, common


def _refusal(entry: Entry) -> AnnotationError:
    box = entry.box
    assert box is not None  # a lock has one
    return AnnotationError(
        f"{entry.author} signed the region at row {box.y}, column {box.x} "
        f"({box.height} x {box.width} px) on {entry.utc[:16].replace('T', ' ')} UTC "
        f"(entry {entry.seq}), so nothing in it is changed; unlock it first"
    )
