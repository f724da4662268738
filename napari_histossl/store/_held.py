"""Chunks that are changed in memory and brought to the disk together, durably.

A chunk that replaces another one by renaming may reach the disk after its name does: a
power failure in between takes both the old and the new pixels. So each chunk is on the
disk before it gets its name, and the folder's list of names is brought there, too.
That costs milliseconds a chunk, which a brush stroke cannot wait for.
"""

from __future__ import annotations

import os
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from napari_histossl.errors import StoreError
from napari_histossl.store._chunks import ChunkFiles, is_known
from napari_histossl.store._marks import sync_file, sync_folder
from napari_histossl.store._packing import Packing

_FILES_AT_ONCE = 256
"""Chunks that are written before the first of them is waited for: one wait then covers
many; so many more files lie in the folders for a moment."""

_FILL = b""
"""Held for a chunk of nothing but the fill value: it has no file."""


Show = Callable[[], None]
"""Lets all threads see what was hidden from them."""


class HeldChunks(ChunkFiles):
    """Boxes of an array; what is written stays in memory until `flush`.

    Reading sees what was written. Safe to read from several threads while one writes
    and another flushes.
    """

    def __init__(self, folder: Path, array: Any, packing: Packing) -> None:
        super().__init__(folder, array, packing)
        self._guard = threading.Lock()
        self._held: dict[str, bytes] = {}
        self._flushing: dict[str, bytes] = {}
        self._held_bytes = self._flushing_bytes = 0
        self._hidden = _Hidden()

    @contextmanager
    def hidden(self) -> Iterator[Show]:
        """Hide from other threads what this one writes, until it is shown."""
        self._hidden.chunks = {}
        try:
            yield self._show
        finally:
            self._hidden.chunks = None

    def _show(self) -> None:
        chunks = self._hidden.chunks or {}
        with self._guard:
            for path, body in chunks.items():
                self._hold(path, body)
        chunks.clear()

    @property
    def held_bytes(self) -> int:
        """Memory that waits for `flush`, compressed as it will be on the disk."""
        return self._held_bytes + self._flushing_bytes

    def flush(self) -> None:
        """Bring what was written before the call to the disk; one call at a time.

        Raises
        ------
        OSError
            If that fails; what is not on the disk is held as before.
        """
        with self._guard:
            self._flushing, self._held = self._held, {}
            self._flushing_bytes, self._held_bytes = self._held_bytes, 0
        try:
            chunks = [(Path(path), body) for path, body in self._flushing.items()]
            for start in range(0, len(chunks), _FILES_AT_ONCE):
                self._write_durably(dict(chunks[start : start + _FILES_AT_ONCE]))
        except OSError:
            with self._guard:
                self._held = {**self._flushing, **self._held}
                self._held_bytes = sum(map(len, self._held.values()))
            raise
        finally:
            with self._guard:
                self._flushing, self._flushing_bytes = {}, 0

    def _write_durably(self, chunks: Mapping[Path, bytes]) -> None:
        written: dict[Path, Path] = {}
        try:
            for path, body in chunks.items():
                if body:
                    written[path] = _write_beside(path, body)
            for part in written.values():
                sync_file(part)
            for path in chunks:
                if path in written:
                    os.replace(written[path], path)
                else:
                    path.unlink(missing_ok=True)
        except OSError:
            for part in written.values():
                part.unlink(missing_ok=True)
            raise
        for folder in self._folders_of(chunks):
            sync_folder(folder)

    def _folders_of(self, paths: Mapping[Path, Any]) -> Iterator[Path]:
        """Yield the folders whose names may have changed, innermost first."""
        folders = {path.parent for path in paths}
        while folders:
            yield from folders
            folders = {f.parent for f in folders if f != self._folder.parent}

    def _load(self, path: str) -> NDArray[Any] | None:
        body = (self._hidden.chunks or {}).get(path)
        if body is None:
            with self._guard:
                body = self._held.get(path, self._flushing.get(path))
        if body is None:
            return super()._load(path)
        return self._packing.unpack(body) if body else None

    def _save(self, path: str, chunk: NDArray[Any]) -> None:
        body = _FILL if self._is_fill(chunk) else self._packing.pack(chunk)
        if self._hidden.chunks is not None:
            self._hidden.chunks[path] = body
            return
        with self._guard:
            self._hold(path, body)

    def _hold(self, path: str, body: bytes) -> None:
        self._held_bytes += len(body) - len(self._held.get(path, _FILL))
        self._held[path] = body


class _Hidden(threading.local):
    """What a thread wrote that others do not see yet; None where it hides nothing."""

    chunks: dict[str, bytes] | None = None


def _write_beside(path: Path, body: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        part.write_bytes(body)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    return part


def held_boxes(folder: Path, array: Any, packing: Packing) -> HeldChunks:
    """Return access to an array that holds what is written.

    Raises
    ------
    StoreError
        If the array lies on the disk in a way that only zarr itself knows.
    """
    if not is_known(array):
        raise StoreError(
            f"{folder} was rewritten by another program in a layout that can be read "
            f"but not corrected here; export the mask there and import it again"
        )
    return HeldChunks(folder, array, packing)
