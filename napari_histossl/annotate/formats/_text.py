"""Text files of others, up to a stated size."""

from __future__ import annotations

from pathlib import Path

from napari_histossl.errors import AnnotationError

LARGEST_FILE_BYTES = 1 << 29
"""Size of the largest file that is read: 512 MiB, some 500,000 nuclei."""


def read_text(path: Path) -> str:
    """Return a text file as a whole.

    Raises
    ------
    AnnotationError
        If it is missing, larger than `LARGEST_FILE_BYTES`, or no text in UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            raise AnnotationError(
                f"{path} has {size / 2**20:,.0f} MiB; files of annotations are read "
                f"up to {LARGEST_FILE_BYTES / 2**20:,.0f} MiB: export a part of the "
                f"slide, or simpler outlines"
            )
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise AnnotationError(f"{path} cannot be read ({error})") from error
    except UnicodeDecodeError as error:
        raise AnnotationError(
            f"{path} is no text in UTF-8 ({error}); export it again, uncompressed"
        ) from error
