"""Chunks compressed with zstd, in memory that is used again and again.

A brush stroke touches a dozen chunks of a quarter of a megabyte and keeps a few hundred
bytes of each. Memory that is asked for and given back for every one of them is full of
holes in the end: some 20 kB a stroke stayed with the process.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

_LEVEL = 1
"""Compression level of zstd: labels shrink to nothing at any level; 1 is fastest."""


class Packing(threading.local):
    """Compresses and decompresses chunks; each thread has memory of its own for it.

    Parameters
    ----------
    chunk_px : int
        Edge of a chunk.
    dtype : dtype
        Type of its pixels; on the disk they are little-endian.
    """

    def __init__(self, chunk_px: int, dtype: np.dtype[Any]) -> None:
        self._shape, self._dtype = (chunk_px, chunk_px), dtype.newbyteorder("<")
        self._size_bytes = chunk_px * chunk_px * dtype.itemsize
        self._pixels = np.empty(0, np.uint8)
        self._packed = np.empty(0, np.uint8)

    def pixels(self) -> NDArray[Any]:
        """Return room for a chunk; the same for every call of a thread."""
        if not self._pixels.size:
            self._pixels = np.empty(self._size_bytes, np.uint8)
        return self._pixels.view(self._dtype).reshape(self._shape)

    def unpack(self, data: bytes) -> NDArray[Any]:
        """Return the pixels of a chunk; the next call of the same thread changes them.

        Raises
        ------
        RuntimeError, ValueError
            If the data are damaged, or those of a chunk of another size.
        """
        import imagecodecs

        codecs: Any = imagecodecs  # its own types do not know that it takes arrays
        pixels = self.pixels()
        found = codecs.zstd_decode(data, out=self._pixels)
        if found.size != self._size_bytes:
            raise ValueError(
                f"a chunk has {found.size} bytes instead of {self._size_bytes}"
            )
        return pixels

    def pack(self, chunk: NDArray[Any]) -> bytes:
        """Return a chunk compressed."""
        import imagecodecs

        codecs: Any = imagecodecs
        if not self._packed.size:
            # what zstd may need for pixels that it cannot compress
            most_bytes = self._size_bytes + self._size_bytes // 128 + 512
            self._packed = np.empty(most_bytes, np.uint8)
        pixels = np.ascontiguousarray(chunk)
        return bytes(codecs.zstd_encode(pixels, _LEVEL, out=self._packed))
