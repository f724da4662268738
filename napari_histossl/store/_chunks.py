"""Boxes of one zarr array, without zarr's machinery where its layout is known.

zarr-python routes every access through an event loop and its codec pipeline: 2 to 4 ms
a chunk, of which a brush stroke touches one per level. For the layout that
`Pyramid.create` writes, a chunk is one file that holds its pixels compressed with zstd,
which takes a tenth of that to read or replace. Tests hold both ways equal.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box, TileGrid
from napari_histossl.store._packing import Packing


class Boxes(Protocol):
    """Access to boxes of the last two axes of an array."""

    def read(self, box: Box) -> NDArray[Any]:
        """Read a box that lies inside."""

    def write(self, box: Box, data: NDArray[Any]) -> None:
        """Write a box that lies inside."""

    def files(self, box: Box) -> Iterator[Path]:
        """Yield the files in which a box lies, as far as that is known."""


def boxes_of(folder: Path, array: Any, packing: Packing) -> Boxes:
    """Return the fastest way to the boxes of an array.

    Parameters
    ----------
    folder : Path
        Folder of the array.
    array : zarr.Array
        Array of two or three dimensions.
    packing : Packing
        For chunks of that size and type; may be shared with other arrays.
    """
    return ChunkFiles(folder, array, packing) if is_known(array) else ZarrBoxes(array)


def is_known(array: Any) -> bool:
    """Tell whether an array has the layout that `ChunkFiles` understands."""
    metadata = array.metadata
    if metadata.zarr_format != 3 or any(size != 1 for size in array.chunks[:-2]):
        return False
    codecs = [codec.to_dict() for codec in metadata.codecs]
    keys = metadata.chunk_key_encoding
    return (
        [codec["name"] for codec in codecs] == ["bytes", "zstd"]
        and codecs[0].get("configuration", {}).get("endian", "little") == "little"
        and keys.name == "default"
        and keys.separator == "/"
        and array.chunks[-1] == array.chunks[-2]
        and array.dtype.kind in "iufb"
    )


class ZarrBoxes:
    """Boxes of any zarr array, through zarr."""

    def __init__(self, array: Any) -> None:
        self._array = array

    def read(self, box: Box) -> NDArray[Any]:
        """Read a box that lies inside."""
        return np.asarray(self._array[(..., *box.slices)])

    def write(self, box: Box, data: NDArray[Any]) -> None:
        """Write a box that lies inside."""
        self._array[(..., *box.slices)] = data

    def files(self, box: Box) -> Iterator[Path]:
        """Yield nothing: where the pixels lie is not known here."""
        yield from ()


class ChunkFiles:
    """Boxes of an array whose chunks are files of zstd-compressed pixels.

    Parameters
    ----------
    folder : Path
        Folder of the array.
    array : zarr.Array
        Array for which `is_known` holds.
    packing : Packing
        For chunks of that size and type.
    """

    def __init__(self, folder: Path, array: Any, packing: Packing) -> None:
        self._folder = folder / "c"
        self._prefix = str(self._folder)
        self._shape = tuple(array.shape)
        self._dtype = np.dtype(array.dtype).newbyteorder("<")
        self._fill = np.asarray(array.fill_value, self._dtype)
        self._chunk_px = int(array.chunks[-1])
        self._grid = TileGrid(self._shape[-2:], self._chunk_px)
        self._packing = packing

    def read(self, box: Box) -> NDArray[Any]:
        """Read a box that lies inside."""
        pixels = np.full((*self._shape[:-2], *box.shape), self._fill, self._dtype)
        for path, where, plane in self._touched(box, pixels):
            chunk = self._load(path)
            if chunk is not None:
                common = _common(where, box)
                plane[common.shifted(-box.y, -box.x).slices] = chunk[
                    common.shifted(-where.y, -where.x).slices
                ]
        return pixels

    def write(self, box: Box, data: NDArray[Any]) -> None:
        """Write a box that lies inside; each chunk is replaced as a whole."""
        data = np.asarray(data, self._dtype)
        for path, where, plane in self._touched(box, data):
            common = _common(where, box)
            part = plane[common.shifted(-box.y, -box.x).slices]
            if part.shape == where.shape:
                self._save(path, part)
                continue
            chunk = self._load(path)
            if chunk is None:
                chunk = self._packing.pixels()
                chunk[:] = self._fill
            chunk[common.shifted(-where.y, -where.x).slices] = part
            self._save(path, chunk)

    def files(self, box: Box) -> Iterator[Path]:
        """Yield the files of the chunks that a box touches, there or not."""
        for place in self._grid.covering(box):
            for before in self._planes():
                yield Path(self._file(before, *place))

    def _file(self, before: tuple[int, ...], row: int, column: int) -> str:
        """Return the file of a chunk; as text, which is found quickly in a dict."""
        return os.sep.join([self._prefix, *map(str, (*before, row, column))])

    def _planes(self) -> list[tuple[int, ...]]:
        if len(self._shape) == 2:
            return [()]
        return [(index,) for index in range(self._shape[0])]

    def _touched(
        self, box: Box, pixels: NDArray[Any]
    ) -> Iterator[tuple[str, Box, NDArray[Any]]]:
        """Yield file, place and plane of the pixels of every chunk of a box."""
        for row, column in self._grid.covering(box):
            where = self._grid.box(row, column)
            for before in self._planes():
                yield self._file(before, row, column), where, pixels[before]

    def _load(self, path: str) -> NDArray[Any] | None:
        """Return a chunk, or None where nothing has been written.

        It may be changed; the next chunk that the same thread loads takes its place.
        """
        try:
            data = Path(path).read_bytes()
        except FileNotFoundError:
            return None
        return self._packing.unpack(data)

    def _save(self, path: str, chunk: NDArray[Any]) -> None:
        file = Path(path)
        if self._is_fill(chunk):
            file.unlink(missing_ok=True)
            return
        data = self._packing.pack(chunk)
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_name(f"{file.name}.{uuid.uuid4().hex}.partial")
        try:
            part.write_bytes(data)
            os.replace(part, file)
        except OSError:
            part.unlink(missing_ok=True)
            raise

    def _is_fill(self, chunk: NDArray[Any]) -> bool:
        if self._dtype.kind == "f" and np.isnan(self._fill):
            return bool(np.isnan(chunk).all())
        return bool((chunk == self._fill).all())


def _common(first: Box, second: Box) -> Box:
    common = first.intersection(second)
    assert common is not None  # the grid names touching chunks only
    return common
