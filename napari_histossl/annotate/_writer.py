"""How a change becomes durable and then visible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
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
from napari_histossl.annotate.journal import Change, Journal
from napari_histossl.annotate.strokes import Stroke
from napari_histossl.classes import Origin
from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box

_SYNC_EVERY = 64
"""Entries after which the pyramids are flushed to the disk, so that what a power
failure takes from them, and what opening after a crash applies again, stays small."""

_KEPT_BOXES = 4
"""A stroke within so many boxes is drawn once, in memory; a longer one is drawn again
after it was journaled, box by box, so that memory is bounded."""


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
        self._syncing: list[Box] = []
        self._synced_seq = self._syncing_seq = journal.synced_seq
        self._flusher = ThreadPoolExecutor(1, "mask-flusher")
        self._sync: Future[None] | None = None

    def recover(self) -> None:
        """Apply what is in the journal and may be missing in the planes."""
        self._unapplied = list(self._journal.entries(self._synced_seq))
        self.settle()

    def settle(self) -> None:
        """Bring the planes up to the journal, and both to the disk now and then."""
        self._apply_all()
        if self._sync is not None and self._sync.done():
            self._finish_sync()
        if self._journal.last_seq - self._synced_seq >= _SYNC_EVERY:
            self._begin_sync()

    def sync(self) -> None:
        """Apply everything and wait until the planes are on the disk."""
        self._apply_all()
        self._finish_sync()
        if self._journal.last_seq > self._synced_seq:
            self._begin_sync()
            self._finish_sync()

    def close(self) -> None:
        """Let go of the thread; call `sync` before."""
        self._flusher.shutdown()

    def _begin_sync(self) -> None:
        """Flush in the background: hundreds of files take longer than a stroke may."""
        if self._sync is None:
            self._syncing, self._unsynced = self._unsynced, []
            self._syncing_seq = self._journal.last_seq
            self._sync = self._flusher.submit(self._planes.sync, self._syncing)

    def _finish_sync(self) -> None:
        """Wait for a flush that was begun, and remember it."""
        if self._sync is None:
            return
        sync, self._sync = self._sync, None
        try:
            sync.result()
        except OSError as error:
            self._unsynced += self._syncing
            raise StoreError(
                f"the mask in {self._journal.path.parent} cannot be brought to the "
                f"disk ({error}); the journal has every step: check the disk"
            ) from error
        self._journal.mark_synced(self._syncing_seq)
        self._synced_seq = self._syncing_seq

    def paint(self, stroke: Stroke) -> Entry | None:
        """Paint a stroke; None where it covers no pixel of the mask."""
        self.settle()
        boxes = self._boxes_of(stroke.points_px0, stroke.radius_px0)
        if not boxes:
            return None
        change = Change(
            Kind.STROKE,
            _around(boxes),
            stroke.tool,
            stroke.author,
            stroke.class_index,
        )
        geometry = pack_geometry(stroke)
        if len(boxes) > _KEPT_BOXES:
            before = (pack(self._planes.read(box)) for box in boxes)
            return self._applied(self._journal.append(change, geometry, before))
        parts = list(
            self._painted(stroke.points_px0, stroke.radius_px0, stroke.class_index)
        )
        if not parts:
            return None
        entry = self._journal.append(
            change, geometry, [pack(before) for before, _after in parts]
        )
        return self._applied(entry, [after for _before, after in parts])

    def paint_region(
        self,
        change: Change,
        wanted: Patch,
        where: NDArray[np.bool_] | None,
    ) -> Entry | None:
        """Set pixels of a box; None where this changes nothing."""
        self.settle()
        before_bodies: list[bytes] = []
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
                counts = np.bincount(wanted.labels[part][is_set])
                classes.update(np.flatnonzero(counts).tolist())
                before_bodies.append(pack(before))
        if not after:
            return None
        if len(classes) == 1:
            change = replace(change, class_index=classes.pop())
        entry = self._journal.append(
            change, before=before_bodies, after=map(pack, after)
        )
        return self._applied(entry, after)

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

    def _after_stroke(self, entry: Entry) -> Iterator[Patch]:
        points_px0, radius_px0 = unpack_geometry(self._journal.payload(entry))
        for _before, after in self._painted(points_px0, radius_px0, entry.class_index):
            yield after

    def _painted(
        self, points_px0: NDArray[np.float32], radius_px0: float, class_index: int
    ) -> Iterator[tuple[Patch, Patch]]:
        """Yield the pixels before and after, where a stroke covers any."""
        for box in self._boxes_of(points_px0, radius_px0):
            covered = rasterise(points_px0, radius_px0, box)
            if covered.any():
                before = self._planes.read(box)
                labels = np.where(covered, np.uint8(class_index), before.labels)
                origin = np.where(covered, np.uint8(Origin.HUMAN), before.origin)
                yield before, Patch(box, labels, origin)

    def _boxes_of(
        self, points_px0: NDArray[np.float32], radius_px0: float
    ) -> list[Box]:
        shape = self._planes.labels.levels[0].shape
        return stroke_boxes(points_px0, radius_px0, shape)


def _around(boxes: Sequence[Box]) -> Box:
    around = boxes[0]
    for box in boxes[1:]:
        around = around.union(box)
    return around
