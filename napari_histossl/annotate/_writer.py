"""How a change becomes durable and then visible."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from napari_histossl.annotate._blocks import around, number_of
from napari_histossl.annotate._drawing import Drawing, pack_drawing, unpack_drawing
from napari_histossl.annotate._effects import Effects
from napari_histossl.annotate._entries import MOVES, STEPS, Entry, Kind
from napari_histossl.annotate._filling import Filler
from napari_histossl.annotate._locks import Locks
from napari_histossl.annotate._owed import owed_by
from napari_histossl.annotate._patches import Patch, pack
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate._settling import Settler
from napari_histossl.annotate.journal import Change, Journal, Recorded
from napari_histossl.errors import JournalError, StoreError
from napari_histossl.geometry import Box

_KEPT_BOXES = 4
"""A change within so many boxes stays in memory while it is journaled; a larger one
is read from the journal again, so that memory is bounded."""

_FILLED_AT_ONCE = 4
"""Blocks that are filled in one step: some 50 ms, for which another change waits."""

PixelChange = Callable[[Patch], Patch | None]
"""Returns the pixels of a box afterwards, or None where nothing changes."""


class Writer:
    """Puts changes into the journal first, then into the planes.

    Every entry sets absolute values, taken from what the journal recorded, so that
    applying entries again, in order and from any point not later than the first
    missing one, gives the same mask. A large stroke is journaled as its geometry; its
    blocks are owed and filled later, or when another change comes upon them.
    """

    def __init__(self, planes: Planes, journal: Journal, *, read_only: bool) -> None:
        self._planes = planes
        self._journal = journal
        self._read_only = read_only
        self.effects = Effects(journal)
        self.filler = Filler(planes, journal, self.effects, is_recording=not read_only)
        self.settler = Settler(planes, journal, self.filler)
        self.locks = Locks(journal)
        self._unapplied: list[Entry] = []

    def recover(self) -> None:
        """Apply what is in the journal and may be missing in the planes.

        For looking it is applied in memory, up to where the journal is damaged.
        """
        try:
            unapplied = self._journal.entries(self._journal.facts.synced_seq)
            for entry in unapplied:
                self._unapplied.append(entry)
                self._apply_all()
        except JournalError as error:
            if not self._read_only:
                raise
            self._journal.damage = self._journal.damage or error
        if not self._read_only:
            self.settler.settle_some()

    def prepare(self) -> None:
        """Bring the planes up to the journal, and both to the disk now and then."""
        self._apply_all()
        self.settler.settle_some()

    def sync(self) -> None:
        """Apply everything and wait until the planes are on the disk."""
        self._apply_all()
        self.settler.settle_all()

    def fill_some(self, near_px0: Box | None) -> list[Box]:
        """Fill some blocks that are owed, those near a box first; return where."""
        self.prepare()
        owed = self.filler.owed
        numbers = owed.touching(near_px0) if near_px0 else []
        return self.filler.fill((numbers or list(owed))[:_FILLED_AT_ONCE])

    def draw(self, drawing: Drawing, tool: str, author: str | None) -> Entry | None:
        """Draw a shape; None where it covers no pixel of the mask."""
        self.prepare()
        boxes = drawing.boxes(self._planes.shape)
        if not boxes:
            return None
        self.locks.refuse_drawing(drawing, boxes)
        change = Change(Kind.STROKE, around(boxes), tool, author, drawing.class_index)
        if len(boxes) > 1:
            owed = [(number_of(box), box) for box in boxes]
            entry = self._journal.append(change, pack_drawing(drawing), owed=owed)
            with self._planes.moments.changing():
                self.filler.owed.add(owed_by(entry.seq, owed))
            return entry
        self.filler.fill_under(boxes[0])
        before = self._planes.read(boxes[0])
        after = drawing.painted(before)
        if after is None:
            return None
        recorded = [(number_of(before.box), pack(before), None)]
        entry = self._journal.append(change, pack_drawing(drawing), recorded)
        return self._applied(entry, [after])

    def set_pixels(
        self,
        change: Change,
        boxes: Sequence[Box],
        after: PixelChange,
        payload: bytes = b"",
    ) -> Entry | None:
        """Set pixels box by box, in the order of blocks; None where nothing changes."""
        self.prepare()
        for box in boxes:
            self.filler.fill_under(box)
        recording = _Recording(self._planes, boxes, self.locks.guarded(after))
        first = next(recording.bodies, None)
        if first is None:
            return None
        bodies = _chained(first, recording.bodies)
        entry = self._journal.append(change, payload, bodies)
        return self._applied(entry, recording.kept)

    def note(self, change: Change, payload: bytes) -> Entry:
        """Add an entry that sets no pixels."""
        self.prepare()
        return self._applied(self._journal.append(change, payload))

    def step(self, kind: Kind, target_seq: int, author: str | None) -> Entry:
        """Undo or redo an entry."""
        self.prepare()
        target = self._journal.entry(target_seq)
        change = Change(kind, target.box, kind.value, author, target=target_seq)
        if target.is_large:
            return self._step_large(change, target)
        self._journal.check_patches(target, "before")
        if self._journal.locked:
            for patch in self._set_by(kind, target):
                self.filler.fill_under(patch.box)
                self.locks.refuse_change(self._planes.read(patch.box), patch)
        return self._applied(self._journal.append(change))

    def _step_large(self, change: Change, target: Entry) -> Entry:
        """Owe what may be filled, and need no more what is not.

        A block that is owed may be filled nevertheless: on the disk, before a crash.
        """
        owed = self.filler.owed
        forgiven = [
            item for item in owed.all() if self.effects.of(item.seq).root == target.seq
        ]
        drawing = self.effects.of(target.seq).drawing
        boxes = {number_of(box): box for box in drawing.boxes(self._planes.shape)}
        self.locks.refuse_drawing(drawing, list(boxes.values()))
        numbers: Iterable[int] = boxes
        if change.kind is Kind.UNDO:  # where nothing was recorded, nothing changed
            numbers = self._journal.blobs.numbers(target.seq, "before")
        due = [(number, boxes[number]) for number in numbers]
        entry = self._journal.append(change, owed=due, forgiven=forgiven)
        with self._planes.moments.changing():
            owed.remove(forgiven)
            owed.add(owed_by(entry.seq, due))
        return entry

    def _applied(self, entry: Entry, patches: list[Patch] | None = None) -> Entry:
        self._unapplied.append(entry)
        self._apply(entry, patches)
        self._unapplied.remove(entry)
        return entry

    def _apply_all(self) -> None:
        while self._unapplied:
            self._apply(self._unapplied[0])
            self._unapplied.pop(0)

    def _apply(self, entry: Entry, patches: Sequence[Patch] | None = None) -> None:
        try:
            for patch in self._patches_of(entry, patches) if self.filler.owed else ():
                self.filler.fill_under(patch.box, entry.seq)
            with self._planes.changing():
                dirty: list[Box] = []
                for patch in self._patches_of(entry, patches):
                    self._planes.write(patch)
                    dirty.append(patch.box)
                self._planes.refresh(dirty)
        except OSError as error:
            if isinstance(error, JournalError):
                raise
            raise StoreError(
                f"step {entry.seq} is safe in the journal but could not be written "
                f"into the mask {self._journal.path.parent} ({error}); it is applied "
                f"when the mask is changed or opened again: free space or mend the "
                f"permissions first"
            ) from error

    def _patches_of(
        self, entry: Entry, known: Sequence[Patch] | None
    ) -> Iterator[Patch]:
        """Yield the pixels that an entry sets at once; large strokes set none."""
        if known is not None:
            yield from known
            return
        if entry.kind not in (*STEPS, *MOVES):
            return
        root = self._journal.entry(entry.target) if entry.target else entry
        if not root.is_large:
            yield from self._set_by(entry.kind, root)

    def _set_by(self, kind: Kind, root: Entry) -> Iterator[Patch]:
        """Yield the pixels that a step sets, or one that takes it back."""
        if kind is Kind.UNDO:
            yield from self._journal.patches(root, "before")
        elif root.kind is Kind.REGION:
            yield from self._journal.patches(root, "after")
        else:
            drawing = unpack_drawing(self._journal.payload(root), root.class_index)
            for before in self._journal.patches(root, "before"):
                yield drawing.painted(before) or before


class _Recording:
    """Pixels of boxes before and after a change, packed one box at a time.

    Attributes
    ----------
    bodies : iterator of (int, bytes, bytes)
        For the journal.
    kept : list of Patch or None
        The pixels afterwards, if they are few enough to keep; right at the end.
    """

    def __init__(
        self, planes: Planes, boxes: Sequence[Box], after: PixelChange
    ) -> None:
        self._planes = planes
        self.kept: list[Patch] | None = []
        self.bodies = self._recorded(boxes, after)

    def _recorded(self, boxes: Sequence[Box], after: PixelChange) -> Iterator[Recorded]:
        for box in boxes:
            before = self._planes.read(box)
            wanted = after(before)
            if wanted is None:
                continue
            if self.kept is not None:
                self.kept.append(wanted)
                if len(self.kept) > _KEPT_BOXES:
                    self.kept = None
            yield number_of(box), pack(before), pack(wanted)


def _chained(first: Recorded, rest: Iterator[Recorded]) -> Iterator[Recorded]:
    yield first
    yield from rest
