"""Open a file with the back end that reads it, or say what is wrong with it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import SlideOpenError
from napari_histossl.slide.base import Slide

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First four bytes of TIFF and BigTIFF, in both byte orders."""

_PICTURE_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"BM")
"""First bytes of the plain pictures that Pillow reads for us: PNG, JPEG, BMP."""


@dataclass(frozen=True, slots=True)
class FileSource:
    """The record of a slide in a file.

    Attributes
    ----------
    path : Path
        Absolute path.
    mpp_yx : tuple of float or None
        Micrometres per level-0 pixel as a person gave them; None to take the file's.
    """

    path: Path
    mpp_yx: tuple[float, float] | None = None

    @property
    def name(self) -> str:
        """File name."""
        return self.path.name

    @property
    def fingerprint(self) -> str:
        """Hash of the size, both ends and the tile tables; never of the whole file."""
        from napari_histossl.slide._fingerprint import file_fingerprint

        return file_fingerprint(self.path)

    def open(self) -> Slide:
        """Open the slide; see `open_slide`."""
        return _open(self)


def open_slide(
    path: str | Path, mpp: float | tuple[float, float] | None = None
) -> Slide:
    """Open a slide or a picture.

    Parameters
    ----------
    path : str or Path
        Whatever OpenSlide opens (SVS, NDPI, SCN, MRXS, VMS, BIF, one file of a DICOM
        series ...), tiled or pyramidal TIFF, OME-TIFF, or a plain TIFF, PNG, JPEG or
        BMP of at most 100 million pixels; or the folder or http(s) address of an
        OME-Zarr, version 0.4 or 0.5, in colour. An address may come as a Path too,
        which swallows one of its slashes.
    mpp : float or tuple of float, optional
        Micrometres per level-0 pixel (along rows, along columns) for a slide that does
        not say, or says it wrong. Remembered in ``slide.source``.

    Returns
    -------
    Slide
        Open slide; close it or use it in a ``with`` block.

    Raises
    ------
    SlideOpenError
        If the file is missing, empty, a folder, damaged, or not a slide.
    GeometryError
        If `mpp` is not one or two positive numbers.
    """
    from napari_histossl.slide._scale import pair_of_mpp

    pair = None if mpp is None else pair_of_mpp(mpp)
    address = _zarr_address(path)
    if address is not None:
        from napari_histossl.slide._tile_zarr import ZarrSource

        return ZarrSource(address, pair).open()
    return FileSource(Path(path).expanduser().absolute(), pair).open()


def _zarr_address(path: str | Path) -> str | None:
    """Return the address of what is to be opened as OME-Zarr, or None."""
    web = re.match(r"(https?):/+(.*)", Path(path).as_posix())
    if web:
        return f"{web[1]}://{web[2]}"
    local = Path(path).expanduser().absolute()
    return str(local) if local.suffix == ".zarr" and local.is_dir() else None


def _open(source: FileSource) -> Slide:
    from napari_histossl.slide._openslide import OpenSlideSlide, detect_vendor

    magic = _first_bytes(source.path)
    vendor = detect_vendor(source)
    if vendor not in (None, "generic-tiff"):
        return OpenSlideSlide(source)
    if magic[:4] in TIFF_MAGIC:
        from napari_histossl.slide._tiff import open_tiff

        return open_tiff(source)
    if magic.startswith(_PICTURE_MAGIC):
        from napari_histossl.slide._picture import open_picture

        return open_picture(source)
    raise SlideOpenError(
        f"{source.path} is not a slide: it begins with {magic[:12]!r}; expected SVS, "
        f"NDPI, SCN, MRXS, VMS, BIF, DICOM, TIFF, PNG, JPEG or BMP"
    )


def _first_bytes(path: Path) -> bytes:
    """Return the beginning of a file, or say why there is none."""
    if path.is_dir():
        raise SlideOpenError(
            f"{path} is a folder; expected a slide file (of a DICOM series give one of "
            f"its .dcm files)"
        )
    try:
        with path.open("rb") as file:
            magic = file.read(64)
    except FileNotFoundError as error:
        raise SlideOpenError(f"{path} does not exist; check the name") from error
    except OSError as error:
        raise SlideOpenError(f"{path} cannot be read ({error.strerror})") from error
    if not magic:
        raise SlideOpenError(f"{path} is empty (0 bytes); copy it again")
    return magic
