"""Tell whether two files hold the same slide without reading all of them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from napari_histossl.errors import SlideOpenError

_END_BYTES = 1 << 20
"""Bytes hashed at either end."""


def file_fingerprint(path: Path) -> str:
    """Hash what changes when a slide's content does.

    Parameters
    ----------
    path : Path
        A slide file.

    Returns
    -------
    str
        64 hexadecimal digits, from the size, the first and the last MiB and, for TIFF,
        the tables of tile offsets and sizes, which differ as soon as one tile does.

    Raises
    ------
    SlideOpenError
        If the file cannot be read.

    Notes
    -----
    Costs milliseconds at any size of the file. A slide in several files (MRXS) is told
    by its main file and the names and sizes of the files beside it.
    """
    digest = hashlib.sha256()
    try:
        length = path.stat().st_size
        digest.update(str(length).encode())
        with path.open("rb") as file:
            digest.update(file.read(_END_BYTES))
            file.seek(max(0, length - _END_BYTES))
            digest.update(file.read(_END_BYTES))
        digest.update(_tile_tables(path))
        digest.update(_companions(path))
    except OSError as error:
        raise SlideOpenError(f"{path} cannot be read ({error.strerror})") from error
    return digest.hexdigest()


def _tile_tables(path: Path) -> bytes:
    import struct

    import numpy as np
    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            tables = [
                np.asarray([page.dataoffsets, page.databytecounts], np.uint64).tobytes()
                for page in tiff.pages
                if isinstance(page, tifffile.TiffPage)
            ]
    except (tifffile.TiffFileError, ValueError, struct.error):
        return b""  # no TIFF, or a damaged one: the ends have to do
    return b"".join(tables)


def _companions(path: Path) -> bytes:
    folder = path.with_suffix("")
    if path.suffix.lower() != ".mrxs" or not folder.is_dir():
        return b""
    return repr(sorted((p.name, p.stat().st_size) for p in folder.iterdir())).encode()
