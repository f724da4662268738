"""A file that several threads read at once, and that must not change meanwhile."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from napari_histossl.errors import (
    SlideChangedError,
    SlideOpenError,
    SlideReadError,
    SlideUnreachableError,
)

_HAS_PREAD = hasattr(os, "pread")


class FileWatch:
    """Tells whether the file at a path is the one that was there at first.

    Parameters
    ----------
    path : Path
        A file; where there is none, nothing is ever refused.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._first: os.stat_result | None = path.stat()
        except OSError:
            self._first = None

    @property
    def identity(self) -> tuple[int, ...] | None:
        """What tells the first file from any other one; None where there was none."""
        return None if self._first is None else _identity(self._first)

    def refuse_changed(self) -> None:
        """Raise if another file, or other content, is there now.

        Raises
        ------
        SlideChangedError
            If the file was replaced or written to. A file that was only deleted or
            whose drive is away is not refused here.
        """
        if self._first is None:
            return
        try:
            now = self._path.stat()
        except OSError:
            return
        if _identity(now) != _identity(self._first):
            raise _changed(self._path)


class SharedFile:
    """Bytes of a file at any offset, from any thread.

    Parameters
    ----------
    path : Path
        File to open.

    Raises
    ------
    SlideOpenError
        If it cannot be opened.

    Notes
    -----
    The file is closed when the last reader has let go of it after `close`: its number
    is never given to another file while somebody may still read from it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: _Handle | None = _Handle(path)
        self._watch = FileWatch(path)
        if _identity(os.fstat(self._handle.number)) != _identity(path.stat()):
            raise _changed(path)

    @property
    def watch(self) -> FileWatch:
        """What tells whether the file is still the one that was opened."""
        return self._watch

    def read_at(self, offset: int, count: int) -> bytes:
        """Return bytes of the file.

        Raises
        ------
        SlideReadError
            If the file ends before, or has been closed.
        SlideUnreachableError
            If the drive or the network does not answer.
        SlideChangedError
            If the file was replaced or written to since it was opened.
        """
        handle = self._handle
        if handle is None:
            raise SlideReadError(f"{self._path.name} has been closed; open it again")
        try:
            data = handle.read_at(offset, count)
        except OSError as error:
            raise SlideUnreachableError(
                f"{self._path.name} cannot be read now ({error.strerror or error}); "
                f"the drive or the network may be away"
            ) from error
        self._watch.refuse_changed()  # afterwards: what was read is of the old file
        if len(data) < count:
            raise SlideReadError(
                f"{self._path.name} ends too early: {len(data)} of {count} bytes are "
                f"there at byte {offset:,}; it is incomplete: copy it again"
            )
        return data

    def close(self) -> None:
        """Let go of the file."""
        self._handle = None


class _Handle:
    """An open file that closes itself when nobody holds it any more."""

    def __init__(self, path: Path) -> None:
        self.number = -1
        self._lock = threading.Lock()
        try:
            self.number = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise SlideOpenError(
                f"{path} cannot be opened ({error.strerror or error})"
            ) from error

    def read_at(self, offset: int, count: int) -> bytes:
        if _HAS_PREAD:
            return os.pread(self.number, count, offset)
        with self._lock:
            os.lseek(self.number, offset, os.SEEK_SET)
            return os.read(self.number, count)

    def __del__(self) -> None:
        if self.number >= 0:
            os.close(self.number)


def _identity(facts: os.stat_result) -> tuple[int, ...]:
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns


def _changed(path: Path) -> SlideChangedError:
    return SlideChangedError(
        f"{path.name} was replaced or written to while it was open; open it again"
    )
