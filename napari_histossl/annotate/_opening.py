"""Making and opening the two files of a mask."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_histossl.annotate import _arguments
from napari_histossl.annotate._header import MASK_ID, Header, check_pair
from napari_histossl.annotate._planes import Planes
from napari_histossl.annotate.journal import Journal
from napari_histossl.classes import ClassTable
from napari_histossl.errors import StoreError

Pair = tuple[Planes, Journal]


@contextlib.contextmanager
def made(
    path: Path,
    shape: tuple[int, int],
    mpp: float | tuple[float, float] | None,
    classes: ClassTable,
    *,
    provenance: Mapping[str, Any],
    downsample: float,
    dtype: np.dtype[Any],
) -> Iterator[Pair]:
    """Give the files of a new mask, closed again if what follows fails.

    Raises
    ------
    AnnotationError
        If shape, mpp or downsample make no sense.
    StoreError, JournalError
        If the mask exists already or cannot be written.
    """
    shape = _arguments.checked_shape(shape)
    mpp_yx = _arguments.checked_mpp(mpp)
    header = Header(
        uuid.uuid4().hex,
        classes,
        _arguments.checked_positive(downsample, "downsample"),
        dict(provenance),
    )
    _refuse_existing(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    facts = {**header.provenance, MASK_ID: header.mask_id}
    with contextlib.ExitStack() as on_error:
        planes = Planes.create(
            path, shape, mpp_yx, header.downsample, classes, facts, dtype
        )
        on_error.callback(planes.close)
        journal = Journal.create(_arguments.journal_beside(path), header.to_json())
        on_error.callback(journal.close)
        yield planes, journal
        on_error.pop_all()


@contextlib.contextmanager
def opened(path: Path, *, read_only: bool) -> Iterator[Pair]:
    """Give the files of a mask, closed again if what follows fails.

    Raises
    ------
    StoreError, JournalError
        If one is missing or damaged, or they do not belong together.
    StoreLockedError
        If it is to be changed and another process changes it.
    """
    with contextlib.ExitStack() as on_error:
        planes = Planes.open(path, read_only=read_only)
        on_error.callback(planes.close)
        journal = Journal.open(_arguments.journal_beside(path), read_only=read_only)
        on_error.callback(journal.close)
        check_pair(path, planes, journal)
        yield planes, journal
        on_error.pop_all()


def delete(path: Path) -> None:
    """Delete the files of a mask that is closed.

    Raises
    ------
    StoreError
        If that fails.
    """
    journal = _arguments.journal_beside(path)
    beside = [journal.with_name(journal.name + end) for end in ("-wal", "-shm")]
    try:
        for file in (journal, *beside, Path(f"{path}.lock")):
            file.unlink(missing_ok=True)
        shutil.rmtree(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be deleted ({error}); delete it and its journal by hand"
        ) from error


def _refuse_existing(path: Path) -> None:
    if path.exists() or _arguments.journal_beside(path).exists():
        raise StoreError(
            f"a mask named {path.name} exists already in {path.parent}; open it, "
            f"choose another name, or delete it with its journal"
        )
