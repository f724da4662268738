"""A picture in many resolutions on disk, written box by box: OME-Zarr 0.5."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.closing import Closing
from napari_histossl.errors import GeometryError, StoreError
from napari_histossl.geometry import Box, Level
from napari_histossl.store import _layout, _ngff
from napari_histossl.store._chunks import boxes_of
from napari_histossl.store._guard import store_errors
from napari_histossl.store._header import Header
from napari_histossl.store._held import HeldChunks, held_boxes
from napari_histossl.store._holding import HoldsWrites
from napari_histossl.store._marks import Marks, sync_file, sync_folder
from napari_histossl.store._packing import Packing
from napari_histossl.store._refreshing import padded_to_even, pieces_below
from napari_histossl.store.lock import WriterLock
from napari_histossl.store.reduce import Reducer, ReducerName, named_reducer

if TYPE_CHECKING:
    import dask.array as da

_MARKS = "0/done.txt"
"""Resume marks lie in the folder of level 0, where zarr looks for nothing."""


class Pyramid(HoldsWrites, Closing):
    """A multiscale array in an OME-Zarr folder.

    Make one with `create` or `open`. Level k has downsample 2**k and the shape of
    level 0 divided by it and rounded up.

    Attributes
    ----------
    path : Path
        The folder.
    levels : tuple of Level
        Shapes and downsamples, finest first.
    arrays : tuple of zarr.Array
        One per level.
    pixel_um_yx : tuple of float or None
        Size of a level-0 pixel in micrometres; None when unknown.
    origin_um_yx : tuple of float
        Upper left edge, in micrometres from the upper left edge of the slide; in
        slide pixels where the scale is not known.
    pixel_px0_yx : tuple of float or None
        Size of a level-0 pixel of the pyramid in level-0 pixels of the slide.
    channel_names : tuple of str
        One per channel, or none.
    classes : ClassTable or None
        What labels mean.
    is_label : bool
        True for labels.
    provenance : dict
        How it came about; see `store.provenance.describe`.

    Notes
    -----
    Safe to use from several threads. Chunks are replaced by renaming, so a reader in
    another process sees a chunk as it was or as it is, never half of it. A chunk that
    holds the fill value only is not stored.
    """

    def __init__(
        self,
        path: Path,
        group: Any,
        *,
        lock: WriterLock | None,
        reducer: Reducer | None,
        hold_writes: bool = False,
    ) -> None:
        self.path = path
        self._lock = lock
        self._busy = threading.RLock()
        self._unsynced: set[Path] = set()
        self._marks = Marks(path / _MARKS)
        facts = Header.from_attributes(path, group.attrs)
        self._reducer = reducer or _remembered(facts)
        found = _ngff.multiscale(group.attrs) or {}
        self.arrays: tuple[Any, ...] = tuple(
            group[dataset["path"]] for dataset in found["datasets"]
        )
        access = held_boxes if hold_writes else boxes_of
        packing = Packing(self.arrays[0].chunks[-1], self.arrays[0].dtype)
        self._boxes = tuple(
            access(path / dataset["path"], array, packing)
            for dataset, array in zip(found["datasets"], self.arrays, strict=True)
        )
        self.levels = tuple(
            Level((array.shape[-2], array.shape[-1]), float(2**index))
            for index, array in enumerate(self.arrays)
        )
        self.axes = facts.axes
        self.pixel_um_yx = facts.pixel_um_yx
        self.pixel_px0_yx = facts.pixel_px0_yx
        self.origin_um_yx = facts.origin_um_yx
        self.channel_names = facts.channel_names
        self.provenance = dict(facts.provenance)
        self.is_label = facts.is_label
        self.classes = facts.classes

    # ---- Making and opening ----

    @classmethod
    def create(
        cls,
        path: str | Path,
        *,
        shape: Sequence[int],
        dtype: DTypeLike,
        axes: Sequence[str] | None = None,
        chunk_px: int = 512,
        pixel_um_yx: tuple[float, float] | None = None,
        pixel_px0_yx: tuple[float, float] | None = None,
        origin_um_yx: tuple[float, float] = (0.0, 0.0),
        channel_names: Sequence[str] = (),
        fill_value: float = 0,
        reducer: ReducerName | Reducer = "mean",
        provenance: Mapping[str, Any] | None = None,
        is_label: bool = False,
        classes: ClassTable | None = None,
        min_level_px: int = 512,
        overwrite: bool = False,
        hold_writes: bool = False,
    ) -> Self:
        """Create an empty pyramid and take its lock.

        Parameters
        ----------
        path : str or Path
            Folder to be made, by custom ending in ``.ome.zarr``.
        shape : sequence of int
            (height, width) or (channels, height, width).
        dtype : data type
            Type of the pixels.
        axes : sequence of str, optional
            ("y", "x") or ("c", "y", "x"); by default what fits the shape.
        chunk_px : int, optional
            Edge of a chunk in pixels; a chunk holds one channel.
        pixel_um_yx : tuple of float, optional
            Size of a pixel in micrometres; None when the slide does not say.
        pixel_px0_yx : tuple of float, optional
            Size of a pixel in level-0 pixels of the slide: places a pyramid on a slide
            without a scale.
        origin_um_yx : tuple of float, optional
            Upper left edge from the upper left edge of the slide, in micrometres, or
            in slide pixels where the scale is not known.
        channel_names : sequence of str, optional
            One per channel.
        fill_value : float, optional
            Value of what has not been written; NaN for "not computed".
        reducer : {"mean", "max", "nearest", "priority"} or callable, optional
            How 2 x 2 blocks become coarser pixels; see `store.reduce`. A callable is
            not remembered: `open` needs it again.
        provenance : mapping, optional
            How it came about, as JSON can hold it.
        is_label : bool, optional
            True for labels.
        classes : ClassTable, optional
            What labels mean; needed for "priority".
        min_level_px : int, optional
            Levels end where the longer side is at most this many pixels.
        overwrite : bool, optional
            Replace what is there; refused by default.
        hold_writes : bool, optional
            Keep what is written in memory until `flush`.

        Returns
        -------
        Pyramid
            Open for writing.

        Raises
        ------
        StoreError
            If something is there already, or the folder cannot be written.
        StoreLockedError
            If another process is writing there.
        """
        import zarr

        path = Path(path)
        header = Header(
            axes=tuple(axes) if axes else ("c", "y", "x")[-len(shape) :],
            pixel_um_yx=pixel_um_yx,
            pixel_px0_yx=pixel_px0_yx,
            origin_um_yx=origin_um_yx,
            channel_names=tuple(channel_names),
            reducer=reducer if isinstance(reducer, str) else "callable",
            provenance=provenance or {},
            is_label=is_label,
            classes=classes,
        )
        header.refuse_misfit(shape)
        function = _remembered(header) if isinstance(reducer, str) else reducer
        shapes = _layout.level_shapes(shape, min_level_px)
        lock = WriterLock(path).acquire()
        try:
            with store_errors(path):
                _layout.make_room(path, overwrite)
                group = zarr.open_group(path, mode="w", zarr_format=3)
                _layout.create_levels(group, shapes, dtype, chunk_px, fill_value)
                # written last: a folder without it is not taken for a pyramid
                name = path.name.removesuffix(".ome.zarr")
                group.attrs.update(header.to_attributes(name, len(shapes)))
                return cls(
                    path, group, lock=lock, reducer=function, hold_writes=hold_writes
                )
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(
        cls,
        path: str | Path,
        mode: Literal["r", "r+"] = "r",
        *,
        reducer: Reducer | None = None,
        hold_writes: bool = False,
    ) -> Self:
        """Open a pyramid.

        Parameters
        ----------
        path : str or Path
            Its folder.
        mode : {"r", "r+"}, optional
            "r" to read; "r+" to write, which takes the lock.
        reducer : callable, optional
            For a pyramid that was created with a callable and is to be written.
        hold_writes : bool, optional
            Keep what is written in memory until `flush`. In mode "r" it may be written
            then, too, and nothing of that ever reaches the disk.

        Returns
        -------
        Pyramid
            Open until `close`.

        Raises
        ------
        StoreError
            If there is none, or what is there is not a pyramid.
        StoreLockedError
            If it is opened for writing and another process is writing it.
        """
        import zarr

        path = Path(path)
        if not path.is_dir():
            raise StoreError(
                f"{path} does not exist; expected a folder with an OME-Zarr"
            )
        lock = WriterLock(path).acquire() if mode == "r+" else None
        try:
            with store_errors(path):
                group = zarr.open_group(path, mode=mode)
                pyramid = cls(
                    path, group, lock=lock, reducer=reducer, hold_writes=hold_writes
                )
        except BaseException:
            if lock is not None:
                lock.release()
            raise
        return pyramid

    def close(self) -> None:
        """Give the lock back; reading goes on working, writing does not."""
        with self._busy:
            if self._lock is not None:
                self._lock.release()

    # ---- Pixels ----

    def read(self, box: Box, level: int = 0) -> NDArray[Any]:
        """Read a box of a level.

        Parameters
        ----------
        box : Box
            Rectangle in pixels of the level; it may hang over the edges.
        level : int, optional
            Index into `levels`.

        Returns
        -------
        ndarray of shape (height, width) or (channels, height, width)
            The fill value where nothing has been written, and outside.

        Raises
        ------
        GeometryError
            If there is no such level.
        StoreError
            If a chunk cannot be read.
        """
        if not 0 <= level < len(self.levels):
            raise GeometryError(
                f"{self.path.name} has levels 0 to {len(self.levels) - 1}; got {level}"
            )
        array = self.arrays[level]
        inside = box.intersection(self.levels[level].box)
        with store_errors(self.path):
            if inside == box:
                return self._boxes[level].read(box)
            pixels = np.full(
                (*array.shape[:-2], *box.shape), array.fill_value, array.dtype
            )
            if inside is not None:
                target = inside.shifted(-box.y, -box.x)
                pixels[(..., *target.slices)] = self._boxes[level].read(inside)
        return pixels

    def write(self, box: Box, data: NDArray[Any]) -> None:
        """Write a box of level 0; call `refresh` afterwards, once for many writes.

        Parameters
        ----------
        box : Box
            Rectangle in level-0 pixels of the pyramid; what hangs over is dropped.
        data : ndarray of shape (height, width) or (channels, height, width)
            Pixels.

        Raises
        ------
        StoreError
            If the pyramid is not open for writing, the shapes differ, or the disk is
            full; what was there before is still there then.
        """
        self._require_writable()
        if tuple(data.shape) != (*self.arrays[0].shape[:-2], *box.shape):
            raise StoreError(
                f"{self.path.name}: a box of {box.height} x {box.width} px takes data "
                f"of shape {(*self.arrays[0].shape[:-2], *box.shape)}; got {data.shape}"
            )
        inside = box.intersection(self.levels[0].box)
        if inside is None:
            return
        part = data[(..., *inside.shifted(-box.y, -box.x).slices)]
        with self._busy:
            self._write_level(0, inside, part)
            if not isinstance(self._boxes[0], HeldChunks):  # those flush by themselves
                self._unsynced.update(self._boxes[0].files(inside))

    def refresh(self, box: Box | None = None) -> None:
        """Recompute the coarser levels below a box of level 0.

        Parameters
        ----------
        box : Box, optional
            Rectangle in level-0 pixels of the pyramid; by default all of it.

        Raises
        ------
        StoreError
            If the pyramid is not open for writing, or the disk is full.
        """
        self._require_writable()
        dirty = (box or self.levels[0].box).intersection(self.levels[0].box)
        if dirty is None:
            return
        with self._busy:
            for level, piece in pieces_below(dirty, len(self.levels)):
                self._refresh_piece(level, piece)

    def reduced(self, pixels: NDArray[Any]) -> NDArray[Any]:
        """Return pixels of the next coarser level by this pyramid's reducer.

        Parameters
        ----------
        pixels : ndarray of shape (height, width) or (channels, height, width)
            From an even row and column on; an odd last row or column counts twice.

        Raises
        ------
        StoreError
            If the pyramid was made with a reducer of its own and opened without it.
        """
        if self._reducer is None:
            raise StoreError(
                f"{self.path.name} was made with a reducer of its own; give it: "
                f"Pyramid.open(path, 'r+', reducer=...)"
            )
        return self._reducer(padded_to_even(pixels))

    def _refresh_piece(self, level: int, box: Box) -> None:
        fine_box = Box(2 * box.y, 2 * box.x, 2 * box.height, 2 * box.width)
        inside = fine_box.intersection(self.levels[level - 1].box)
        assert inside is not None  # shapes are rounded up
        self._write_level(level, box, self.reduced(self.read(inside, level - 1)))

    def _write_level(self, level: int, box: Box, data: NDArray[Any]) -> None:
        with store_errors(self.path):
            self._boxes[level].write(box, data)

    def lazy(self) -> list[da.Array]:
        """Return one dask array per level, which read what is on the disk then."""
        import uuid

        import dask.array as da

        name = uuid.uuid4().hex
        return [
            da.from_array(  # type: ignore[no-untyped-call]
                array, chunks=array.chunks, name=f"pyramid-{name}-{index}"
            )
            for index, array in enumerate(self.arrays)
        ]

    def _require_lock(self) -> None:
        if self._lock is None or not self._lock.is_held:
            raise StoreError(
                f"{self.path.name} is not open for writing; open it with mode 'r+'"
            )

    def _require_writable(self) -> None:
        if not any(isinstance(boxes, HeldChunks) for boxes in self._boxes):
            self._require_lock()

    # ---- Resuming ----

    def done_keys(self) -> set[str]:
        """Return the keys of finished work; empty for a new pyramid."""
        return self._marks.keys()

    def mark_done(self, *keys: str) -> None:
        """Remember that pieces of work are finished.

        Parameters
        ----------
        *keys : str
            One line of text each.

        Raises
        ------
        StoreError
            If the pyramid is not open for writing, or the disk is full.

        Notes
        -----
        Level-0 chunks written since the last mark are brought to the disk first, so a
        mark never promises what a power cut could still take. Coarser levels are not:
        `refresh` makes them again. Costs a few milliseconds a chunk: mark in batches.
        """
        self._require_lock()
        self.flush()
        with self._busy, store_errors(self.path):
            for path in self._unsynced:
                sync_file(path)
            for folder in {path.parent for path in self._unsynced}:
                sync_folder(folder)
            self._unsynced.clear()
            self._marks.add(keys)


# ---- Details ----


def _remembered(header: Header) -> Reducer | None:
    if header.reducer == "callable":
        return None
    return named_reducer(header.reducer, header.classes)
