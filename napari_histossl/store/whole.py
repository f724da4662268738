"""Files that are either whole or not there, and folders for them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_histossl.errors import StoreError


def make_folder(path: Path) -> None:
    """Make a folder of results, and those above it, unless it is there.

    Raises
    ------
    StoreError
        If it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be made ({error.strerror}); choose a workspace folder for "
            f"results"
        ) from error


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside a file, renamed to it when all went well.

    Raises
    ------
    StoreError
        If the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error}); choose another place"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
