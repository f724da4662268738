"""A BigTIFF whose tiles are appended in any order; what describes them comes last.

tifffile writes one page after the other. A pyramid made in one pass over a slide
finishes tiles of all its levels in turn; holding the coarser ones back would take a
third of the file in memory.

References
----------
TIFF 6.0 (Adobe, 1992) and the BigTIFF extension (libtiff, 2007).
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

_SHORT, _LONG, _RATIONAL, _ASCII, _LONG8 = 3, 4, 5, 2, 16
_FORMATS = {_SHORT: "H", _LONG: "I", _LONG8: "Q"}


@dataclass(slots=True)
class Page:
    """One picture of a TIFF: tiled, or in one strip where `tile_px` is 0.

    Attributes
    ----------
    shape : tuple of int
        Height and width.
    tile_px : int
        Edge of a tile, or 0.
    description : str
        ImageDescription tag.
    offsets, lengths : list of int
        Where each tile lies; filled by `BigTiff.put`.
    """

    shape: tuple[int, int]
    tile_px: int
    description: str
    offsets: list[int] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.offsets = [0] * self.tile_count
        self.lengths = [0] * self.tile_count

    @property
    def across(self) -> int:
        """Number of tiles in a row."""
        return -(-self.shape[1] // self.tile_px) if self.tile_px else 1

    @property
    def tile_count(self) -> int:
        """Number of tiles."""
        return self.across * -(-self.shape[0] // self.tile_px) if self.tile_px else 1


class BigTiff:
    """Write JPEG tiles as they come, then the pages that they belong to.

    Parameters
    ----------
    file : binary file
        Empty, open for writing, with ``seek``.
    mpp : float or None
        Micrometres per level-0 pixel, for the resolution tags.
    """

    def __init__(self, file: BinaryIO, mpp: float | None) -> None:
        self._file, self._mpp = file, mpp
        file.write(struct.pack("<2sHHHQ", b"II", 43, 8, 0, 0))

    def put(self, page: Page, index: int, data: bytes) -> None:
        """Append one encoded tile of a page."""
        page.offsets[index] = self._file.tell()
        page.lengths[index] = len(data)
        self._file.write(data)

    def finish(self, pages: Sequence[Page]) -> None:
        """Write what describes the pages, the first one first."""
        link = 8  # the header's own pointer to the first page
        for number, page in enumerate(pages):
            entries = [self._entry(*tag) for tag in self._tags(page, number)]
            start = self._aligned()
            self._file.write(struct.pack("<Q", len(entries)) + b"".join(entries))
            next_link = self._file.tell()
            self._file.write(struct.pack("<Q", 0))
            self._file.seek(link)
            self._file.write(struct.pack("<Q", start))
            self._file.seek(0, 2)
            link = next_link

    def _tags(
        self, page: Page, number: int
    ) -> list[tuple[int, int, Sequence[int] | bytes]]:
        height, width = page.shape
        tags: list[tuple[int, int, Sequence[int] | bytes]] = [
            (254, _LONG, [0]),
            (256, _LONG, [width]),
            (257, _LONG, [height]),
            (258, _SHORT, [8, 8, 8]),
            (259, _SHORT, [7]),  # JPEG
            (262, _SHORT, [6]),  # YCbCr
            (270, _ASCII, page.description.encode("ascii", "replace") + b"\0"),
            (277, _SHORT, [3]),
            (284, _SHORT, [1]),
            (530, _SHORT, [2, 2]),
        ]
        if self._mpp is not None and number == 0:
            per_cm = round(1e4 / self._mpp * 1000), 1000
            tags += [(282, _RATIONAL, per_cm), (283, _RATIONAL, per_cm)]
            tags += [(296, _SHORT, [3])]
        if page.tile_px:
            tags += [(322, _LONG, [page.tile_px]), (323, _LONG, [page.tile_px])]
            tags += [(324, _LONG8, page.offsets), (325, _LONG8, page.lengths)]
        else:
            tags += [(273, _LONG8, page.offsets), (279, _LONG8, page.lengths)]
            tags += [(278, _LONG, [height])]
        return sorted(tags, key=lambda tag: tag[0])

    def _entry(self, code: int, kind: int, values: Sequence[int] | bytes) -> bytes:
        """Return an entry; what is longer than eight bytes goes into the file first."""
        if isinstance(values, bytes):
            count, data = len(values), values
        elif kind == _RATIONAL:
            count, data = len(values) // 2, struct.pack(f"<{len(values)}I", *values)
        else:
            count = len(values)
            data = struct.pack(f"<{count}{_FORMATS[kind]}", *values)
        if len(data) > 8:
            offset = self._aligned()
            self._file.write(data)
            data = struct.pack("<Q", offset)
        return struct.pack("<HHQ", code, kind, count) + data.ljust(8, b"\0")

    def _aligned(self) -> int:
        """Pad to a multiple of eight and return the position."""
        self._file.write(b"\0" * (-self._file.tell() % 8))
        return self._file.tell()
