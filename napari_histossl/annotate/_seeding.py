"""Start a mask from a proposal: copy its labels, box by box."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import _arguments
from napari_histossl.annotate._entries import Kind
from napari_histossl.annotate._patches import Patch
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate._raster import blocks_of
from napari_histossl.annotate.journal import Change, Journal
from napari_histossl.classes import ClassTable
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress


class LabelSource(Protocol):
    """Anything that gives the labels of a box of the mask's level 0."""

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return class indices of shape (height, width)."""


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
    whole = planes.labels.levels[0].box
    blocks = list(blocks_of(whole))
    done = planes.labels.done_keys()
    pixels = hashlib.sha256()
    for number, box in enumerate(blocks, start=1):
        key = f"seed/{box.y}/{box.x}"
        if key in done:
            labels = planes.labels.read(box)
        else:
            labels = _arguments.checked_labels(source.read(box), box.shape, classes)
            _copy(planes, box, labels, facts["origin"])
            planes.labels.mark_done(key)
        pixels.update(labels.tobytes())
        yield Progress(number, len(blocks), box, "copying the proposal")
    planes.sync([whole])
    payload = json.dumps({**facts, "pixels_sha256": pixels.hexdigest()}, sort_keys=True)
    journal.append(Change(Kind.BASE, whole, tool="proposal"), payload.encode())


def _copy(planes: Planes, box: Box, labels: NDArray[np.uint8], origin: int) -> None:
    if labels.any():  # an empty block costs nothing on disk
        origins = np.where(labels != 0, np.uint8(origin), np.uint8(0))
        planes.write(Patch(box, labels, origins))
        planes.refresh([box])
