"""One writer per store: a lock that dies with its process."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from napari_histossl.errors import StoreError, StoreLockedError

_LOCKED_BYTE = 1 << 30
"""On Windows a byte is locked, far beyond the text that says who holds the lock."""


class WriterLock:
    """The right to write a store, held by one process at a time.

    Parameters
    ----------
    path : str or Path
        The store; the lock file lies beside it as ``<path>.lock``.

    Notes
    -----
    The operating system holds the lock and lets go of it when the process ends, however
    it ends: the lock of a dead process is simply free. Locks of two objects in one
    process exclude each other as well.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, WriterLock(f"{folder}/a") as lock:
    ...     lock.is_held
    True
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(f"{path}.lock")
        self._file: int | None = None

    @property
    def is_held(self) -> bool:
        """True between `acquire` and `release`."""
        return self._file is not None

    def acquire(self) -> Self:
        """Take the lock, at once or not at all.

        Raises
        ------
        StoreLockedError
            If another writer holds it.
        StoreError
            If the lock file cannot be written.
        """
        while self._file is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise StoreError(
                    f"{self.path} cannot be written ({error.strerror}); choose a "
                    f"workspace folder in which you may write"
                ) from error
            if not _lock(file):
                holder = os.read(file, 200).decode(errors="replace").strip()
                os.close(file)
                raise StoreLockedError(
                    f"{self.path.stem} is being written by {holder or 'another one'}; "
                    f"close it there first, or open it read-only"
                )
            if _is_same(file, self.path):
                self._file = file
            else:  # its last holder has just removed it
                os.close(file)
        os.ftruncate(self._file, 0)
        os.write(self._file, f"process {os.getpid()} on {_host()}\n".encode())
        return self

    def release(self) -> None:
        """Give the lock back; does nothing where it is not held."""
        if self._file is None:
            return
        file, self._file = self._file, None
        if sys.platform != "win32":
            self.path.unlink(missing_ok=True)
        os.close(file)

    def __enter__(self) -> Self:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()


def _host() -> str:
    return socket.gethostname()


def _is_same(file: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    def _lock(file: int) -> bool:
        os.lseek(file, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(file, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _lock(file: int) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError as error:
            raise StoreError(
                f"this file system cannot lock files ({error.strerror}); choose a "
                f"workspace folder on a local disk"
            ) from error
        return True
