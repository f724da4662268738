"""Start a mask from a proposal: copy its labels, box by box."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import _arguments
from napari_histossl.annotate._blocks import blocks_of
from napari_histossl.annotate._entries import Kind
from napari_histossl.annotate._patches import Patch
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate._wanted import LabelSource
from napari_histossl.annotate.journal import Change, Journal
from napari_histossl.classes import ClassTable
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress

_BLOCKS_AT_ONCE = 8
"""Blocks that are brought to the disk together: 16 MB."""


@dataclass(frozen=True, slots=True, eq=False)
class ArrayLabels:
    """Labels from an array in memory.

    Attributes
    ----------
    values : ndarray of shape (H, W)
        Class indices, of the shape of the mask.
    """

    values: NDArray[np.uint8]

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return the values of a box."""
        return self.values[box.slices]


def as_source(
    source: NDArray[np.uint8] | LabelSource, shape: tuple[int, int]
) -> LabelSource:
    """Return a source of labels for an array or a source.

    Raises
    ------
    AnnotationError
        If an array does not have the shape of the mask.
    """
    if not isinstance(source, np.ndarray):
        return source
    if source.shape != shape:
        raise AnnotationError(
            f"a proposal has the shape of the mask, {shape}; got {source.shape}; "
            f"resample it, or make the mask at the proposal's resolution"
        )
    return ArrayLabels(source)


def seed(
    planes: Planes,
    journal: Journal,
    source: LabelSource,
    classes: ClassTable,
    facts: dict[str, Any],
) -> Iterator[Progress]:
    """Copy a proposal and end with the base entry; blocks done before are skipped.

    `facts` go into the journal; ``facts["origin"]`` is the origin of what is copied.
    """
    blocks = list(blocks_of(Box(0, 0, *planes.shape)))
    done = planes.labels.done_keys()
    pixels = hashlib.sha256()
    copied: list[str] = []
    try:
        for number, box in enumerate(blocks, start=1):
            key = f"seed/{box.y}/{box.x}"
            if key in done:
                labels = planes.labels.read(box)
            else:
                labels = _checked(source, box, classes, planes)
                _copy(planes, box, labels, facts["origin"])
                copied.append(key)
            pixels.update(labels.tobytes())
            if len(copied) == _BLOCKS_AT_ONCE or number == len(blocks):
                _mark(planes, copied)
            yield Progress(number, len(blocks), box, "copying the proposal")
    except GeneratorExit:
        _mark(planes, copied)
        raise
    payload = json.dumps({**facts, "pixels_sha256": pixels.hexdigest()}, sort_keys=True)
    change = Change(Kind.BASE, Box(0, 0, *planes.shape), tool="proposal")
    journal.append(change, payload.encode())


def _checked(
    source: LabelSource, box: Box, classes: ClassTable, planes: Planes
) -> NDArray[Any]:
    dtype = planes.labels.arrays[0].dtype
    return _arguments.checked_labels(source.read(box), box.shape, classes, dtype)


def _mark(planes: Planes, copied: list[str]) -> None:
    """Bring what was copied to the disk, then note it, then forget it."""
    planes.flush()
    planes.labels.mark_done(*copied)
    copied.clear()


def _copy(planes: Planes, box: Box, labels: NDArray[np.uint8], origin: int) -> None:
    if labels.any():  # an empty block costs nothing on disk
        origins = np.where(labels != 0, np.uint8(origin), np.uint8(0))
        with planes.changing():
            planes.write(Patch(box, labels, origins))
            planes.refresh([box])
