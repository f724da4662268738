"""Embeddings on the disk: a zarr folder that is filled patch by patch."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from napari_histossl.closing import Closing
from napari_histossl.errors import StoreError
from napari_histossl.store._guard import store_errors
from napari_histossl.store._marks import Marks, sync_file, sync_folder
from napari_histossl.store.embeddings_record import Embeddings, EmbeddingsHeader
from napari_histossl.store.lock import WriterLock

_OURS = "histossl_embeddings"
"""Attribute of the group; a folder without it is not taken for embeddings."""

_CHUNK_ROWS = 512
"""786 kB at 384 numbers: little to rewrite for a batch, few files for a slide."""

_PARTS = {"zarr.json", "features", "positions_px0"}
"""Names in the folder, all or some of which a crash leaves without a header."""

_ROWS = re.compile(r"(\d+)-(\d+)")
"""How finished rows are remembered: first and last."""


class EmbeddingStore(Closing):
    """Vectors of the patches of a slide, one row a patch.

    Make one with `create` or `open`.

    Attributes
    ----------
    path : Path
        The folder, a zarr group of version 3 with the arrays ``features`` (N, D) and
        ``positions_px0`` (N, 2).
    header : EmbeddingsHeader
        Slide, model, patch.
    dimension : int
        Length of a vector.
    positions_px0 : ndarray of shape (N, 2) and dtype int64
        Upper left corner of each patch, done or not, in level-0 pixels.

    Notes
    -----
    Positions are known from the start, vectors are filled in; a row counts once it is
    marked, after it is on the disk. Chunks are replaced by renaming: a kill leaves
    what was marked before.
    """

    def __init__(self, path: Path, group: Any, lock: WriterLock | None) -> None:
        if _OURS not in group.attrs:
            raise StoreError(f"{path} holds no embeddings; compute or import them")
        self.path = path
        self.header = EmbeddingsHeader.from_json(group.attrs[_OURS])
        self._array = group["features"]
        self._lock = lock
        self._marks = Marks(path / "features" / "done.txt")
        self.positions_px0: NDArray[np.int64] = np.asarray(group["positions_px0"][:])
        self.dimension = int(self._array.shape[1])

    @classmethod
    def create(
        cls,
        path: str | Path,
        header: EmbeddingsHeader,
        positions_px0: NDArray[np.integer[Any]],
        dimension: int,
        *,
        overwrite: bool = False,
    ) -> Self:
        """Create embeddings that are all to be computed, and take their lock.

        Parameters
        ----------
        path : str or Path
            Folder to be made, by custom ending in ``.zarr``.
        header : EmbeddingsHeader
            Slide, model, patch.
        positions_px0 : ndarray of shape (N, 2)
            Upper left corner of each patch, (row, column) in level-0 pixels.
        dimension : int
            Length of a vector.
        overwrite : bool, optional
            Replace embeddings that are there; refused by default.

        Raises
        ------
        StoreError
            If something is there already, there are no positions, or the folder
            cannot be written.
        StoreLockedError
            If another process is writing there.
        """
        path = Path(path)
        if positions_px0.ndim != 2 or positions_px0.shape[1] != 2 or dimension < 1:
            raise StoreError(
                f"{path.name}: positions are (N, 2) and vectors have at least one "
                f"number; got {positions_px0.shape} and {dimension}"
            )
        lock = WriterLock(path).acquire()
        try:
            with store_errors(path):
                _make_room(path, overwrite)
                group = _create(path, header, positions_px0, dimension)
                return cls(path, group, lock)
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, path: str | Path, mode: Literal["r", "r+"] = "r") -> Self:
        """Open embeddings to read them, or, with "r+", to go on with them.

        Raises
        ------
        StoreError
            If there are none, or they are damaged.
        StoreLockedError
            If they are opened for writing and another process is writing them.
        """
        import zarr

        path = Path(path)
        if not path.is_dir():
            raise StoreError(f"{path} does not exist; expected a folder of embeddings")
        lock = WriterLock(path).acquire() if mode == "r+" else None
        try:
            with store_errors(path):
                return cls(path, zarr.open_group(path, mode=mode), lock)
        except BaseException:
            if lock is not None:
                lock.release()
            raise

    def close(self) -> None:
        """Give the lock back; reading goes on working, writing does not."""
        if self._lock is not None:
            self._lock.release()

    @property
    def provenance(self) -> Mapping[str, Any]:
        """How they came about; see `store.provenance.describe`."""
        return self.header.provenance

    # ---- Rows ----

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which rows are finished, (N,)."""
        done = np.zeros(len(self.positions_px0), np.bool_)
        keys = self._marks.keys()
        for found in map(_ROWS.fullmatch, keys):
            if found:
                done[int(found[1]) : int(found[2]) + 1] = True
        return done

    def write(self, rows: Sequence[int], features: NDArray[Any]) -> None:
        """Fill in rows; when this returns they survive a crash.

        Parameters
        ----------
        rows : sequence of int
            Which patches, each once.
        features : ndarray of shape (n, D)
            Finite numbers.

        Raises
        ------
        StoreError
            If the store is not open for writing, the shape is another one, a number
            is not finite, or the disk is full; what was there before is still there.
        """
        if self._lock is None or not self._lock.is_held:
            raise StoreError(f"{self.path.name} is not open for writing; use mode 'r+'")
        self._refuse_misfit(rows, features)
        places = np.array(rows)
        order = np.argsort(places)
        with store_errors(self.path):
            self._array.oindex[places[order], :] = features[order].astype(np.float32)
            self._sync(np.unique(places // self._array.chunks[0]))
            self._marks.add(_ranges(places[order]))

    def read(self) -> Embeddings:
        """Return the finished rows.

        Raises
        ------
        StoreError
            If nothing is finished yet, or a chunk cannot be read.
        """
        done = self.done
        if not done.any():
            raise StoreError(
                f"{self.path} has no embeddings yet; compute them first, or wait until "
                f"some are done"
            )
        with store_errors(self.path):
            features = np.asarray(self._array[:])
        if done.all():
            return Embeddings(self.header, features, self.positions_px0)
        return Embeddings(self.header, features[done], self.positions_px0[done])

    # ---- Details ----

    def _refuse_misfit(self, rows: Sequence[int], features: NDArray[Any]) -> None:
        wanted = len(rows), self.dimension
        if features.shape != wanted or not wanted[0] or len(set(rows)) != wanted[0]:
            raise StoreError(
                f"{self.path.name} takes vectors of shape {wanted} for {len(rows)} "
                f"rows, each row once; got {features.shape}"
            )
        if not 0 <= min(rows) <= max(rows) < len(self.positions_px0):
            raise StoreError(
                f"{self.path.name} has rows 0 to {len(self.positions_px0) - 1}; got "
                f"{min(rows)} to {max(rows)}"
            )
        if not np.isfinite(features).all():
            raise StoreError(
                f"{self.path.name}: the model gives numbers that are not finite; check "
                f"its weights, or compute in full precision"
            )

    def _sync(self, chunks: NDArray[np.intp]) -> None:
        folder = self.path / "features" / "c"
        for chunk in chunks.tolist():
            sync_file(folder / str(chunk) / "0")
            sync_folder(folder / str(chunk))
        sync_folder(folder)


def is_embeddings(path: str | Path) -> bool:
    """Tell whether a folder holds embeddings, whole or begun."""
    import zarr

    path = Path(path)
    if not (path / "zarr.json").is_file():
        return False
    with store_errors(path):
        return _OURS in zarr.open_group(path, mode="r").attrs


def _make_room(path: Path, overwrite: bool) -> None:
    """Remove older embeddings if that is wanted, and what a crash left of new ones."""
    if not path.exists() or not any(path.iterdir()):
        return
    if is_embeddings(path):
        if not overwrite:
            raise StoreError(
                f"{path} exists already; open it, or say that it may be overwritten"
            )
    elif not {part.name for part in path.iterdir()} <= _PARTS:
        raise StoreError(f"{path} is not a folder of embeddings; it is left alone")
    shutil.rmtree(path)


def _create(
    path: Path,
    header: EmbeddingsHeader,
    positions_px0: NDArray[np.integer[Any]],
    dimension: int,
) -> Any:
    import zarr
    from zarr.codecs import ZstdCodec

    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.create_array(
        "features",
        shape=(len(positions_px0), dimension),
        dtype=np.float32,
        chunks=(_CHUNK_ROWS, dimension),
        fill_value=float("nan"),
        compressors=ZstdCodec(level=1),
        dimension_names=("patch", "feature"),
    )
    places = group.create_array(
        "positions_px0",
        shape=positions_px0.shape,
        dtype=np.int64,
        chunks=(max(len(positions_px0), 1), 2),
        dimension_names=("patch", "yx"),
    )
    places[:] = positions_px0.astype(np.int64)
    group.attrs[_OURS] = header.to_json()  # last: what has no header does not count
    return group


def _ranges(places: NDArray[np.intp]) -> tuple[str, ...]:
    """Write ascending numbers as first-last."""
    breaks = np.flatnonzero(np.diff(places) != 1) + 1
    return tuple(f"{run[0]}-{run[-1]}" for run in np.split(places, breaks))
