"""The one path that every picture of a study goes through, real or synthetic.

Decode, turn upright, ICC to sRGB, RGB, cut to the common size, encode as PNG without
metadata. The PNG is stored without compression: its length then depends on the size of
the picture alone, so that lengths tell nothing about what is on it.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageOps

from napari_histossl.errors import StudyError

PICTURE_SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".webp"}
)
"""Files of a folder that are taken for pictures; all others are left alone."""

_EIGHT_BIT_MODES = frozenset(
    {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr"}
)

_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    EOFError,
    ArithmeticError,
    LookupError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)
"""What Pillow's decoders raise on damaged files: not `OSError` alone."""


def list_pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder, subfolders left out, in natural order.

    Raises
    ------
    StudyError
        If the folder is missing or holds no picture.
    """
    if not folder.is_dir():
        raise StudyError(f"there is no folder {folder}; choose a folder of pictures")
    pictures = [
        path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES
        and not path.name.startswith(".")
        and path.is_file()
    ]
    if not pictures:
        known = " ".join(sorted(PICTURE_SUFFIXES))
        raise StudyError(
            f"no picture in the folder {folder}; expected files that end in {known}"
        )
    return sorted(pictures, key=_natural_key)


def _natural_key(path: Path) -> list[tuple[int, str]]:
    parts = re.split(r"(\d+)", path.name.casefold())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def read_picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture as upright sRGB.

    Parameters
    ----------
    path : Path
        PNG, JPEG, TIFF, BMP or WebP with 8 bits a channel and one page.

    Returns
    -------
    ndarray of shape (height, width, 3) and dtype uint8
        RGB in sRGB; white where the picture is transparent.

    Raises
    ------
    StudyError
        If the file cannot be decoded, has several pages or more than 8 bits a channel.
    """
    try:
        with Image.open(path) as opened:
            _refuse_unsuitable(opened, path)
            return np.asarray(_as_srgb(ImageOps.exif_transpose(opened)))
    except StudyError:
        raise
    except ImageCms.PyCMSError as error:
        raise StudyError(
            f"the colour profile of {path} cannot be used ({error}); save the picture "
            f"again in sRGB"
        ) from error
    except _DECODER_ERRORS as error:
        raise StudyError(
            f"the picture {path} cannot be read ({error}); take it out of the folder "
            f"or save it again"
        ) from error


def _refuse_unsuitable(opened: Image.Image, path: Path) -> None:
    pages = getattr(opened, "n_frames", 1)
    if pages > 1:
        raise StudyError(
            f"the picture {path} has {pages} pages; expected one: save the page that "
            f"you want as a file of its own"
        )
    if opened.mode not in _EIGHT_BIT_MODES:
        raise StudyError(
            f"the picture {path} has pixels of mode {opened.mode}; expected 8 bits a "
            f"channel: save it as 8-bit RGB"
        )


def _as_srgb(picture: Image.Image) -> Image.Image:
    profile = picture.info.get("icc_profile")
    alpha = None
    if picture.mode in ("LA", "PA", "RGBA") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
        alpha = picture.getchannel("A")
        picture = picture.convert("RGB")
    elif picture.mode not in ("L", "RGB", "CMYK"):
        picture = picture.convert("RGB")
    if profile:
        picture = _apply_profile(picture, profile)
    picture = picture.convert("RGB")
    if alpha is not None:
        white = Image.new("RGB", picture.size, "white")
        white.paste(picture, mask=alpha)
        picture = white
    return picture


def _apply_profile(picture: Image.Image, profile: bytes) -> Image.Image:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except OSError as error:
        raise ImageCms.PyCMSError(str(error)) from error
    space = source.profile.xcolor_space.strip()
    if {"L": "GRAY"}.get(picture.mode, picture.mode) != space:
        # A grey picture with an RGB profile and the like: the profile describes the
        # colours after expansion.
        picture = picture.convert(space if space in ("RGB", "CMYK") else "L")
    changed = ImageCms.profileToProfile(
        picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    if changed is None:  # only with inPlace=True, which is not asked for
        raise StudyError("the colour profile gave no picture")
    return changed


def cut_centre(
    picture: NDArray[np.uint8], shape: tuple[int, int], name: str
) -> NDArray[np.uint8]:
    """Cut the centre of a picture.

    Parameters
    ----------
    picture : ndarray of shape (height, width, 3) and dtype uint8
        RGB.
    shape : tuple of int
        Height and width wanted, in pixels.
    name : str
        What the picture is called in the error.

    Raises
    ------
    StudyError
        If the picture is smaller than the cut.
    """
    spare_y, spare_x = picture.shape[0] - shape[0], picture.shape[1] - shape[1]
    if spare_y < 0 or spare_x < 0:
        raise StudyError(
            f"{name} has {picture.shape[0]} x {picture.shape[1]} px, smaller than the "
            f"{shape[0]} x {shape[1]} px asked for; ask for a smaller size"
        )
    y, x = spare_y // 2, spare_x // 2
    return picture[y : y + shape[0], x : x + shape[1]]


def encode_png(picture: NDArray[np.uint8]) -> bytes:
    """Encode RGB pixels as a PNG of header, pixels and end: nothing else, no time.

    Parameters
    ----------
    picture : ndarray of shape (height, width, 3) and dtype uint8
        RGB.

    Returns
    -------
    bytes
        Uncompressed inside, so that all pictures of one shape have one length.
    """
    sink = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture), "RGB").save(
        sink, "PNG", compress_level=0
    )
    return sink.getvalue()
