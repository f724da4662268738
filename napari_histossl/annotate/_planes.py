"""The two pyramids of a mask, labels and origin, handled as one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from napari_histossl.annotate._moments import Moments
from napari_histossl.annotate._patches import Patch
from napari_histossl.classes import ClassTable
from napari_histossl.geometry import Box
from napari_histossl.store import Pyramid
from napari_histossl.store._marks import sync_file, sync_folder

_ORIGIN = "origin"
"""Group of the origin plane inside the mask."""

_ONE_REFRESH = 4
"""Refresh the box around several dirty ones at once, unless it is this many times
larger than they are together."""


class Planes:
    """Labels and origin of a mask on disk; changes stay in memory until `flush`.

    Attributes
    ----------
    labels, origin : Pyramid
        Two pyramids of the same shape.
    moments : Moments
        For what has to be seen of both, or with something else, at one moment.
    """

    def __init__(self, labels: Pyramid, origin: Pyramid) -> None:
        self.labels = labels
        self.origin = origin
        self.moments = Moments()

    @classmethod
    def create(
        cls,
        path: Path,
        shape: tuple[int, int],
        mpp_yx: tuple[float, float] | None,
        downsample: float,
        classes: ClassTable,
        provenance: dict[str, Any],
        dtype: np.dtype[Any],
    ) -> Self:
        """Make two empty planes; a coarse pixel shows the class of highest priority."""
        labels = Pyramid.create(
            path,
            shape=shape,
            dtype=dtype,
            pixel_um_yx=mpp_yx,
            pixel_px0_yx=(downsample, downsample),
            reducer="priority",
            provenance=provenance,
            is_label=True,
            classes=classes,
            hold_writes=True,
        )
        origin = Pyramid.create(
            path / _ORIGIN,
            shape=shape,
            dtype=np.uint8,
            pixel_um_yx=mpp_yx,
            pixel_px0_yx=(downsample, downsample),
            reducer="max",
            provenance=provenance,
            hold_writes=True,
        )
        # Strokes may be durable long before the first flush: what describes the arrays
        # has to be on the disk before them.
        _sync_tree(path)
        return cls(labels, origin)

    @classmethod
    def open(cls, path: Path, *, read_only: bool) -> Self:
        """Open both planes."""
        mode: Literal["r", "r+"] = "r" if read_only else "r+"
        labels = Pyramid.open(path, mode, hold_writes=True)
        try:
            origin = Pyramid.open(path / _ORIGIN, mode, hold_writes=True)
            return cls(labels, origin)
        except BaseException:
            labels.close()
            raise

    def read(self, box: Box) -> Patch:
        """Read both planes at level 0; the arrays may be written to."""
        return Patch(box, self.labels.read(box), self.origin.read(box))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of level 0."""
        return self.labels.levels[0].shape

    def halved(self, patch: Patch) -> Patch:
        """Return about what a patch is on the next coarser level; any level's patch.

        Exact where its box starts at even pixels and ends there or at the edge.
        """
        box = patch.box
        coarse = Box(box.y // 2, box.x // 2, -(-box.height // 2), -(-box.width // 2))
        labels = self.labels.reduced(patch.labels)
        return Patch(coarse, labels, self.origin.reduced(patch.origin))

    @contextmanager
    def changing(self, at_once: Callable[[], None] | None = None) -> Iterator[None]:
        """Show others what is written inside at its end, at once; on an error nothing.

        Parameters
        ----------
        at_once : callable or None
            Called at the same moment, for what changes together with the pixels.
        """
        with self.labels.hidden() as show_labels, self.origin.hidden() as show_origin:
            yield
            with self.moments.changing():
                show_labels()
                show_origin()
                if at_once is not None:
                    at_once()

    def write(self, patch: Patch) -> None:
        """Write both planes at level 0."""
        self.labels.write(patch.box, patch.labels)
        self.origin.write(patch.box, patch.origin)

    def refresh(self, boxes: Sequence[Box]) -> None:
        """Bring the coarser levels up to date where level 0 changed."""
        for box in _merged(boxes):
            self.labels.refresh(box)
            self.origin.refresh(box)

    @property
    def held_bytes(self) -> int:
        """Memory taken by what is not on the disk yet."""
        return self.labels.held_bytes + self.origin.held_bytes

    def flush(self) -> None:
        """Bring both planes to the disk, at all levels; one call at a time."""
        self.labels.flush()
        self.origin.flush()

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


def _sync_tree(folder: Path) -> None:
    """Wait until a new folder, its files and the folders it lies in are on the disk."""
    paths = [folder, *folder.rglob("*"), *folder.parents[:2]]
    for path in paths:
        (sync_file if path.is_file() else sync_folder)(path)
