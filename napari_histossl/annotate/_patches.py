"""Pixels of a box, as they are before or after a change, packed for the journal."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import JournalError
from napari_histossl.geometry import Box

_HEADER = struct.Struct("<4q")
_PLANE = struct.Struct("<BBI")
"""How a plane is packed, bytes a pixel, bytes that follow."""

_UNIFORM, _DEFLATED = 0, 1
_DEFLATE_LEVEL = 1
"""Masks are runs of equal values: higher levels cost time and gain nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """Both planes of a mask in one box.

    Attributes
    ----------
    box : Box
        Where, in level-0 pixels; inside the mask.
    labels, origin : ndarray of shape (height, width)
        Class and `Origin` of each pixel.
    """

    box: Box
    labels: NDArray[np.uint8]
    origin: NDArray[np.uint8]


def pack(patch: Patch) -> bytes:
    """Return a patch as bytes; a uniform plane takes one pixel."""
    box = patch.box
    corner = _HEADER.pack(box.y, box.x, box.height, box.width)
    return corner + _pack_plane(patch.labels) + _pack_plane(patch.origin)


def unpack(body: bytes) -> Patch:
    """Return the patch that `pack` packed.

    Raises
    ------
    JournalError
        If the bytes are not those of a patch.
    """
    try:
        box = Box(*_HEADER.unpack_from(body))
        labels, end = _unpack_plane(body, _HEADER.size, box.shape)
        origin, _end = _unpack_plane(body, end, box.shape)
    except (struct.error, zlib.error, ValueError) as error:
        raise JournalError(f"pixels in a journal cannot be unpacked ({error})") from (
            error
        )
    return Patch(box, labels, origin)


def _pack_plane(plane: NDArray[np.uint8]) -> bytes:
    first = plane[:1, :1]
    is_uniform = bool((plane == first).all())
    body = (
        first.tobytes()
        if is_uniform
        else zlib.compress(plane.tobytes(), _DEFLATE_LEVEL)
    )
    kind = _UNIFORM if is_uniform else _DEFLATED
    return _PLANE.pack(kind, plane.itemsize, len(body)) + body


def _unpack_plane(
    packed: bytes, start: int, shape: tuple[int, int]
) -> tuple[NDArray[np.uint8], int]:
    kind, itemsize, length = _PLANE.unpack_from(packed, start)
    end = start + _PLANE.size + length
    body = packed[start + _PLANE.size : end]
    if kind == _DEFLATED:
        body = zlib.decompress(body)
    values = np.frombuffer(body, np.dtype(f"<u{itemsize}"))
    if kind == _UNIFORM:
        return np.broadcast_to(values[0], shape), end
    return values.reshape(shape), end
