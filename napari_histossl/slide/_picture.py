"""Plain pictures: PNG, JPEG, BMP and untiled TIFF, decoded as a whole."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import SlideOpenError
from napari_histossl.slide._array import ArraySlide, as_rgb

if TYPE_CHECKING:
    from napari_histossl.slide._open import FileSource

LARGEST_PICTURE_PX = 100_000_000
"""Pixels of the largest picture that is decoded as a whole: 300 MB of memory."""


def open_picture(source: FileSource) -> ArraySlide:
    """Open a PNG, JPEG or BMP.

    Parameters
    ----------
    source : FileSource
        The file.

    Returns
    -------
    ArraySlide
        One level, all of it in memory.

    Raises
    ------
    SlideOpenError
        If the picture is damaged or larger than 100 million pixels.
    """
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # our own limit is checked below, before anything is decoded
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(source.path)
        with picture:
            refuse_large(source, picture.height, picture.width)
            pixels = as_rgb(_pixels(picture))
            form = str(picture.format)
            profile = picture.info.get("icc_profile")
    except Image.DecompressionBombError as error:
        raise SlideOpenError(f"{source.name}: {error}. {_WAY_OUT}") from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, SlideOpenError):
            raise
        raise SlideOpenError(
            f"{source.name} looks like a picture but cannot be decoded ({error}); it "
            f"may be damaged or incomplete: copy it again"
        ) from error
    return picture_slide(source, pixels, {"format": form}, profile=profile)


def picture_slide(
    source: FileSource,
    pixels: NDArray[np.uint8],
    properties: Mapping[str, str],
    mpp_yx: tuple[float, float] | None = None,
    profile: bytes | None = None,
) -> ArraySlide:
    """Return a decoded picture as a slide with one level."""
    slide = ArraySlide(
        pixels,
        mpp_yx=source.mpp_yx or mpp_yx,
        name=source.name,
        properties=properties,
        source=source,
    )
    slide.icc_profile = profile or None
    return slide


_WAY_OUT = (
    "Save it as a tiled or pyramidal TIFF, which is read piece by piece: "
    "vips tiffsave IN OUT.tif --tile --pyramid --compression jpeg"
)


def refuse_large(source: FileSource, height: int, width: int) -> None:
    """Refuse a picture that would not fit comfortably in memory.

    Raises
    ------
    SlideOpenError
        If it has more than `LARGEST_PICTURE_PX` pixels.
    """
    if height * width > LARGEST_PICTURE_PX:
        raise SlideOpenError(
            f"{source.name} is an untiled picture of {height} x {width} px; it would "
            f"have to be decoded as a whole, which is done up to "
            f"{LARGEST_PICTURE_PX:,} px. {_WAY_OUT}"
        )


def _pixels(picture: Any) -> NDArray[Any]:
    if picture.mode in ("L", "LA", "RGB", "RGBA", "I;16", "I;16B", "1"):
        return np.asarray(picture)
    has_alpha = "transparency" in picture.info
    return np.asarray(picture.convert("RGBA" if has_alpha else "RGB"))
