"""Files that are either whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from napari_histossl.errors import StoreError


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
