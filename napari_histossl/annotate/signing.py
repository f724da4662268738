"""Signatures on regions of a mask: who stands for these pixels, and since when.

A signature is an entry of the journal. It follows, by its hash, from every step before
it, and holds the hash of the pixels it stands for, so that `verify` finds a changed
history as well as changed pixels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate._blocks import blocks_of
from napari_histossl.annotate._entries import Entry
from napari_histossl.annotate._payloads import payload_of, texts_of
from napari_histossl.errors import AnnotationError, JournalError
from napari_histossl.geometry import Box, Level

_LONGEST_STATEMENT = 500
"""Most characters of what is signed."""

_OVERVIEW_PX = 1 << 22
"""Pixels of the overview that tells untouched blocks, at most."""


class Planes(Protocol):
    """What signing reads of a mask."""

    @property
    def levels(self) -> tuple[Level, ...]: ...
    def read(self, box: Box, level: int = 0) -> NDArray[Any]: ...
    def origin(self, box: Box, level: int = 0) -> NDArray[np.uint8]: ...


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature that stands.

    Attributes
    ----------
    seq : int
        Number of its entry in the journal.
    author, utc : str
        Who signed, and when, as an ISO 8601 date in UTC.
    box : Box
        The region, in pixels of the mask's level 0.
    statement : str
        What was signed, in the words of who signed; may be empty.
    pixels_sha256 : str
        Hash of the classes in the region and of who said them.
    """

    seq: int
    author: str
    utc: str
    box: Box
    statement: str
    pixels_sha256: str


def pack_signature(statement: str, pixels_sha256: str) -> bytes:
    """Return what a signature's entry holds beside its box.

    Raises
    ------
    AnnotationError
        If the statement is longer than 500 characters.
    """
    if len(statement) > _LONGEST_STATEMENT:
        raise AnnotationError(
            f"what is signed has at most {_LONGEST_STATEMENT} characters; got "
            f"{len(statement)}"
        )
    return payload_of(statement=statement, pixels_sha256=pixels_sha256)


def signature_of(entry: Entry, payload: bytes) -> Signature:
    """Return the signature of an entry.

    Raises
    ------
    JournalError
        If it is none.
    """
    statement, pixels = texts_of(
        entry, payload, "signature", "statement", "pixels_sha256"
    )
    assert entry.box is not None  # it is written with one
    return Signature(entry.seq, entry.author, entry.utc, entry.box, statement, pixels)


def hash_pixels(mask: Planes, box: Box) -> str:
    """Return the hash of what a mask holds in a box, untouched blocks left out.

    Parameters
    ----------
    mask : MaskStore
        The mask.
    box : Box
        In pixels of level 0, inside the mask.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits, over place, classes and origins of each block of
        the mask in which anything was ever said.
    """
    is_untouched = _untouched(mask)
    found = hashlib.sha256()
    for part in blocks_of(box):
        if is_untouched(part):
            continue
        origin = mask.origin(part)
        if origin.any():
            place = [part.y, part.x, *part.shape]
            found.update(json.dumps(place).encode())
            found.update(mask.read(part).astype("<u2").tobytes())
            found.update(origin.tobytes())
    return found.hexdigest()


def check_signatures(mask: Planes, signatures: Iterator[Signature]) -> None:
    """Compare what signed regions hold with what was signed.

    Raises
    ------
    JournalError
        If one holds something else.
    """
    for signature in signatures:
        if hash_pixels(mask, signature.box) != signature.pixels_sha256:
            box = signature.box
            raise JournalError(
                f"the region at row {box.y}, column {box.x} ({box.height} x "
                f"{box.width} px) does not hold what {signature.author} signed in "
                f"entry {signature.seq}: the pixels of the mask were changed from "
                f"outside; restore the mask from a copy"
            )


def _untouched(mask: Planes) -> Callable[[Box], bool]:
    """Tell untouched boxes from a coarse level, on which no origin ever vanishes."""
    for number, level in enumerate(mask.levels):
        if level.shape[0] * level.shape[1] <= _OVERVIEW_PX:
            overview, shift = mask.origin(level.box, number), number
            break

    def is_untouched(box: Box) -> bool:
        rows = slice(box.y >> shift, (box.y1 - 1 >> shift) + 1)
        columns = slice(box.x >> shift, (box.x1 - 1 >> shift) + 1)
        return not overview[rows, columns].any()

    return is_untouched
