"""A mask of a whole slide: paint, undo without limit, nothing lost.

A mask is a pair: a folder ``<name>.ome.zarr`` (labels as OME-Zarr, the origin plane in
its group ``origin``) and beside it ``<name>.journal.sqlite``. A change goes into the
journal first, where it is durable, then into the planes in memory, which are brought to
the disk behind it. What a crash kept from the disk is applied again from the journal
when the mask is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from napari_histossl.annotate import _arguments, _opening
from napari_histossl.annotate._changes import AnyStroke
from napari_histossl.annotate._entries import Kind
from napari_histossl.annotate._receipts import Receipt
from napari_histossl.annotate._reviewed import ReviewedMask
from napari_histossl.annotate._wanted import LabelSource
from napari_histossl.annotate.strokes import check_text
from napari_histossl.classes import DEFAULT_CLASSES, ClassTable, Origin
from napari_histossl.errors import JournalError, StoreError
from napari_histossl.geometry import Box


class MaskStore(ReviewedMask):
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
    dtype : dtype
        uint8 or uint16.
    mpp_yx : tuple of float or None
        Micrometres per pixel of level 0; None when unknown.
    downsample : float
        Pixels of the slide's level 0 per pixel of the mask, 1 when unknown.
    provenance : dict
        What the mask was made from.
    read_only : bool
        True if it was opened for looking only.
    why_read_only : str
        Why it is open for looking only, where that was not asked for.

    Notes
    -----
    One process at a time; a second one gets `StoreLockedError`. In that process, any
    thread may change the mask, and changes wait for one another and for the disk; a
    window lets one thread do it. `read`, `origin`, `lazy`, `can_undo`, `can_redo` and
    `owed_blocks` may be used from any thread meanwhile, that of the window included:
    they do not wait for a change, and see the mask before it or after it, never in
    between. That holds for what one call reads, up to 4 million pixels; larger boxes
    are read in parts. Where a large stroke is owed, they may look into the journal, as
    `entries` does, which waits while an entry is written: milliseconds.

    Examples
    --------
    >>> import tempfile
    >>> from napari_histossl.annotate import Stroke
    >>> folder = tempfile.TemporaryDirectory()
    >>> with MaskStore.create(f"{folder.name}/a.ome.zarr", (600, 800), 0.5) as mask:
    ...     receipt = mask.paint(Stroke([(100, 100)], 10, class_index=1))
    ...     int(mask.read(Box(100, 100, 1, 1))[0, 0])
    1
    """

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
        dtype: DTypeLike = np.uint8,
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
        dtype : data type
            uint8, or uint16 for programs that want that; classes are 1 to 255 in both.

        Raises
        ------
        AnnotationError
            If shape, mpp, downsample, dtype or base make no sense.
        StoreError, JournalError
            If it exists already or cannot be written.
        """
        path = Path(path)
        table = DEFAULT_CLASSES if classes is None else classes
        with _opening.made(
            path,
            shape,
            mpp,
            table,
            provenance=provenance or {},
            downsample=downsample,
            dtype=_arguments.checked_dtype(dtype),
        ) as (planes, journal):
            mask = cls(path, planes, journal, read_only=False)
            if base is not None:
                for _progress in mask.seed(base, provenance=provenance):
                    pass
        return mask

    @classmethod
    def open(cls, path: str | Path, *, read_only: bool | None = False) -> Self:
        """Open a mask; changes that a crash kept from the disk are applied.

        Parameters
        ----------
        path : str or Path
            The ``.ome.zarr`` folder.
        read_only : bool or None
            True for looking: takes no lock, changes nothing on the disk, and shows the
            mask as it is now by its journal, up to where that is damaged. None for
            looking where correcting is not possible; `why_read_only` says why then.

        Raises
        ------
        StoreError, JournalError
            If it is missing, damaged, or the two files do not belong together.
        StoreLockedError
            If another process corrects it; ``read_only=True`` opens it nevertheless.
        """
        path = Path(path)
        if read_only is None:
            return cls._open_if_possible(path)
        with _opening.opened(path, read_only=read_only) as (planes, journal):
            mask = cls(path, planes, journal, read_only=read_only)
            mask._writer.recover()
        return mask

    @classmethod
    def _open_if_possible(cls, path: Path) -> Self:
        try:
            return cls.open(path)
        except (StoreError, JournalError) as error:
            mask = cls.open(path, read_only=True)
            mask.why_read_only = str(error)
            return mask

    def paint(self, stroke: AnyStroke) -> Receipt:
        """Paint a stroke; when this returns, it is durable and can be read.

        Parameters
        ----------
        stroke : Stroke, Polygon, FloodFill, HoleFill, Found, Take or Decision
            What was drawn. Parts outside the mask are cut off; the receipt of a stroke
            wholly outside says so and has no number. What covers more than a million
            pixels is journaled as geometry and shown from then on; `settle` fills it.

        Raises
        ------
        AnnotationError
            If the class is not in the table, or the mask is open for looking only.
        JournalError
            If the journal cannot be written; the stroke is then not in the mask.
        StoreError
            If the mask cannot be read, or what was painted before cannot be brought
            to the disk. If the journal has the stroke already, it is applied with the
            next change or when the mask is opened again.
        """
        with self._changing() as changes:
            entry = changes.paint(stroke)
        return Receipt(entry, "" if entry else "nothing painted: no pixel is changed")

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
        """Set the pixels of a box, for a decision on a region or what a viewer drew.

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
        labels = _arguments.checked_labels(values, box.shape, self.classes, self.dtype)
        chosen = None
        if where is not None:
            chosen = _arguments.broadcast(np.asarray(where, bool), box.shape, "where")
        with self._changing() as changes:
            entry = changes.set_region(box, labels, chosen, origin, tool, author)
        message = "" if entry else "nothing changed: it is so already, or outside"
        return Receipt(entry, message)

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
        return Receipt(entry, "" if entry else "nothing to undo")

    def redo(self, author: str | None = None) -> Receipt:
        """Bring the step back that was undone last; raises like `undo`."""
        with self._changing():
            target = self._journal.history.next_redo
            entry = self._writer.step(Kind.REDO, target, author) if target else None
        return Receipt(entry, "" if entry else "nothing to redo")
