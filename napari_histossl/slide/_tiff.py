"""TIFF that OpenSlide does not know: generic tiled, pyramidal, OME-TIFF, 16 bits."""

from __future__ import annotations

import struct
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import SlideOpenError, SlideReadError
from napari_histossl.geometry import Box, Level
from napari_histossl.slide import _scale
from napari_histossl.slide._array import as_rgb, mean_ratio
from napari_histossl.slide._picture import picture_slide, refuse_large
from napari_histossl.slide.base import WHITE, Slide

if TYPE_CHECKING:
    import tifffile

    from napari_histossl.slide._open import FileSource

_KEPT_BYTES = 64 << 20
"""Decoded tiles kept for the next read: tiles can be larger than what is read."""

_DECODE_ERRORS = (RuntimeError, ValueError, OSError, IndexError, struct.error)
"""What tifffile and the codecs raise on damaged data."""

_GREY, _INVERTED, _RGB, _YCBCR = 1, 0, 2, 6
"""Photometric interpretations that are understood."""

_ICC_PROFILE = 34675
"""Tag of the colour profile."""

_JPEG = (6, 7, 34892)
"""Compressions whose decoder turns YCbCr into RGB."""


def open_tiff(source: FileSource) -> Slide:
    """Open a TIFF: tiled or pyramidal piece by piece, others as a picture.

    Parameters
    ----------
    source : FileSource
        The file.

    Returns
    -------
    Slide
        `TiffSlide` or `ArraySlide`.

    Raises
    ------
    SlideOpenError
        If the file is damaged, holds something else than grey or RGB pixels of 8 or
        16 bits, or is too large to be decoded as a whole.
    """
    import tifffile

    _refuse_cut_off(source)
    try:
        tiff = tifffile.TiffFile(source.path)
    except (*_DECODE_ERRORS, tifffile.TiffFileError) as error:
        raise _damaged(source, error) from error
    try:
        series = _pyramid_series(source, tiff)
        _refuse_odd_pixels(source, series)
        if len(series.levels) > 1 or series.keyframe.is_tiled:
            return TiffSlide(source, tiff, series)
        with tiff:
            return _as_picture(source, series)
    except SlideOpenError:
        tiff.close()
        raise
    except (*_DECODE_ERRORS, tifffile.TiffFileError) as error:
        tiff.close()
        raise _damaged(source, error) from error


def _refuse_cut_off(source: FileSource) -> None:
    """Refuse a file that ends before the table of its pages, as copies do."""
    length = source.path.stat().st_size
    with source.path.open("rb") as file:
        header = file.read(16).ljust(16, b"\0")
    order = "<" if header[:2] == b"II" else ">"
    is_big = 43 in header[2:4]
    (offset,) = struct.unpack_from(order + "QI"[not is_big], header, 8 if is_big else 4)
    if offset >= length:
        raise SlideOpenError(
            f"{source.name} is incomplete: its first page should be described at byte "
            f"{offset:,}, but the file ends at {length:,}; copy it again"
        )


def _damaged(source: FileSource, error: Exception) -> SlideOpenError:
    return SlideOpenError(
        f"{source.name} begins like a TIFF but cannot be opened ({error}); it may be "
        f"damaged or incomplete: copy it again"
    )


def _pyramid_series(source: FileSource, tiff: tifffile.TiffFile) -> Any:
    """Return the largest picture of the file, with its levels."""
    series = [s for s in tiff.series if s.keyframe is not None and len(s.shape) >= 2]
    if not series:
        raise SlideOpenError(
            f"{source.name} is a TIFF without a picture in it; it may be incomplete: "
            f"copy it again"
        )
    return max(series, key=lambda s: int(np.prod(s.keyframe.shape[:2])))


def _refuse_odd_pixels(source: FileSource, series: Any) -> None:
    """Refuse what would be shown wrong: channels, depth, floats, other colours."""
    axes, page = series.axes, series.keyframe
    rgb_planes = axes == "CYX" and series.shape[0] == 3
    if axes not in ("YX", "YXS", "SYX") and not rgb_planes:
        raise SlideOpenError(
            f"{source.name} has axes {series.axes} of shape {series.shape}; expected "
            f"one grey or RGB picture (fluorescence channels, depth and time are not "
            f"slides here): save the plane you want as its own file"
        )
    if page.dtype not in (np.uint8, np.uint16):
        raise SlideOpenError(
            f"{source.name} has pixels of type {page.dtype}; expected 8 or 16 bits "
            f"without sign: convert it first"
        )
    understood = page.photometric in (_GREY, _INVERTED, _RGB) or (
        page.photometric == _YCBCR and page.compression in _JPEG
    )
    if not understood:
        raise SlideOpenError(
            f"{source.name} stores its colours as {page.photometric.name}; expected "
            f"grey or RGB: convert it first"
        )


