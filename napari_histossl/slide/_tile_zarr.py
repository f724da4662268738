"""Tiles of OME-Zarr pictures, in a folder or on a web server."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import HistoSSLError, SlideOpenError, SlideReadError
from napari_histossl.errors import SlideUnreachableError as Unreachable
from napari_histossl.geometry import Box
from napari_histossl.slide._tile_file import FileWatch
from napari_histossl.slide._tile_ngff import ZarrPicture, is_url, open_picture
from napari_histossl.slide._tile_planes import PlaneTileSource
from napari_histossl.slide._tile_slide import SlideTileSource
from napari_histossl.slide._tile_source import TILE_PX, TileSource
from napari_histossl.slide.base import Slide

_SMALLEST_PX, _LARGEST_PX = 128, 1024
"""Edges of chunks that are drawn as they are."""

_READ_ERRORS = (RuntimeError, ValueError, KeyError, EOFError, zlib.error)
"""What zarr and its codecs raise on damaged chunks."""

_HEADERS = ("zarr.json", ".zarray")
"""Description of an array in zarr 3 and zarr 2."""


def open_zarr_tiles(
    address: str | Path, channel: int | str | None = None
) -> TileSource:
    """Return a source of the tiles of an OME-Zarr picture, version 0.4 or 0.5.

    Parameters
    ----------
    address : str or Path
        Folder, or http(s) address of one; also a pyramid that this package wrote.
    channel : int or str, optional
        Number or name of the channel. None shows three 8-bit channels as RGB, and the
        first channel of anything else.

    Returns
    -------
    TileSource
        RGB, numbers or labels. Axes other than y, x and c are shown at their first
        place.

    Raises
    ------
    SlideOpenError
        If there is no such picture or no such channel.
    """
    picture = open_picture(address)
    chunks = _Chunks(picture, _header_of(address, picture), _channel(picture, channel))
    size = _tile_size(picture)
    if channel is None and picture.is_rgb:
        slide = ZarrSlide(ZarrSource(str(address)), picture, chunks)
        return SlideTileSource(slide, size)
    return PlaneTileSource(
        picture.levels,
        labels=picture.is_label,
        tile_size=size,
        name=picture.name,
        dtype=picture.arrays[0].dtype,
        read_box=chunks.read,
    )


class _Chunks:
    """Boxes of a zarr picture, and errors in words."""

    def __init__(
        self, picture: ZarrPicture, header: Path | None, channel: int | None
    ) -> None:
        self._picture, self._header, self._channel = picture, header, channel
        self._watch = None if header is None else FileWatch(header)

    def read(self, level: int, box: Box) -> NDArray[Any]:
        """Return (h, w), or (h, w, 3) where no channel was chosen."""
        picture = self._picture
        selection = [self._place(axis, box) for axis in picture.axes]
        try:
            pixels = np.asarray(picture.arrays[level][tuple(selection)])
        except HistoSSLError:
            raise
        except OSError as error:
            raise Unreachable(
                f"{picture.name} cannot be read now ({error.strerror or error}); the "
                f"drive may be away"
            ) from error
        except _READ_ERRORS as error:
            raise SlideReadError(
                f"{picture.name}: level {level}, row {box.y}, column {box.x} cannot be "
                f"decoded ({error}); the file may be damaged or incomplete"
            ) from error
        self._refuse_gone()
        left = [axis for axis in picture.axes if axis in "yx" or self._is_kept(axis)]
        order = [left.index(axis) for axis in ("y", "x", "c") if axis in left]
        return pixels.transpose(order)

    def _is_kept(self, axis: str) -> bool:
        return axis == "c" and self._channel is None

    def _place(self, axis: str, box: Box) -> slice | int:
        if axis in ("y", "x"):
            return box.slices["yx".index(axis)]
        if axis != "c":
            return 0
        return slice(None) if self._channel is None else self._channel

    def _refuse_gone(self) -> None:
        """A chunk that is not there means the fill value, unless all is gone."""
        if self._header is None or self._watch is None:
            return
        if not self._header.exists():
            raise Unreachable(
                f"{self._picture.name} is not there now; the drive may be away"
            )
        self._watch.refuse_changed()


class ZarrSlide(Slide):
    """An RGB picture in OME-Zarr as a slide.

    Parameters
    ----------
    source : ZarrSource
        Where it was opened.
    picture : ZarrPicture
        What it says about itself.
    chunks : object
        Reads its boxes.

    Attributes
    ----------
    tile_px : int
        Edge of the tiles in which it is best read.
    """

    def __init__(
        self, source: ZarrSource, picture: ZarrPicture, chunks: _Chunks
    ) -> None:
        self.source, self.levels = source, picture.levels
        self.mpp_yx = source.mpp_yx or picture.mpp_yx
        self.tile_px = _tile_size(picture)
        self._chunks: _Chunks | None = chunks

    def _read_inside(self, box: Box, level: int) -> NDArray[np.uint8]:
        chunks = self._chunks
        if chunks is None:
            raise SlideReadError(f"{self.source.name} has been closed; open it again")
        return np.ascontiguousarray(chunks.read(level, box))

    def close(self) -> None:
        """Read no more."""
        self._chunks = None


@dataclass(frozen=True, slots=True)
class ZarrSource:
    """The record of an RGB picture in OME-Zarr.

    Attributes
    ----------
    address : str
        Folder or web address.
    mpp_yx : tuple of float or None
        Micrometres per level-0 pixel as a person gave them; None to take the file's.
    """

    address: str
    mpp_yx: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.address.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1]

    @property
    def path(self) -> Path | None:
        """The folder, beside which results may lie; None on the web."""
        return None if is_url(self.address) else Path(self.address)

    @property
    def fingerprint(self) -> str:
        """Address and description; chunks are not read."""
        picture = open_picture(self.address)
        return f"zarr:{self.address}:{[level.shape for level in picture.levels]}"

    def open(self) -> Slide:
        """Open the slide.

        Raises
        ------
        SlideOpenError
            If there is no such picture, or it is not in colour.
        """
        picture = open_picture(self.address)
        if not picture.is_rgb:
            raise SlideOpenError(
                f"{self.address} has {picture.channel_count} channels of "
                f"{picture.arrays[0].dtype}; expected a slide in colour: three "
                f"channels of 8 bits"
            )
        chunks = _Chunks(picture, _header_of(self.address, picture), None)
        return ZarrSlide(self, picture, chunks)


def _header_of(address: str | Path, picture: ZarrPicture) -> Path | None:
    """Return the file that is written once, when the finest level is made."""
    if is_url(address):
        return None
    found = [Path(address) / picture.arrays[0].path / name for name in _HEADERS]
    return next((path for path in found if path.exists()), None)


def _channel(picture: ZarrPicture, wanted: int | str | None) -> int | None:
    if wanted is None:
        return None if picture.is_rgb else 0
    names = picture.channel_names
    index = names.index(wanted) if wanted in names else wanted
    if not isinstance(index, int) or not 0 <= index < picture.channel_count:
        raise SlideOpenError(
            f"{picture.name} has no channel {wanted!r}; it has "
            f"{picture.channel_count}: {', '.join(names) or 'without names'}"
        )
    return index


def _tile_size(picture: ZarrPicture) -> int:
    """Return the edge of the chunks where it is a good one for tiles."""
    array = picture.arrays[0]
    edges = {array.chunks[picture.axes.index(axis)] for axis in "yx"}
    edge = max(edges)
    if len(edges) == 1 and _SMALLEST_PX <= edge <= _LARGEST_PX:
        return int(edge)
    return TILE_PX
