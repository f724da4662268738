"""Pixels of a box, as they are before or after a change, packed for the journal."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import JournalError
from napari_histossl.geometry import Box

_MAGIC = b"HSP2"
"""Bodies of journals of format 1 have none, and start with a row far below this."""

_CHECKSUM = struct.Struct("<I")
_HEADER = struct.Struct("<4q")
_PLANE = struct.Struct("<BBI")
"""How a plane is packed, bytes a pixel, bytes that follow."""

_UNIFORM, _DEFLATED, _RUNS, _DEFLATED_RUNS = range(4)
_DEFLATE_LEVEL = 1
"""Masks are runs of equal values: higher levels cost time and gain nothing."""

_LEAST_PX_A_RUN = 8
"""Below so many pixels a run, runs take more room than the pixels deflated."""

_PLAIN_RUNS_BYTES = 4096
"""Runs of an ordinary stroke are left plain: compaction deflates many together, which
gains far more than each by itself."""


NOTHING = b""
"""Instead of the pixels of a block in which a stroke changes none."""


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
    labels: NDArray[Any]
    origin: NDArray[np.uint8]

    def cropped(self, box: Box) -> Patch:
        """Return the part in a box that lies inside."""
        part = box.shifted(-self.box.y, -self.box.x).slices
        return Patch(box, self.labels[part], self.origin[part])

    def paste(self, other: Patch) -> None:
        """Set the pixels of a box that lies inside."""
        part = other.box.shifted(-self.box.y, -self.box.x).slices
        self.labels[part] = other.labels
        self.origin[part] = other.origin


def pack(patch: Patch) -> bytes:
    """Return a patch as bytes; a uniform plane takes one pixel, others their runs."""
    box = patch.box
    corner = _HEADER.pack(box.y, box.x, box.height, box.width)
    body = corner + _pack_plane(patch.labels) + _pack_plane(patch.origin)
    return _MAGIC + _CHECKSUM.pack(zlib.crc32(body)) + body


def unpack(body: bytes) -> Patch:
    """Return the patch that `pack` packed.

    Raises
    ------
    JournalError
        If the bytes are not those of a patch.
    """
    try:
        body = _without_checksum(body)
        box = Box(*_HEADER.unpack_from(body))
        labels, end = _unpack_plane(body, _HEADER.size, box.shape)
        origin, _end = _unpack_plane(body, end, box.shape)
    except (struct.error, zlib.error, ValueError, TypeError) as error:
        raise JournalError(f"pixels in a journal cannot be unpacked ({error})") from (
            error
        )
    return Patch(box, labels, origin)


def _without_checksum(body: bytes) -> bytes:
    if body[: len(_MAGIC)] != _MAGIC:
        return body
    (checksum,) = _CHECKSUM.unpack_from(body, len(_MAGIC))
    rest = body[len(_MAGIC) + _CHECKSUM.size :]
    if zlib.crc32(rest) != checksum:
        raise ValueError("their checksum differs")
    return rest


def _pack_plane(plane: NDArray[Any]) -> bytes:
    kind, body = _packed_pixels(plane)
    return _PLANE.pack(kind, plane.itemsize, len(body)) + body


def _packed_pixels(plane: NDArray[Any]) -> tuple[int, bytes]:
    if not any(plane.strides):
        return _UNIFORM, plane[:1, :1].tobytes()
    flat = np.ascontiguousarray(plane).reshape(-1)
    starts = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if not len(starts):
        return _UNIFORM, flat[:1].tobytes()
    if flat.size < _LEAST_PX_A_RUN * len(starts):
        return _DEFLATED, zlib.compress(flat.tobytes(), _DEFLATE_LEVEL)
    ends = np.append(starts, flat.size)
    lengths = np.diff(ends, prepend=0).astype("<u4")
    runs = lengths.tobytes() + flat[ends - 1].tobytes()
    if len(runs) <= _PLAIN_RUNS_BYTES:
        return _RUNS, runs
    return _DEFLATED_RUNS, zlib.compress(runs, _DEFLATE_LEVEL)


def _unpack_plane(
    packed: bytes, start: int, shape: tuple[int, int]
) -> tuple[NDArray[Any], int]:
    kind, itemsize, length = _PLANE.unpack_from(packed, start)
    end = start + _PLANE.size + length
    body = packed[start + _PLANE.size : end]
    if kind in (_DEFLATED, _DEFLATED_RUNS):
        body = zlib.decompress(body)
    dtype = np.dtype(f"<u{itemsize}")
    if kind in (_RUNS, _DEFLATED_RUNS):
        count = len(body) // (4 + itemsize)
        lengths = np.frombuffer(body, "<u4", count)
        values = np.repeat(np.frombuffer(body, dtype, count, 4 * count), lengths)
        return values.reshape(shape), end
    values = np.frombuffer(body, dtype)
    if kind == _UNIFORM:
        return np.broadcast_to(values[0], shape), end
    return values.reshape(shape), end
