"""What is drawn: a shape, a class, and classes that are not painted over."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate._patches import Patch
from napari_histossl.annotate._shapes import Enclosed, Points, Shape, Swept
from napari_histossl.classes import UNLABELLED, Origin
from napari_histossl.errors import JournalError
from napari_histossl.geometry import Box

_MAGIC = b"HSG2"
_FACTS = struct.Struct("<I")
_OLD = struct.Struct("<dI")
"""Journals of format 1 held a brush only: its radius and how many points follow."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """A change that sets the pixels of a shape to a class, made by a person.

    Attributes
    ----------
    shape : Shape
        Where.
    class_index : int
        What; 0 takes labels away.
    spared : tuple of int
        Classes that are not painted over.
    """

    shape: Shape
    class_index: int
    spared: tuple[int, ...] = ()

    def painted(self, before: Patch) -> Patch | None:
        """Return the pixels of a box afterwards; None where the shape has none there.

        Doing it twice changes nothing more.
        """
        covered = self.reached(before)
        if not covered.any():
            return None
        if covered.all():
            return Patch(
                before.box,
                _uniform(self.class_index, before.labels),
                _uniform(Origin.HUMAN, before.origin),
            )
        labels, origin = before.labels.copy(), before.origin.copy()
        labels[covered] = self.class_index
        origin[covered] = Origin.HUMAN
        return Patch(before.box, labels, origin)

    def reached(self, before: Patch) -> NDArray[np.bool_]:
        """Return which pixels of a box are set."""
        covered = self.shape.covered(before.box)
        if self.spared:
            covered &= ~np.isin(before.labels, self.spared)
        return covered

    def at_level(self, level: int) -> Drawing:
        """Return about the same drawing in pixels of a coarser level.

        As there in general, no label vanishes: what takes labels away is narrow.
        """
        shape = self.shape.at_level(level, is_wide=self.class_index != UNLABELLED)
        return Drawing(shape, self.class_index, self.spared)

    def boxes(self, shape: tuple[int, int]) -> list[Box]:
        """Return boxes inside a mask that hold every pixel that may change."""
        return self.shape.boxes(shape)


def pack_drawing(drawing: Drawing) -> bytes:
    """Return shape and spared classes as bytes; the class is in the entry."""
    rings = drawing.shape.rings()
    facts = {**drawing.shape.facts(), "lengths": [len(ring) for ring in rings]}
    if drawing.spared:
        facts["spared"] = list(drawing.spared)
    header = json.dumps(facts, sort_keys=True, separators=(",", ":")).encode()
    points = zlib.compress(np.concatenate(rings).astype("<f4").tobytes(), 6)
    return _MAGIC + _FACTS.pack(len(header)) + header + points


def unpack_drawing(body: bytes, class_index: int) -> Drawing:
    """Return the drawing that `pack_drawing` packed.

    Raises
    ------
    JournalError
        If the bytes are not those of a drawing.
    """
    try:
        facts, points = _unpacked(body)
        rings = tuple(np.split(points, np.cumsum(facts["lengths"])[:-1]))
        spared = tuple(int(index) for index in facts.get("spared", ()))
        return Drawing(_shape(facts, rings), class_index, spared)
    except (struct.error, zlib.error, ValueError, KeyError, IndexError) as error:
        raise JournalError(
            f"the geometry of a stroke cannot be unpacked ({error})"
        ) from error


def _unpacked(body: bytes) -> tuple[dict[str, Any], Points]:
    start = len(_MAGIC) + _FACTS.size
    if body[: len(_MAGIC)] == _MAGIC:
        (length,) = _FACTS.unpack_from(body, len(_MAGIC))
        facts = json.loads(body[start : start + length])
        packed = body[start + length :]
    else:
        radius_px0, count = _OLD.unpack_from(body)
        facts = {"shape": "swept", "radius_px0": radius_px0, "lengths": [count]}
        packed = body[_OLD.size :]
    points = np.frombuffer(zlib.decompress(packed), "<f4").astype(np.float32)
    return facts, points.reshape(-1, 2)


def _shape(facts: dict[str, Any], rings: tuple[Points, ...]) -> Shape:
    if facts["shape"] == "swept":
        return Swept(rings[0], float(facts["radius_px0"]))
    if facts["shape"] == "enclosed":
        return Enclosed(rings)
    raise ValueError(f"a shape {facts['shape']!r} is not known here")


def _uniform(value: int, like: NDArray[Any]) -> NDArray[Any]:
    return np.broadcast_to(like.dtype.type(value), like.shape)
