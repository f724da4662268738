"""The looking half of a mask: pixels, history, verification."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import _verifying
from napari_histossl.annotate._entries import Entry
from napari_histossl.annotate._header import Header
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate._view import View
from napari_histossl.annotate._writer import Writer
from napari_histossl.annotate.journal import Journal
from napari_histossl.closing import Closing
from napari_histossl.geometry import Box, Level


class ShownMask(Closing):
    """What a mask shows; see `MaskStore`."""

    def __init__(
        self, path: Path, planes: Planes, journal: Journal, *, read_only: bool
    ) -> None:
        self.path = path
        self.read_only = read_only
        self.why_read_only = ""
        self._planes = planes
        self._journal = journal
        self._writer = Writer(planes, journal, read_only=read_only)
        self._view = View(planes, self._writer.filler.owed, self._writer.effects)
        self._lock = threading.RLock()
        self._is_closed = False
        self.shape = planes.shape
        self.dtype = np.dtype(planes.labels.arrays[0].dtype)
        self.mpp_yx = planes.labels.pixel_um_yx
        header = Header.of(journal)
        self.classes, self.downsample = header.classes, header.downsample
        self.provenance = header.provenance

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels of the pyramid, finest first."""
        return tuple(self._planes.labels.levels)

    @property
    def steps(self) -> int:
        """How many entries the journal has: every change, undo and redo is one."""
        return self._journal.last_seq

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self._journal.history.next_undo is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to bring back."""
        return self._journal.history.next_redo is not None

    @property
    def is_seeding(self) -> bool:
        """Whether copying a proposal was begun and not finished; see `seed`."""
        return self._journal.facts.seeding is not None

    @property
    def owed_blocks(self) -> int:
        """How many blocks of large strokes `settle` has yet to fill."""
        return len(self._writer.filler.owed)

    @property
    def journal_bytes(self) -> int:
        """Size of the history on the disk."""
        journal = self._journal.path
        log = journal.with_name(f"{journal.name}-wal")
        return sum(file.stat().st_size for file in (journal, log) if file.exists())

    @property
    def damage(self) -> str:
        """Where the journal is damaged, if that was noticed; else an empty string.

        Only a mask that is open for looking can be; what is before the damage is shown.
        """
        return str(self._journal.damage or "")

    def read(self, box: Box, level: int = 0) -> NDArray[Any]:
        """Read classes.

        Parameters
        ----------
        box : Box
            Rectangle in pixels of the level; outside the mask it reads as 0.
        level : int
            Index into `levels`.

        Returns
        -------
        ndarray of shape (height, width) and of the mask's dtype
            Class indices, 0 where nobody has said anything. Level 0 is exact at all
            times. On coarser levels the class of the highest priority is shown, so that
            no label vanishes; edges of large strokes may be a pixel wider there until
            `settle` has filled them.
        """
        return self._view.read("labels", box, level)

    def origin(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Read who said what a pixel is, as values of `Origin`; else like `read`.

        A pixel from which a person took the label away is `Origin.HUMAN` with class 0.
        """
        return self._view.read("origin", box, level)

    def lazy(self) -> list[Any]:
        """Return the labels as dask arrays, one for each level."""
        import dask.array as da

        return [
            da.from_array(_LevelArray(self, number), chunks=512, name=False)  # type: ignore[no-untyped-call]
            for number in range(len(self.levels))
        ]

    def entries(self, after_seq: int = 0) -> Iterator[Entry]:
        """Yield the history, or what follows an entry of it, oldest entry first."""
        return self._journal.entries(after_seq)

    def verify(self) -> int:
        """Check the journal's chain and pixels; return the number of its entries.

        Raises
        ------
        JournalError
            At the first entry that is not what was written; those before it are.
        """
        with self._lock:
            return _verifying.verify(self._journal)


class _LevelArray:
    """A level of a mask as dask wants it."""

    ndim = 2

    def __init__(self, mask: ShownMask, level: int) -> None:
        self._mask = mask
        self._level = level
        self.shape = mask.levels[level].shape
        self.dtype = mask.dtype

    def __getitem__(self, index: tuple[Any, Any]) -> NDArray[Any]:
        spans, picks = [], []
        for part, length in zip(index, self.shape, strict=True):
            is_span = isinstance(part, slice)
            span = part if is_span else slice(int(part), int(part) + 1)
            start, stop, step = span.indices(length)
            spans.append((start, max(stop - start, 0)))
            picks.append(slice(None, None, step) if is_span else 0)
        (y, height), (x, width) = spans
        if not height or not width:
            return np.zeros((height, width), self.dtype)[tuple(picks)]
        return self._mask.read(Box(y, x, height, width), self._level)[tuple(picks)]
