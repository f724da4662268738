"""A mask of a whole slide: paint, undo without limit, nothing lost.

A mask is a pair: a folder ``<name>.ome.zarr`` (labels as OME-Zarr, the origin plane in
its group ``origin``) and beside it ``<name>.journal.sqlite``. A change goes into the
journal first, where it is durable, then into the pyramids. What a crash kept from the
pyramids is applied again from the journal when the mask is opened.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_histossl.annotate import _arguments
from napari_histossl.annotate._entries import Entry, Kind
from napari_histossl.annotate._header import MASK_ID, Header, check_pair
from napari_histossl.annotate._patches import Patch
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate._seeding import LabelSource, as_source, seed
from napari_histossl.annotate._writer import Writer
from napari_histossl.annotate.journal import Change, Journal
from napari_histossl.annotate.strokes import Stroke, check_text
from napari_histossl.classes import DEFAULT_CLASSES, ClassTable, Origin
from napari_histossl.closing import Closing
from napari_histossl.errors import AnnotationError, StoreError
from napari_histossl.geometry import Box, Level
from napari_histossl.jobs import Progress


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a change.

    Attributes
    ----------
    seq : int or None
        Number of the journal entry, durable; None where nothing was changed.
    box : Box or None
        Part of level 0 that may look different now; None where nothing was changed.
    message : str
        One sentence where there is something to say, or an empty string.
    """

    seq: int | None
    box: Box | None
    message: str = ""


