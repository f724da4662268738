"""PyTorch's two kinds of checkpoint files, opened without torch.

References
----------
pytorch/pytorch torch/serialization.py (BSD-3-Clause): a zip with ``data.pkl`` and one
member a storage; before PyTorch 1.6 five pickles in a row, then the storages, each with
its number of values in front. Written anew from the formats: the whole is never
unpickled, see `_unpickling`.
"""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from napari_histossl.errors import WeightsError
from napari_histossl.models._unpickling import InertUnpickler, Storage

VALUE_BYTES = {
    "DoubleStorage": ("float64", 8),
    "FloatStorage": ("float32", 4),
    "HalfStorage": ("float16", 2),
    "BFloat16Storage": ("bfloat16", 2),
    "LongStorage": ("int64", 8),
    "IntStorage": ("int32", 4),
    "ShortStorage": ("int16", 2),
    "CharStorage": ("int8", 1),
    "ByteStorage": ("uint8", 1),
    "BoolStorage": ("bool", 1),
}
"""Name of PyTorch's dtype and bytes of a value, by kind of storage."""

_DAMAGE = (
    pickle.UnpicklingError,
    struct.error,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    MemoryError,
    OverflowError,
    OSError,
    zipfile.BadZipFile,
)
"""What reading a damaged file may end in."""

_OLD_MAGIC = 0x1950A86A20F9469CFC6C
"""First of the five pickles; the checkpoint is the fourth."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An open checkpoint.

    Attributes
    ----------
    content : object
        Dicts, lists and plain values; a `Shape` for each tensor, a `Placeholder` for
        anything else.
    read : callable
        Gives the bytes of a `Storage`.
    """

    content: Any
    read: Callable[[Storage], bytes]


@contextmanager
def open_checkpoint(path: str | Path) -> Iterator[Checkpoint]:
    """Open a PyTorch checkpoint of any age; nothing in it is run.

    Parameters
    ----------
    path : str or Path
        The file.

    Yields
    ------
    Checkpoint
        Tensors as shapes; their bytes can be read while it is open.

    Raises
    ------
    WeightsError
        If the file is no checkpoint, only a part of one, or asks for anything that is
        no part of weights.
    """
    try:
        opener = _open_zip if zipfile.is_zipfile(path) else _open_old
        with opener(path) as checkpoint:
            yield checkpoint
    except WeightsError:
        raise
    except _DAMAGE as error:
        raise WeightsError(
            f"{path} is not a PyTorch checkpoint, or only a part of one "
            f"({_first_sentence(error)}); fetch it again"
        ) from error


def _first_sentence(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text.split(". ")[0][:160] or type(error).__name__


# ---- Since PyTorch 1.6 ----


@contextmanager
def _open_zip(path: str | Path) -> Iterator[Checkpoint]:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        found = [name for name in names if name.split("/")[1:] == ["data.pkl"]]
        if not found or any("/code/" in name for name in names):
            raise WeightsError(
                f"{path} is a program or an archive, not weights; ask for the state "
                f"dict of the model"
            )
        folder = found[0].split("/")[0]
        with archive.open(found[0]) as stream:
            content = InertUnpickler(stream).load_from(path)

        def read(storage: Storage) -> bytes:
            return archive.read(f"{folder}/data/{storage.key}")

        yield Checkpoint(content, read)


# ---- Before ----


@contextmanager
def _open_old(path: str | Path) -> Iterator[Checkpoint]:
    with Path(path).open("rb") as stream:
        _refuse_other_files(path, stream.peek(64))
        reader = InertUnpickler(stream)
        content = reader.load_from(path)
        is_torch = content == _OLD_MAGIC
        if is_torch:
            for _ in range(3):  # protocol, facts of the machine, the checkpoint
                content = InertUnpickler(stream, reader).load_from(path)
        starts = _old_starts(stream, reader) if is_torch else {}

        def read(storage: Storage) -> bytes:
            count = storage.count * VALUE_BYTES[storage.kind][1]
            stream.seek(starts[storage.key])
            found = stream.read(count)
            if len(found) < count:
                raise EOFError(f"{count - len(found)} bytes are missing at the end")
            return found

        yield Checkpoint(content, read)


def _old_starts(stream: IO[bytes], reader: InertUnpickler) -> dict[str, int]:
    """Return where the bytes of each storage start."""
    starts = {}
    for key in InertUnpickler(stream, reader).load():
        (count,) = struct.unpack("<q", stream.read(8))
        starts[str(key)] = stream.tell()
        stream.seek(count * VALUE_BYTES[reader.storages[str(key)].kind][1], 1)
    return starts


def _refuse_other_files(path: str | Path, start: bytes) -> None:
    """Refuse what a wrong link gives in place of weights."""
    if start.startswith(b"version https://git-lfs"):
        raise WeightsError(
            f"{path} is a pointer of Git LFS, not the weights it points to; fetch them "
            f"with git lfs pull, or from the page of the repository"
        )
    if start.lstrip().lower().startswith((b"<!doctype", b"<html")):
        raise WeightsError(
            f"{path} is a web page, not weights; fetch the file itself, not the page "
            f"about it"
        )
