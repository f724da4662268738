"""Decode one TIFF tile without a detour: which decoders may fit a page.

References
----------
Decoders are those of imagecodecs (cgohlke/imagecodecs, BSD-3); which colour arguments
fit a slide is found out by comparison, see `_tile_tiff`, because files lie about it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Decoder: TypeAlias = Callable[[bytes], NDArray[Any]]
"""Turns the bytes of a tile into RGB pixels of shape (tile, tile, 3)."""

DECODE_ERRORS = (RuntimeError, ValueError, TypeError)
"""What codecs raise on damaged data."""

JPEG = 7

_RAW, _LZW, _DEFLATE, _OLD_DEFLATE = 1, 5, 8, 32946
_JPEG_2000 = (33003, 33004, 33005, 34712)
_ZSTD = 50000

_END_OF_JPEG = b"\xff\xd9"

_ZEROS = bytes(32)
"""What may remain of a block of a file that was never written or copied."""

_NO_PREDICTOR, _DIFFERENCES = 1, 2


def decoders(page: Any) -> list[Decoder]:
    """Return what may decode the tiles of a page, the likeliest first.

    Parameters
    ----------
    page : tifffile.TiffPage
        A tiled page of 8-bit RGB.

    Returns
    -------
    list of callable
        Empty where nothing fits.
    """
    if page.compression == JPEG:
        return _jpeg(page.jpegtables)
    if page.compression in _JPEG_2000:
        return _jpeg_2000()
    return _lossless(page)


def _jpeg(tables: bytes | None) -> list[Decoder]:
    from imagecodecs import jpeg8_decode

    def by_markers(data: bytes) -> NDArray[Any]:
        pixels: NDArray[Any] = jpeg8_decode(data, tables=tables)
        return pixels

    def as_rgb(data: bytes) -> NDArray[Any]:
        pixels: NDArray[Any] = jpeg8_decode(
            data, tables=tables, colorspace="RGB", outcolorspace="RGB"
        )
        return pixels

    def as_ycbcr(data: bytes) -> NDArray[Any]:
        pixels: NDArray[Any] = jpeg8_decode(
            data, tables=tables, colorspace="YCBCR", outcolorspace="RGB"
        )
        return pixels

    return [by_markers, as_rgb, as_ycbcr]


def refuse_lost_jpeg(data: bytes, tile_px: int) -> bool:
    """Find out whether a part of a JPEG was never written or copied.

    The codec fills what is missing with grey, without a word.

    Parameters
    ----------
    data : bytes
        A tile, as it is in the file.
    tile_px : int
        Its edge in pixels.

    Returns
    -------
    bool
        True if the tile may be damaged; somebody stricter should have a look.

    Raises
    ------
    ValueError
        If the tile is damaged.

    Notes
    -----
    A whole JPEG ends with its end marker. Runs of zeros occur in flat pictures, whose
    blocks of 8 x 8 values take two bits each at least: longer ones are a loss.
    """
    if _END_OF_JPEG not in data[-64:] and data.rstrip(b"\0")[-2:] != _END_OF_JPEG:
        raise ValueError("its end is missing")
    if _ZEROS not in data:
        return False
    if bytes(3 * 2 * tile_px * tile_px // (64 * 8)) in data:
        raise ValueError("a part of it is zeros only")
    return True


def _jpeg_2000() -> list[Decoder]:
    from imagecodecs import jpeg2k_decode

    def as_it_says(data: bytes) -> NDArray[Any]:
        pixels: NDArray[Any] = jpeg2k_decode(data)
        return pixels

    def from_ycbcr(data: bytes) -> NDArray[Any]:
        return _ycbcr_to_rgb(jpeg2k_decode(data))

    return [as_it_says, from_ycbcr]


def _ycbcr_to_rgb(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    """Convert full-range YCbCr (JFIF, ITU-T T.871)."""
    luma, blue, red = (pixels[..., c].astype(np.float32) for c in range(3))
    blue -= 128
    red -= 128
    rgb = np.empty(pixels.shape, np.float32)
    rgb[..., 0] = luma + 1.402 * red
    rgb[..., 1] = luma - 0.344136 * blue - 0.714136 * red
    rgb[..., 2] = luma + 1.772 * blue
    return np.rint(rgb).clip(0, 255).astype(np.uint8)


def _lossless(page: Any) -> list[Decoder]:
    import imagecodecs

    unpack: dict[int, Callable[..., Any]] = {
        _RAW: lambda data: data,
        _LZW: imagecodecs.lzw_decode,
        _DEFLATE: imagecodecs.deflate_decode,
        _OLD_DEFLATE: imagecodecs.deflate_decode,
        _ZSTD: imagecodecs.zstd_decode,
    }
    if page.compression not in unpack:
        return []
    if page.predictor not in (_NO_PREDICTOR, _DIFFERENCES):
        return []
    decode = unpack[page.compression]
    has_differences = page.predictor == _DIFFERENCES
    shape = (page.tilelength, page.tilewidth, 3)

    def unpacked(data: bytes) -> NDArray[Any]:
        pixels = np.frombuffer(decode(data), np.uint8).reshape(shape)
        if has_differences:
            return np.asarray(imagecodecs.delta_decode(pixels, axis=-2))
        return pixels

    return [unpacked]
