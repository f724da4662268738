"""What tiles have given, record after record in one file: durable within a millisecond.

A pyramid's chunk holds the tokens of many tiles, of one head: writing a batch into it
rewrites some forty files. Here a batch is one write. The pyramid follows at leisure,
and after a kill it is made up for what is only here.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Sequence
from io import FileIO
from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike, NDArray

from napari_histossl.closing import Closing
from napari_histossl.errors import StoreError
from napari_histossl.overlays.grid import Tile
from napari_histossl.overlays.predictor import Values

_HEAD = struct.Struct("<4siiII")
"""Magic, row, column, length and checksum of what follows."""

_MAGIC = b"tile"

_CHECKED_BYTES = 16 << 20
"""At the end of the file, where a crash can have left half a batch."""


class Spool(Closing):
    """Records of tiles in a file.

    Parameters
    ----------
    path : Path
        The file; made by the first record.
    layout : sequence of (shape, dtype)
        Of the arrays of one tile.
    read_only : bool, optional
        For looking while another one adds: what came after the opening is not seen.

    Notes
    -----
    A record that a crash cut off is not there: the next one takes its place. For one
    thread.
    """

    def __init__(
        self,
        path: Path,
        layout: Sequence[tuple[tuple[int, ...], DTypeLike]],
        *,
        read_only: bool = False,
    ) -> None:
        self._path, self._read_only = path, read_only
        self._layout = [(shape, np.dtype(dtype)) for shape, dtype in layout]
        self._places: dict[Tile, int] = {}
        self._file: FileIO | None = None
        self._length = self._scan()

    @property
    def tiles(self) -> set[Tile]:
        """Tiles that have a record."""
        return set(self._places)

    def __contains__(self, tile: Tile) -> bool:
        return tile in self._places

    def add(self, tiles: Sequence[Tile], values: Values) -> None:
        """Append records; when this returns they survive a crash.

        Raises
        ------
        StoreError
            If the disk is full; the records before are still there then.
        """
        records, places, end = [], {}, self._length
        for index, tile in enumerate(tiles):
            body = b"".join(part[index].tobytes() for part in values)
            head = _HEAD.pack(_MAGIC, *tile, len(body), zlib.crc32(body))
            records += [head, body]
            places[tile] = end
            end += len(head) + len(body)
        try:
            file = self._open()
            file.seek(self._length)
            _write_all(file, b"".join(records))
            os.fsync(file.fileno())
        except OSError as error:
            self._cut(self._length)
            raise StoreError(
                f"{self._path} cannot be written ({error.strerror or error}); what was "
                f"computed before is kept: make room or choose another workspace "
                f"folder, and start the run again"
            ) from error
        self._places.update(places)
        self._length = end

    def read(self, tile: Tile) -> Values:
        """Return the arrays of a tile.

        Raises
        ------
        StoreError
            If it cannot be read.
        """
        try:
            file = self._open()
            file.seek(self._places[tile])
            length, checksum = _HEAD.unpack(file.read(_HEAD.size))[3:]
            body = file.read(length)
        except (OSError, struct.error) as error:
            raise StoreError(f"{self._path} cannot be read ({error})") from error
        if zlib.crc32(body) != checksum:
            raise StoreError(
                f"{self._path} is damaged at the tile in row {tile[0]}, column "
                f"{tile[1]}; overwrite the overlay"
            )
        return self._arrays(body)

    def clear(self) -> None:
        """Forget all records."""
        self._places.clear()
        self._length = 0
        self._cut(0)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # ---- Details

    def _arrays(self, body: bytes) -> Values:
        arrays: list[NDArray[np.generic]] = []
        offset = 0
        for shape, dtype in self._layout:
            count = int(np.prod(shape))
            flat = np.frombuffer(body, dtype, count, offset)
            arrays.append(flat.reshape(shape))
            offset += count * dtype.itemsize
        return tuple(arrays)

    def _open(self) -> FileIO:
        if self._file is None and self._read_only:
            self._file = self._path.open("rb", buffering=0)
        elif self._file is None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch()
            # nothing is held back: a failed write must not be tried again by `close`
            self._file = self._path.open("r+b", buffering=0)
            self._cut(self._length)
        return self._file

    def _scan(self) -> int:
        """Find the records of an earlier run, and return where they end."""
        if not self._path.exists():
            return 0
        end, size = 0, self._path.stat().st_size
        wanted = sum(int(np.prod(s)) * d.itemsize for s, d in self._layout)
        with self._path.open("rb") as file:
            while end + _HEAD.size + wanted <= size:
                file.seek(end)
                magic, row, column, length, checksum = _HEAD.unpack(
                    file.read(_HEAD.size)
                )
                if magic != _MAGIC or length != wanted:
                    break
                is_doubtful = size - end <= _CHECKED_BYTES
                if is_doubtful and zlib.crc32(file.read(length)) != checksum:
                    break
                self._places[row, column] = end
                end += _HEAD.size + length
        return end

    def _cut(self, length: int) -> None:
        """Take away what is behind the last record: it frees what a full disk took."""
        if self._file is not None:
            os.ftruncate(self._file.fileno(), length)


def _write_all(file: FileIO, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[file.write(view) :]
