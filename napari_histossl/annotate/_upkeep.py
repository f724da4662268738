"""The upkeep of a mask: settling, compacting, starting from a proposal, closing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import _opening
from napari_histossl.annotate._changes import Changes
from napari_histossl.annotate._seeding import as_source, seed
from napari_histossl.annotate._shown import ShownMask
from napari_histossl.annotate._wanted import LabelSource
from napari_histossl.classes import Origin
from napari_histossl.errors import AnnotationError, JournalError, StoreError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress


class KeptMask(ShownMask):
    """What keeps a mask in order; see `MaskStore`."""

    def settle(self, near_px0: Box | None = None) -> Iterator[Progress]:
        """Fill what large strokes owe, and bring everything to the disk.

        Parameters
        ----------
        near_px0 : Box or None
            What to fill first: the view.

        Yields
        ------
        Progress
            After some blocks, with a box that is exact now on all levels. Closing
            the generator leaves the rest owed; it is filled by the next call, in this
            process or another.

        Raises
        ------
        AnnotationError
            If the mask is open for looking only.
        JournalError, StoreError
            If it cannot be written; what is owed stays so.

        Notes
        -----
        Made for a worker: the mask can be painted on between two steps.
        """
        done = 0
        while True:
            with self._changing():
                boxes = self._writer.fill_some(near_px0)
            if not boxes:
                break
            done += len(boxes)
            for box in boxes:
                yield Progress(done, done + self.owed_blocks, box, "filling")
        with self._changing():
            self._writer.sync()

    def compact(self) -> Iterator[Progress]:
        """Move pixels and geometry of the history into compressed segments.

        Entries and hashes stay as they are, and so does everything that can be undone.
        Each step is one transaction: it happens or it does not.

        Yields
        ------
        Progress
            After each segment, in bytes.

        Raises
        ------
        AnnotationError
            If the mask is open for looking only.
        JournalError
            If the journal cannot be written.
        """
        total_bytes, done_bytes = self._journal.blobs.loose_bytes(), 0
        while True:
            with self._changing():
                moved_bytes = self._journal.compact()
            if not moved_bytes:
                return
            done_bytes += moved_bytes
            yield Progress(
                done_bytes, max(total_bytes, done_bytes), message="compacting"
            )

    def seed(
        self,
        source: NDArray[np.uint8] | LabelSource,
        *,
        origin: Origin = Origin.MODEL,
        provenance: Mapping[str, Any] | None = None,
    ) -> Iterator[Progress]:
        """Copy a proposal into a mask that nobody has changed yet.

        Parameters
        ----------
        source : ndarray of shape (H, W) and dtype uint8, or LabelSource
            Class indices of level 0; 0 where it proposes nothing.
        origin : Origin
            Origin of the pixels that get a class.
        provenance : mapping or None
            What made the proposal, for the journal; the same again to go on after an
            interruption.

        Yields
        ------
        Progress
            After each block, with its box. What is copied stays copied: calling again
            with the same provenance goes on where it stopped.

        Raises
        ------
        AnnotationError
            If the mask was changed already, or another proposal was begun.
        """
        facts = {"origin": int(origin), **(provenance or {})}
        with self._lock:
            self._require_writable()
            if self._journal.last_seq:
                raise AnnotationError(
                    f"{self.path.name} has {self._journal.last_seq} steps already; a "
                    f"proposal can only be copied into a new mask"
                )
            self._journal.facts.begin_seeding(facts)
        labels = as_source(source, self.shape)
        yield from seed(self._planes, self._journal, labels, self.classes, facts)

    def close(self, *, settle: bool = True) -> None:
        """Bring everything to the disk and release the mask; closing twice is fine.

        Parameters
        ----------
        settle : bool
            False to leave what large strokes owe to the next one who opens the mask:
            other programs do not see it before.

        Raises
        ------
        StoreError, JournalError
            If that fails; the mask is released nevertheless, and what the journal has
            is applied when it is opened again.
        """
        with self._lock:
            if self._is_closed:
                return
            with contextlib.ExitStack() as closing:
                closing.callback(self._planes.close)
                closing.callback(self._journal.close)
                closing.callback(self._writer.settler.close)
                closing.callback(setattr, self, "_is_closed", True)
                if not self.read_only and not self.is_seeding:
                    for _progress in self.settle() if settle else ():
                        pass
                    self._writer.sync()

    def discard(self) -> None:
        """Close a mask that could not be finished, and delete it with its history.

        Raises
        ------
        AnnotationError
            If the mask is open for looking only.
        StoreError
            If the files cannot be deleted.
        """
        with self._lock:
            self._require_writable()
            with contextlib.suppress(StoreError, JournalError):  # a full disk
                self.close(settle=False)
            _opening.delete(self.path)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[Changes]:
        """One change at a time, on a mask that may be changed."""
        with self._lock:
            self._require_writable()
            if self.is_seeding:
                raise AnnotationError(
                    f"copying a proposal into {self.path.name} was interrupted; go on "
                    f"with it, or delete the mask and make a new one"
                )
            yield Changes(self, self._writer)

    def _require_writable(self) -> None:
        if self._is_closed:
            raise AnnotationError(f"{self.path.name} is closed; open it again")
        if self.read_only:
            why = self.why_read_only or "open it without read_only"
            raise AnnotationError(f"{self.path.name} is open for looking only; {why}")
