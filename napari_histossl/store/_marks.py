"""Resume marks: which pieces of a long run are finished, line by line, durably."""

from __future__ import annotations

import os
from pathlib import Path

from napari_histossl.errors import StoreError


class Marks:
    """An append-only file of keys.

    Parameters
    ----------
    path : Path
        The file; it is made by the first mark.

    Notes
    -----
    A line counts once its line feed is written: what a crash cut off is ignored, and
    cut away by the next mark.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def keys(self) -> set[str]:
        """Return all finished keys."""
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return set()
        return {line.decode(errors="replace") for line in lines[:-1]}

    def add(self, keys: tuple[str, ...]) -> None:
        """Append keys; they are on the disk when this returns.

        Raises
        ------
        StoreError
            If a key holds a line feed.
        OSError
            If the file cannot be written.
        """
        if any("\n" in key or not key for key in keys):
            raise StoreError(f"a key is one line of text; got {keys!r}")
        is_new = not self._path.exists()
        with self._path.open("r+b" if not is_new else "xb") as file:
            file.seek(_complete_length(file.read() if not is_new else b""))
            file.truncate()
            file.write("".join(f"{key}\n" for key in keys).encode())
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(self._path.parent)


def _complete_length(content: bytes) -> int:
    return content.rfind(b"\n") + 1


def sync_file(path: Path) -> None:
    """Bring a file's content to the disk; a file that is not there is left alone."""
    try:
        descriptor = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Bring a folder's list of names to the disk, where the system can do that."""
    if os.name == "posix" and path.exists():
        sync_file(path)