class MaskStore(Closing):
    """A mask on disk, open for reading or for correcting.

    Make one with `create` or `open`; close it, or use it as a context manager.

    Attributes
    ----------
    path : Path
        The ``.ome.zarr`` folder.
    classes : ClassTable
        What the labels mean.
    shape : tuple of int
        Height and width of level 0 in pixels.
    mpp_yx : tuple of float or None
        Micrometres per pixel of level 0; None when unknown.
    downsample : float
        Pixels of the slide's level 0 per pixel of the mask, 1 when unknown.
    provenance : dict
        What the mask was made from.
    read_only : bool
        True if it was opened for looking only.

    Notes
    -----
    One writer at a time; a second one gets `StoreLockedError`. Methods may be called
    from any thread, and changes wait for one another.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with MaskStore.create(f"{folder.name}/a.ome.zarr", (600, 800), 0.5) as mask:
    ...     receipt = mask.paint(Stroke([(100, 100)], 10, class_index=1))
    ...     int(mask.read(Box(100, 100, 1, 1))[0, 0])
    1
    """

    def __init__(
        self, path: Path, planes: Planes, journal: Journal, *, read_only: bool
    ) -> None:
        self.path = path
        self.read_only = read_only
        self._planes = planes
        self._journal = journal
        self._writer = Writer(planes, journal)
        self._lock = threading.RLock()
        self._is_closed = False
        self.shape = planes.labels.levels[0].shape
        self.mpp_yx = planes.labels.pixel_um_yx
        header = Header.of(journal)
        self.classes, self.downsample = header.classes, header.downsample
        self.provenance = header.provenance

    @classmethod
    def create(
        cls,
        path: str | Path,
        shape: tuple[int, int],
        mpp: float | tuple[float, float] | None,
        classes: ClassTable | None = None,
        *,
        base: NDArray[np.uint8] | LabelSource | None = None,
        provenance: Mapping[str, Any] | None = None,
        downsample: float = 1.0,
    ) -> Self:
        """Make an empty mask, or one that starts from a proposal.

        Parameters
        ----------
        path : str or Path
            Folder to make, ``<name>.ome.zarr``; the journal goes beside it.
        shape : tuple of int
            Height and width of level 0 in pixels.
        mpp : float, pair of float, or None
            Micrometres per pixel of level 0.
        classes : ClassTable or None
            What the labels mean; None for the default table.
        base : ndarray of shape (H, W) and dtype uint8, or LabelSource, or None
            Proposal to start from; for a large one make the mask empty and use `seed`.
        provenance : mapping or None
            What the mask is made from; plain values that JSON can hold.
        downsample : float
            Pixels of the slide's level 0 per pixel of the mask.

        Raises
        ------
        AnnotationError
            If shape, mpp, downsample or base make no sense.
        StoreError, JournalError
            If it exists already or cannot be written.
        """
        path = Path(path)
        table = DEFAULT_CLASSES if classes is None else classes
        shape = _arguments.checked_shape(shape)
        mpp_yx = _arguments.checked_mpp(mpp)
        header = Header(
            uuid.uuid4().hex,
            table,
            _arguments.checked_positive(downsample, "downsample"),
            dict(provenance or {}),
        )
        _refuse_existing(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = {**header.provenance, MASK_ID: header.mask_id}
        with contextlib.ExitStack() as on_error:
            planes = Planes.create(path, shape, mpp_yx, header.downsample, table, facts)
            on_error.callback(planes.close)
            journal = Journal.create(_arguments.journal_beside(path), header.to_json())
            on_error.callback(journal.close)
            mask = cls(path, planes, journal, read_only=False)
            if base is not None:
                for _progress in mask.seed(base, provenance=provenance):
                    pass
            on_error.pop_all()
        return mask

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool = False) -> Self:
        """Open a mask; changes that a crash kept from the pyramids are applied.

        Parameters
        ----------
        path : str or Path
            The ``.ome.zarr`` folder.
        read_only : bool
            For looking: takes no lock, changes nothing, and shows what is in the
            pyramids.

        Raises
        ------
        StoreError, JournalError
            If it is missing, damaged, or the two files do not belong together.
        StoreLockedError
            If another process corrects it; ``read_only=True`` opens it nevertheless.
        """
        path = Path(path)
        with contextlib.ExitStack() as on_error:
            planes = Planes.open(path, read_only=read_only)
            on_error.callback(planes.close)
            journal = Journal.open(_arguments.journal_beside(path), read_only=read_only)
            on_error.callback(journal.close)
            check_pair(path, planes, journal)
            mask = cls(path, planes, journal, read_only=read_only)
            if not read_only:
                mask._writer.recover()
            on_error.pop_all()
        return mask

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels of the pyramid, finest first."""
        return tuple(self._planes.labels.levels)

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
        return self._journal.seeding is not None

    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Read classes.

        Parameters
        ----------
        box : Box
            Rectangle in pixels of the level; outside the mask it reads as 0.
        level : int
            Index into `levels`.

        Returns
        -------
        ndarray of shape (height, width) and dtype uint8
            Class indices, 0 where nobody has said anything.
        """
        return self._planes.labels.read(box, level)

    def read_origin(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Read who said what a pixel is, as values of `Origin`; else like `read`.

        A pixel from which a person took the label away is `Origin.HUMAN` with class 0.
        """
        return self._planes.origin.read(box, level)

    def lazy(self) -> list[Any]:
        """Return the labels as dask arrays, one for each level."""
        return self._planes.labels.lazy()

    def paint(self, stroke: Stroke) -> Receipt:
        """Paint a stroke; when this returns, it is durable and can be read.

        Parameters
        ----------
        stroke : Stroke
            What was drawn. Parts outside the mask are cut off; the receipt of a stroke
            wholly outside says so and has no number.

        Raises
        ------
        AnnotationError
            If the class is not in the table, or the mask is open for looking only.
        JournalError
            If the journal cannot be written; the stroke is then not in the mask.
        StoreError
            If the journal has the stroke and the pyramid could not be written; the
            stroke is applied with the next change or when the mask is opened again.
        """
        _arguments.checked_class(stroke.class_index, self.classes)
        with self._changing():
            entry = self._writer.paint(stroke)
        return _receipt(entry, "nothing painted: no pixel of the mask is covered")

    def paint_region(
        self,
        box: Box,
        values: ArrayLike,
        *,
        tool: str,
        author: str | None = None,
        where: ArrayLike | None = None,
        origin: Origin = Origin.HUMAN,
    ) -> Receipt:
        """Set the pixels of a box, for a fill, a polygon or a decision on a region.

        Parameters
        ----------
        box : Box
            Rectangle in level-0 pixels; what hangs over the mask is cut off.
        values : array_like of shape (height, width), or one number
            Class indices to set.
        tool : str
            Name for the history.
        author : str or None
            Who did it; None stands for the login name.
        where : array_like of bool of shape (height, width), or None
            Pixels that are set. None: those whose class differs from the present one,
            which is right for a box that a viewer returns as it looks afterwards.
        origin : Origin
            Origin of the pixels that are set.

        Raises
        ------
        AnnotationError
            If shapes do not fit, a class is not in the table, or the mask is open for
            looking only.
        JournalError, StoreError
            As for `paint`.
        """
        check_text(tool, "tool")
        check_text(author or "", "author")
        labels = _arguments.checked_labels(values, box.shape, self.classes)
        chosen = None
        if where is not None:
            chosen = _arguments.broadcast(np.asarray(where, bool), box.shape, "where")
        inside = _arguments.inside(box, self.shape)
        entry = None
        if inside is not None:
            part = inside.shifted(-box.y, -box.x).slices
            origins = np.broadcast_to(np.uint8(origin), inside.shape)
            change = Change(Kind.REGION, inside, tool, author)
            with self._changing():
                entry = self._writer.paint_region(
                    change,
                    Patch(inside, labels[part], origins),
                    None if chosen is None else chosen[part],
                )
        return _receipt(entry, "nothing changed: the region is so already, or outside")

    def undo(self, author: str | None = None) -> Receipt:
        """Take the last step back; a new entry in the journal, nothing is deleted.

        Raises
        ------
        AnnotationError
            If the mask is open for looking only.
        JournalError, StoreError
            As for `paint`, and if the pixels to restore are damaged.
        """
        with self._changing():
            target = self._journal.history.next_undo
            entry = self._writer.step(Kind.UNDO, target, author) if target else None
        return _receipt(entry, "nothing to undo")

    def redo(self, author: str | None = None) -> Receipt:
        """Bring the step back that was undone last; raises like `undo`."""
        with self._changing():
            target = self._journal.history.next_redo
            entry = self._writer.step(Kind.REDO, target, author) if target else None
        return _receipt(entry, "nothing to redo")

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
            self._journal.begin_seeding(facts)
        labels = as_source(source, self.shape)
        yield from seed(self._planes, self._journal, labels, self.classes, facts)

    def entries(self) -> Iterator[Entry]:
        """Yield the history, oldest entry first."""
        return self._journal.entries()

    def verify(self) -> int:
        """Check the journal's chain and pixels; return the number of its entries.

        Raises
        ------
        JournalError
            At the first entry that is not what was written; those before it are.
        """
        with self._lock:
            return self._journal.verify()

    def close(self) -> None:
        """Bring everything to the disk and release the mask; closing twice is fine.

        Raises
        ------
        StoreError, JournalError
            If that fails; the mask is released nevertheless, and what the journal has
            is applied when it is opened again.
        """
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            with contextlib.ExitStack() as closing:
                closing.callback(self._planes.close)
                closing.callback(self._journal.close)
                closing.callback(self._writer.close)
                if not self.read_only:
                    self._writer.sync()

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        """One change at a time, on a mask that may be changed."""
        with self._lock:
            self._require_writable()
            if self.is_seeding:
                raise AnnotationError(
                    f"copying a proposal into {self.path.name} was interrupted; go on "
                    f"with it, or delete the mask and make a new one"
                )
            yield

    def _require_writable(self) -> None:
        if self._is_closed:
            raise AnnotationError(f"{self.path.name} is closed; open it again")
        if self.read_only:
            raise AnnotationError(
                f"{self.path.name} is open for looking only; open it without read_only"
            )


def _refuse_existing(path: Path) -> None:
    if path.exists() or _arguments.journal_beside(path).exists():
        raise StoreError(
            f"a mask named {path.name} exists already in {path.parent}; open it, "
            f"choose another name, or delete it with its journal"
        )


def _receipt(entry: Entry | None, message: str) -> Receipt:
    if entry is None:
        return Receipt(None, None, message)
    return Receipt(entry.seq, entry.box)
