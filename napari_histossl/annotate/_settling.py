"""Bringing the mask itself to the disk, now and then, behind the journal."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from napari_histossl.annotate._filling import Filler
from napari_histossl.annotate._owed import Owed
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate.journal import Journal
from napari_histossl.errors import StoreError

_SETTLE_EVERY = 64
"""Entries after which the planes are brought to the disk, so that what opening after a
crash applies again stays small."""

_HELD_BYTES = 64 << 20
"""Changed pixels in memory after which they are brought to the disk."""

_MOST_HELD_BYTES = 4 * _HELD_BYTES
"""Changed pixels in memory beyond which changes wait for the disk."""


class Settler:
    """Brings planes to the disk in the background and notes in the journal how far.

    Parameters
    ----------
    planes : Planes
        The mask.
    journal : Journal
        Its journal.
    filler : Filler
        Knows which blocks were filled.
    """

    def __init__(self, planes: Planes, journal: Journal, filler: Filler) -> None:
        self._planes = planes
        self._journal = journal
        self._filler = filler
        self._settled_seq = self._settling_seq = journal.facts.synced_seq
        self._settling: list[Owed] = []
        self._flusher = ThreadPoolExecutor(1, "mask-flusher")
        self._flush: Future[None] | None = None

    def settle_some(self) -> None:
        """Begin or end a flush where one is due; wait only where memory demands it."""
        if self._flush is not None and self._flush.done():
            self._finish_or_retry()
        held_bytes = self._planes.held_bytes
        entries = self._journal.last_seq - self._settled_seq
        if entries >= _SETTLE_EVERY or held_bytes > _HELD_BYTES:
            self._begin()
        if held_bytes > _MOST_HELD_BYTES:
            self._finish()

    def settle_all(self) -> None:
        """Wait until everything is on the disk."""
        self._finish_or_retry()
        is_settled = self._journal.last_seq == self._settled_seq
        if not is_settled or self._filler.unsettled or self._planes.held_bytes:
            self._begin()
            self._finish()

    def close(self) -> None:
        """Let go of the thread; call `settle_all` before."""
        self._flusher.shutdown()

    def _finish_or_retry(self) -> None:
        """Wait for a flush; if it failed, try again: there may be room by now."""
        try:
            self._finish()
        except StoreError:
            self._begin()
            self._finish()

    def _begin(self) -> None:
        """Flush in the background: hundreds of files take longer than a stroke may."""
        if self._flush is None:
            self._settling, self._filler.unsettled = self._filler.unsettled, []
            self._settling_seq = self._journal.last_seq
            self._flush = self._flusher.submit(self._planes.flush)

    def _finish(self) -> None:
        """Wait for a flush that was begun, and remember it."""
        if self._flush is None:
            return
        flush, self._flush = self._flush, None
        try:
            flush.result()
        except OSError as error:
            self._filler.unsettled += self._settling
            raise StoreError(
                f"the mask in {self._journal.path.parent} cannot be brought to the "
                f"disk ({error}); the journal has every step: check the disk"
            ) from error
        self._journal.settle(self._settling_seq, self._settling)
        self._settled_seq = self._settling_seq
