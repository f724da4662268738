"""The two pyramids of a mask, labels and origin, handled as one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from napari_histossl.annotate._patches import Patch
from napari_histossl.classes import ClassTable
from napari_histossl.geometry import Box
from napari_histossl.store import Pyramid

_ORIGIN = "origin"
"""Group of the origin plane inside the mask."""

_ONE_REFRESH = 4
"""Refresh the box around several dirty ones at once, unless it is this many times
larger than they are together."""


class Planes:
    """Labels and origin of a mask on disk.

    Attributes
    ----------
    labels, origin : Pyramid
        Two pyramids of the same shape.
    """

    def __init__(self, labels: Pyramid, origin: Pyramid) -> None:
        self.labels = labels
        self.origin = origin

    @classmethod
    def create(
        cls,
        path: Path,
        shape: tuple[int, int],
        mpp_yx: tuple[float, float] | None,
        downsample: float,
        classes: ClassTable,
        provenance: dict[str, Any],
    ) -> Self:
        """Make two empty planes; a coarse pixel shows the class of highest priority."""
        labels = Pyramid.create(
            path,
            shape=shape,
            dtype=np.uint8,
            pixel_um_yx=mpp_yx,
            pixel_px0_yx=(downsample, downsample),
            reducer="priority",
            provenance=provenance,
            is_label=True,
            classes=classes,
        )
        origin = Pyramid.create(
            path / _ORIGIN,
            shape=shape,
            dtype=np.uint8,
            pixel_um_yx=mpp_yx,
            pixel_px0_yx=(downsample, downsample),
            reducer="max",
            provenance=provenance,
        )
        # Strokes may be durable long before the first flush: what describes the arrays
        # has to be on the disk before them.
        _sync_tree(path)
        return cls(labels, origin)

    @classmethod
    def open(cls, path: Path, *, read_only: bool) -> Self:
        """Open both planes."""
        mode: Literal["r", "r+"] = "r" if read_only else "r+"
        labels = Pyramid.open(path, mode)
        try:
            return cls(labels, Pyramid.open(path / _ORIGIN, mode))
        except BaseException:
            labels.close()
            raise

    def read(self, box: Box) -> Patch:
        """Read both planes at level 0; the arrays may be written to."""
        return Patch(box, self.labels.read(box), self.origin.read(box))

    def write(self, patch: Patch) -> None:
        """Write both planes at level 0."""
        self.labels.write(patch.box, patch.labels)
        self.origin.write(patch.box, patch.origin)

    def refresh(self, boxes: Sequence[Box]) -> None:
        """Bring the coarser levels up to date where level 0 changed."""
        for box in _merged(boxes):
            self.labels.refresh(box)
            self.origin.refresh(box)

    def sync(self, boxes: Sequence[Box]) -> None:
        """Wait until the pixels of boxes are on the disk, at all levels."""
        files: set[Path] = set()
        for pyramid in (self.labels, self.origin):
            files.update(_chunk_files(pyramid, boxes))
        for path in files:
            _sync_path(path)
        if os.name == "posix":  # a new or deleted file is a change of its folder
            for folder in {path.parent for path in files}:
                _sync_path(folder)

    def close(self) -> None:
        """Close both planes and release their locks."""
        try:
            self.origin.close()
        finally:
            self.labels.close()


def _merged(boxes: Sequence[Box]) -> Sequence[Box]:
    if len(boxes) < 2:
        return boxes
    around = boxes[0]
    for box in boxes[1:]:
        around = around.union(box)
    dirty_px = sum(box.height * box.width for box in boxes)
    is_compact = around.height * around.width <= _ONE_REFRESH * dirty_px
    return [around] if is_compact else boxes


def _chunk_files(pyramid: Pyramid, boxes: Sequence[Box]) -> Iterable[Path]:
    """Yield the files that hold boxes of level 0 and what is above them."""
    for number, array in enumerate(pyramid.arrays):
        height, width = (array.shards or array.chunks)[-2:]
        keys: set[tuple[int, int]] = set()
        for box in boxes:
            rows = range(
                (box.y >> number) // height, (box.y1 - 1 >> number) // height + 1
            )
            columns = range(
                (box.x >> number) // width, (box.x1 - 1 >> number) // width + 1
            )
            keys.update((row, column) for row in rows for column in columns)
        root = Path(array.store.root) / array.path
        yield from (root / array.metadata.encode_chunk_key(key) for key in keys)


def _sync_tree(folder: Path) -> None:
    """Wait until a new folder, its files and the folders it lies in are on the disk."""
    paths = [folder, *folder.rglob("*"), *folder.parents[:2]]
    for path in paths:
        if path.is_file() or os.name == "posix":
            _sync_path(path)


def _sync_path(path: Path) -> None:
    """Wait until a file or a folder is on the disk; one that is gone needs nothing."""
    flags = os.O_RDWR if os.name == "nt" else os.O_RDONLY
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
