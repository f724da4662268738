"""How a change becomes durable and then visible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate._entries import (
    Entry,
    Kind,
    pack_geometry,
    unpack_geometry,
)
from napari_histossl.annotate._patches import Patch, pack
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate._raster import blocks_of, rasterise, stroke_boxes
from napari_histossl.annotate.journal import Change, Journal, Part
from napari_histossl.annotate.strokes import Stroke
from napari_histossl.classes import Origin
from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box

_SYNC_EVERY = 64
"""Entries after which the pyramids are flushed to the disk, so that what a power
failure takes from them, and what opening after a crash applies again, stays small."""

_KEPT_BOXES = 4
"""A stroke within so many boxes keeps its new pixels between journal and pyramid;
a longer one draws them again, so that memory is bounded."""


class Writer:
    """Puts changes into the journal first, then into the planes.

    Every entry sets absolute values, so that applying entries again, in order and
    from any point not later than the first missing one, gives the same mask.
    """

    def __init__(self, planes: Planes, journal: Journal) -> None:
        self._planes = planes
        self._journal = journal
        self._unapplied: list[Entry] = []
        self._unsynced: list[Box] = []
        self._synced_seq = journal.synced_seq

    def recover(self) -> None:
        """Apply what is in the journal and may be missing in the planes."""
        self._unapplied = list(self._journal.entries(self._synced_seq))
        self.settle()

    def settle(self) -> None:
        """Bring the planes up to the journal, and both to the disk now and then."""
        self._apply_all()
        if self._journal.last_seq - self._synced_seq >= _SYNC_EVERY:
            self.sync()

    def sync(self) -> None:
        """Apply everything and wait until the planes are on the disk."""
        self._apply_all()
        if self._journal.last_seq > self._synced_seq:
            self._planes.sync(self._unsynced)
            self._journal.mark_synced(self._journal.last_seq)
            self._synced_seq = self._journal.last_seq
            self._unsynced.clear()

    def paint(self, stroke: Stroke) -> Entry | None:
        """Paint a stroke; None where it lies wholly outside the mask."""
        self.settle()
        shape = self._planes.labels.levels[0].shape
        boxes = stroke_boxes(stroke.points_px0, stroke.radius_px0, shape)
        if not boxes:
            return None
        kept: list[Patch] | None = [] if len(boxes) <= _KEPT_BOXES else None
        change = Change(
            Kind.STROKE,
            _around(boxes),
            stroke.tool,
            stroke.author,
            stroke.class_index,
        )
        entry = self._journal.append(
            change, pack_geometry(stroke), self._before_stroke(stroke, boxes, kept)
        )
        return self._applied(entry, kept)

    def paint_region(
        self,
        change: Change,
        wanted: Patch,
        where: NDArray[np.bool_] | None,
    ) -> Entry | None:
        """Set pixels of a box; None where this changes nothing."""
        self.settle()
        bodies: list[tuple[Part, bytes]] = []
        after: list[Patch] = []
        classes: set[int] = set()
        for box in blocks_of(wanted.box):
            part = box.shifted(-wanted.box.y, -wanted.box.x).slices
            before = self._planes.read(box)
            is_set = (
                before.labels != wanted.labels[part] if where is None else where[part]
            )
            if is_set.any():
                labels = np.where(is_set, wanted.labels[part], before.labels)
                origin = np.where(is_set, wanted.origin[part], before.origin)
                after.append(Patch(box, labels, origin))
                classes.update(np.unique(wanted.labels[part][is_set]).tolist())
                bodies += [("before", pack(before)), ("after", pack(after[-1]))]
        if not after:
            return None
        if len(classes) == 1:
            change = replace(change, class_index=classes.pop())
        return self._applied(self._journal.append(change, patches=bodies), after)

    def step(self, kind: Kind, target_seq: int, author: str | None) -> Entry:
        """Undo or redo an entry."""
        self.settle()
        target = self._journal.entry(target_seq)
        change = Change(kind, target.box, kind.value, author, target=target_seq)
        self._journal.check_patches(target, "before")
        return self._applied(self._journal.append(change))

    def _applied(self, entry: Entry, patches: list[Patch] | None = None) -> Entry:
        self._unapplied.append(entry)
        self._apply(entry, patches)
        self._unapplied.remove(entry)
        return entry

    def _apply_all(self) -> None:
        while self._unapplied:
            self._apply(self._unapplied[0])
            self._unapplied.pop(0)

    def _apply(self, entry: Entry, patches: Iterable[Patch] | None = None) -> None:
        dirty: list[Box] = []
        try:
            for patch in self._patches_of(entry) if patches is None else patches:
                self._planes.write(patch)
                dirty.append(patch.box)
            self._planes.refresh(dirty)
        except OSError as error:
            raise StoreError(
                f"step {entry.seq} is safe in the journal but could not be written "
                f"into the mask {self._journal.path.parent} ({error}); it is applied "
                f"when the mask is changed or opened again: free space or mend the "
                f"permissions first"
            ) from error
        self._unsynced += dirty

    def _patches_of(self, entry: Entry) -> Iterator[Patch]:
        """Yield the pixels that an entry sets."""
        match entry.kind:
            case Kind.STROKE:
                yield from self._after_stroke(entry)
            case Kind.REGION:
                yield from self._journal.patches(entry, "after")
            case Kind.UNDO:
                target = self._journal.entry(entry.target)
                yield from self._journal.patches(target, "before")
            case Kind.REDO:
                yield from self._patches_of(self._journal.entry(entry.target))
            case Kind.BASE:
                pass  # its pixels were on the disk before it was journaled

    def _before_stroke(
        self, stroke: Stroke, boxes: Sequence[Box], kept: list[Patch] | None
    ) -> Iterator[tuple[Part, bytes]]:
        for box in boxes:
            before = self._planes.read(box)
            yield "before", pack(before)
            if kept is not None:
                covered = rasterise(stroke.points_px0, stroke.radius_px0, box)
                kept.append(_painted(before, covered, stroke.class_index))

    def _after_stroke(self, entry: Entry) -> Iterator[Patch]:
        points_px0, radius_px0 = unpack_geometry(self._journal.payload(entry))
        shape = self._planes.labels.levels[0].shape
        for box in stroke_boxes(points_px0, radius_px0, shape):
            covered = rasterise(points_px0, radius_px0, box)
            if covered.any():
                yield _painted(self._planes.read(box), covered, entry.class_index)


def _painted(patch: Patch, covered: NDArray[np.bool_], class_index: int) -> Patch:
    labels = np.where(covered, np.uint8(class_index), patch.labels)
    origin = np.where(covered, np.uint8(Origin.HUMAN), patch.origin)
    return Patch(patch.box, labels, origin)


def _around(boxes: Sequence[Box]) -> Box:
    around = boxes[0]
    for box in boxes[1:]:
        around = around.union(box)
    return around