def _as_picture(source: FileSource, series: Any) -> Slide:
    page = series.keyframe
    refuse_large(source, page.imagelength, page.imagewidth)
    pixels = series.asarray()
    if series.axes in ("SYX", "CYX"):
        pixels = np.moveaxis(pixels, 0, -1)
    bits = _bits(page, [pixels])
    properties = {**_facts(page), "format": "TIFF", **_depth_facts(page, bits)}
    return picture_slide(
        source,
        as_rgb(_to_8_bits(pixels, page, bits)),
        properties,
        _mpp_yx(page),
        _icc_profile(page),
    )


class TiffSlide(Slide):
    """A tiled or pyramidal TIFF, read tile by tile.

    Parameters
    ----------
    source : FileSource
        The file, and a scale where the person gave one.
    tiff : tifffile.TiffFile
        The open file; the slide closes it.
    series : tifffile.TiffPageSeries
        The picture in it, with its levels.
    """

    def __init__(
        self, source: FileSource, tiff: tifffile.TiffFile, series: Any
    ) -> None:
        self.source = source
        self._tiff: tifffile.TiffFile | None = tiff
        # lazy arrays may be the last to hold a slide, and they do not close it
        self._closer = weakref.finalize(self, tiff.close)
        self._lock = threading.Lock()
        self._kept = _Recent(_KEPT_BYTES)
        self._planes = _planes_per_level(series)
        shapes = [(p[0].imagelength, p[0].imagewidth) for p in self._planes]
        self.levels = tuple(
            Level(shape, mean_ratio(shapes[0], shape)) for shape in shapes
        )
        page = self._planes[0][0]
        self._bits = _bits(page, self._samples(page))
        self.properties = {
            **_facts(page),
            "format": "OME-TIFF" if tiff.is_ome else "TIFF",
            **_depth_facts(page, self._bits),
        }
        self.mpp_yx = source.mpp_yx or _file_mpp_yx(tiff, page)
        self.icc_profile = _icc_profile(page)

    def _read_inside(self, box: Box, level: int) -> NDArray[np.uint8]:
        planes = [self._read_plane(page, box) for page in self._planes[level]]
        pixels = planes[0] if len(planes) == 1 else np.concatenate(planes, axis=-1)
        return as_rgb(_to_8_bits(pixels, self._planes[0][0], self._bits))

    def _read_plane(self, page: tifffile.TiffPage, box: Box) -> NDArray[Any]:
        """Put together the tiles or strips of one page that a box touches."""
        planar = page.planarconfig == 2 and page.samplesperpixel > 1
        samples = page.samplesperpixel
        canvas = np.full((*box.shape, samples), _white(page), page.dtype)
        height, width = _segment_shape(page)
        across, down = -(-page.imagewidth // width), -(-page.imagelength // height)
        for row in range(box.y // height, (box.y1 - 1) // height + 1):
            for column in range(box.x // width, (box.x1 - 1) // width + 1):
                for plane in range(samples if planar else 1):
                    index = (plane * down + row) * across + column
                    segment = self._segment(page, index)
                    if segment is None:
                        continue
                    where = Box(row * height, column * width, *segment.shape[:2])
                    common = where.intersection(box)
                    if common is None:
                        continue
                    target = canvas[common.shifted(-box.y, -box.x).slices]
                    part = segment[common.shifted(-where.y, -where.x).slices]
                    if planar:
                        target[..., plane] = part[..., 0]
                    else:
                        target[...] = part
        return canvas

    def _segment(self, page: tifffile.TiffPage, index: int) -> NDArray[Any] | None:
        """Return one decoded tile or strip, or None where the file left it out."""
        key = (page.offset, index)
        segment = self._kept.get(key)
        if segment is None and page.databytecounts[index]:
            segment = self._decode(page, index)
            self._kept.put(key, segment)
        return segment

    def _decode(self, page: tifffile.TiffPage, index: int) -> NDArray[Any]:
        import tifffile

        try:
            data = self._bytes(page.dataoffsets[index], page.databytecounts[index])
            decoded, _, shape = page.decode(data, index, jpegtables=page.jpegtables)
            if decoded is None:
                raise ValueError("no pixels in it")
        except SlideReadError:
            raise
        except (*_DECODE_ERRORS, tifffile.TiffFileError) as error:
            raise SlideReadError(
                f"{self.source.name}: tile {index} of the level of "
                f"{page.imagelength} x {page.imagewidth} px cannot be decoded "
                f"({error}); the file may be damaged or incomplete"
            ) from error
        pixels: NDArray[Any] = decoded[0, : shape[1], : shape[2]]
        return pixels

    def _bytes(self, offset: int, count: int) -> bytes:
        with self._lock:
            if self._tiff is None:
                raise SlideReadError(
                    f"{self.source.name} has been closed; open it again"
                )
            file = self._tiff.filehandle
            file.seek(offset)
            data: bytes = file.read(count)
        if len(data) < count:
            raise ValueError(f"{len(data)} of {count} bytes are there")
        return data

    def _samples(self, page: tifffile.TiffPage) -> list[NDArray[Any]]:
        """Return a few tiles of the coarsest level, to see how bright it gets."""
        if page.dtype == np.uint8:
            return []
        coarsest = self._planes[-1][0]
        count = len(coarsest.databytecounts)
        indices = sorted({round(i) for i in np.linspace(0, count - 1, 16)})
        segments = (self._segment(coarsest, index) for index in indices)
        return [segment for segment in segments if segment is not None]

    def close(self) -> None:
        """Close the file; a read in flight ends first."""
        with self._lock:
            self._tiff = None
            self._closer()
        self._kept.clear()


class _Recent:
    """The last decoded tiles, bounded in bytes; safe to use from several threads."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes, self._held_bytes = limit_bytes, 0
        self._lock = threading.Lock()
        self._items: OrderedDict[tuple[int, int], NDArray[Any]] = OrderedDict()

    def get(self, key: tuple[int, int]) -> NDArray[Any] | None:
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def put(self, key: tuple[int, int], item: NDArray[Any]) -> None:
        with self._lock:
            if key in self._items:
                return
            self._items[key] = item
            self._held_bytes += item.nbytes
            while self._held_bytes > self._limit_bytes:
                self._held_bytes -= self._items.popitem(last=False)[1].nbytes

    def clear(self) -> None:
        with self._lock:
            self._items.clear()
            self._held_bytes = 0


# ---- What the tags say ----


def _planes_per_level(series: Any) -> tuple[tuple[tifffile.TiffPage, ...], ...]:
    levels = [
        tuple(page.aspage() for page in level.pages if page is not None)
        for level in series.levels
    ]
    return tuple(sorted(levels, key=lambda pages: -pages[0].imagelength))


def _segment_shape(page: tifffile.TiffPage) -> tuple[int, int]:
    if page.is_tiled:
        return page.tilelength, page.tilewidth
    return min(page.rowsperstrip, page.imagelength), page.imagewidth


def _white(page: tifffile.TiffPage) -> int:
    if page.photometric == _INVERTED:
        return 0
    return int(np.iinfo(page.dtype).max)


def _bits(page: tifffile.TiffPage, samples: Sequence[NDArray[Any]]) -> int:
    """Return how many of 16 bits are used: cameras with 10 to 14 bits are common."""
    if page.dtype == np.uint8:
        return 8
    brightest = max((int(sample.max()) for sample in samples), default=65535)
    return max(8, brightest.bit_length())


def _to_8_bits(pixels: NDArray[Any], page: Any, bits: int) -> NDArray[np.uint8]:
    if pixels.dtype == np.uint16:
        top = (1 << bits) - 1
        scaled = (np.minimum(pixels, top).astype(np.uint32) * 255 + top // 2) // top
        pixels = scaled.astype(np.uint8)
    if page.photometric == _INVERTED:
        pixels = WHITE - pixels
    return pixels


def _depth_facts(page: Any, bits: int) -> dict[str, str]:
    if page.dtype == np.uint8:
        return {}
    return {"depth": f"16-bit values 0 to {(1 << bits) - 1} shown as 0 to 255"}


def _facts(page: Any) -> Mapping[str, str]:
    facts = {}
    for name in ("Make", "Model", "Software", "DateTime", "ImageDescription"):
        value = page.tags.valueof(name)
        if value:
            facts[f"tiff.{name}"] = str(value)
    return facts


def _file_mpp_yx(tiff: tifffile.TiffFile, page: Any) -> tuple[float, float] | None:
    if tiff.is_ome and tiff.ome_metadata:
        stated = _scale.from_ome(tiff.ome_metadata)
        if stated is not None:
            return stated
    return _mpp_yx(page)


def _mpp_yx(page: Any) -> tuple[float, float] | None:
    if page.is_ome:
        stated = _scale.from_ome(page.description)
        if stated is not None:
            return stated
    return _scale.from_resolution(page)


def _icc_profile(page: Any) -> bytes | None:
    """Return the profile of RGB pixels; grey ones would need another transform."""
    if page.photometric not in (_RGB, _YCBCR):
        return None
    profile = page.tags.valueof(_ICC_PROFILE)
    return bytes(profile) if profile else None
