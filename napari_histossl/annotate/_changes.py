"""From what a person drew to what is journalled."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import _arguments
from napari_histossl.annotate._blocks import around, blocks_of
from napari_histossl.annotate._entries import Entry, Kind
from napari_histossl.annotate._patches import Patch
from napari_histossl.annotate._shown import ShownMask
from napari_histossl.annotate._wanted import LabelSource, Pixels
from napari_histossl.annotate._writer import Writer
from napari_histossl.annotate.fills import FloodFill, Found, HoleFill, Take
from napari_histossl.annotate.journal import Change
from napari_histossl.annotate.review import Decision
from napari_histossl.annotate.strokes import Polygon, Stroke, check_text
from napari_histossl.classes import ClassTable, Origin
from napari_histossl.geometry import Box

AnyStroke = Stroke | Polygon | FloodFill | HoleFill | Found | Take | Decision
"""Everything that can be painted."""


class Changes:
    """Hands changes to a writer, after checking them against the mask.

    Parameters
    ----------
    mask : ShownMask
        The mask.
    writer : Writer
        Its writer.
    """

    def __init__(self, mask: ShownMask, writer: Writer) -> None:
        self._mask = mask
        self._writer = writer

    def paint(self, stroke: AnyStroke) -> Entry | None:
        """Paint a stroke of any kind; None where nothing changes.

        Raises
        ------
        AnnotationError
            If a class is not in the table of the mask.
        """
        check_text(stroke.tool, "tool")
        check_text(stroke.author or "", "author")
        match stroke:
            case Stroke() | Polygon():
                _arguments.checked_class(stroke.class_index, self._mask.classes)
                return self._writer.draw(stroke.drawing(), stroke.tool, stroke.author)
            case FloodFill() | HoleFill() | Found():
                _arguments.checked_class(stroke.class_index, self._mask.classes)
                return self._fill(stroke)
            case Take():
                return self._take(stroke)
            case Decision():
                _arguments.checked_class(stroke.class_index, self._mask.classes)
                return self._decide(stroke)

    def set_region(
        self,
        box: Box,
        labels: NDArray[Any],
        where: NDArray[np.bool_] | None,
        origin: Origin,
        tool: str,
        author: str | None,
    ) -> Entry | None:
        """Set given pixels of a box; None where nothing changes."""
        inside = _arguments.inside(box, self._mask.shape)
        if inside is None:
            return None
        part = inside.shifted(-box.y, -box.x).slices
        origins = np.broadcast_to(np.uint8(origin), inside.shape)
        pixels = Pixels(
            Patch(inside, labels[part], origins), None if where is None else where[part]
        )
        boxes = list(blocks_of(inside))
        class_index = self._only_class(pixels, boxes)
        change = Change(Kind.REGION, inside, tool, author, class_index)
        return self._writer.set_pixels(change, boxes, pixels.after)

    def _fill(self, stroke: FloodFill | HoleFill | Found) -> Entry | None:
        area = stroke.area(self._mask)
        boxes = area.boxes() if area else []
        if area is None or not boxes:
            return None
        change = Change(
            Kind.REGION, around(boxes), stroke.tool, stroke.author, stroke.class_index
        )
        return self._writer.set_pixels(change, boxes, area.after)

    def _take(self, stroke: Take) -> Entry | None:
        boxes = stroke.boxes(self._mask.shape)
        if not boxes:
            return None
        taken = stroke.taken(_Checked(stroke.source, self._mask.classes))
        change = Change(Kind.REGION, around(boxes), stroke.tool, stroke.author)
        payload = b""
        if stroke.provenance:
            payload = json.dumps(dict(stroke.provenance), sort_keys=True).encode()
        return self._writer.set_pixels(change, boxes, taken.after, payload)

    def _decide(self, decision: Decision) -> Entry | None:
        """Decide on an object; journaled also where a person has painted all of it."""
        source = decision.source and _Checked(decision.source, self._mask.classes)
        wanted = decision.wanted(self._mask.shape, source)
        boxes = wanted.area.boxes()
        if not boxes:
            return None
        change = Change(
            Kind.REGION,
            around(boxes),
            decision.tool,
            decision.author,
            decision.class_index,
        )
        payload = decision.payload()
        entry = self._writer.set_pixels(change, boxes, wanted.after, payload)
        return entry or self._writer.note(change, payload)

    def _only_class(self, pixels: Pixels, boxes: list[Box]) -> int:
        """Return the class that is set, where it is one only; else 0."""
        first = pixels.wanted.labels.flat[0]
        if not any(pixels.wanted.labels.strides):
            return int(first)
        found: set[int] = set()
        for box in boxes:
            before = Patch(box, self._mask.read(box), pixels.wanted.cropped(box).origin)
            is_set = pixels.set_in(before)
            labels = pixels.wanted.cropped(box).labels
            found.update(np.unique(labels[is_set]).tolist())
        return found.pop() if len(found) == 1 else 0


class _Checked:
    """A proposal whose labels are known to be classes of the mask."""

    def __init__(self, source: LabelSource, classes: ClassTable) -> None:
        self._source = source
        self._classes = classes

    def read(self, box: Box) -> NDArray[Any]:
        """Return class indices of shape (height, width)."""
        labels = self._source.read(box)
        return _arguments.checked_labels(labels, box.shape, self._classes)
