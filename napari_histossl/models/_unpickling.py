"""A pickle taken apart without running any of it, and without torch.

A PyTorch checkpoint is a pickle, and a pickle is a program. Here it is read by an
unpickler that knows no name but its own: whatever the file asks for, it gets an object
that does nothing. A tensor becomes its shape and the place of its bytes, so that a file
of 700 MB is looked at in milliseconds by a process that has not imported torch, and of
a training checkpoint only the weights that are wanted are ever read.
"""

from __future__ import annotations

import pickle
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from napari_histossl.errors import WeightsError

_TORCH = re.compile(
    r"torch\.((_utils|_tensor)\._rebuild_\w+"
    r"|(cuda\.|storage\.)?\w*Storage|nn\.parameter\.Parameter|serialization\._get_layout"
    r"|Size|device|Tensor|bool|bfloat16|(float|complex|q?u?int)\d+\w*)"
)
"""Names that tensors are made of."""

_PLAIN = re.compile(
    r"(builtins|__builtin__)\.(set|frozenset|dict|list|tuple|int|float|complex|bool|str"
    r"|bytes|bytearray|slice|range)|collections\.(OrderedDict|Counter|defaultdict|deque)"
    r"|argparse\.Namespace|_codecs\.encode"
)
"""Containers and numbers."""

_LIBRARIES = re.compile(
    r"(pytorch_lightning|lightning|lightning_fabric|lightning_utilities|omegaconf|numpy"
    r"|pathlib|typing)\..+"
)
"""What training libraries leave in their checkpoints beside the tensors: counters,
paths, options. None of it is needed, so none of it is built."""

_SHOWN = 4
"""Names in a message."""


@dataclass(frozen=True, slots=True)
class Storage:
    """The bytes of one or several tensors, where they lie in a file.

    Attributes
    ----------
    kind : str
        Name of PyTorch's class, such as ``"FloatStorage"``.
    key : str
        Name of the bytes in the file.
    count : int
        Number of values.
    """

    kind: str
    key: str
    count: int


@dataclass(frozen=True, slots=True)
class Shape:
    """A tensor that has not been read.

    Attributes
    ----------
    shape : tuple of int
        Its size along each axis.
    storage : Storage or None
        Where its values are.
    offset : int
        Values of the storage before its first.
    stride : tuple of int
        Values of the storage from one to the next along each axis.
    """

    shape: tuple[int, ...]
    storage: Storage | None = None
    offset: int = 0
    stride: tuple[int, ...] = ()


class Placeholder:
    """Stands for any object of a file; takes all that is done to it, and does nothing.

    Attributes
    ----------
    state : dict
        Attributes that the file gives it, such as options in a namespace.
    """

    state: dict[str, Any]

    def __new__(cls, *_arguments: Any, **_options: Any) -> Self:
        made = super().__new__(cls)
        made.state = {}
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = dict(state) if isinstance(state, dict) else {}

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Forget a value."""

    def extend(self, values: Any) -> None:
        """Forget values."""


class _Dictionary(dict[Any, Any]):
    """An ordered dict that no attribute of a file can be set on."""

    __slots__ = ()

    def __setstate__(self, state: Any) -> None:
        pass


class InertUnpickler(pickle.Unpickler):
    """Reads pickles; builds dicts, lists, plain values, shapes and placeholders.

    Parameters
    ----------
    stream : file
        Where the pickle starts.
    earlier : InertUnpickler, optional
        One that read another pickle of the same file: names are gathered over all.

    Attributes
    ----------
    names : set of str
        All that the file asked for.
    storages : dict of str to Storage
        All tensors' bytes, by key.
    """

    def __init__(
        self, stream: IO[bytes], earlier: InertUnpickler | None = None
    ) -> None:
        super().__init__(stream)
        self.names: set[str] = set() if earlier is None else earlier.names
        self.storages: dict[str, Storage] = {} if earlier is None else earlier.storages

    def find_class(self, module: str, name: str, /) -> Any:
        """Return something harmless for a name, and remember the name."""
        self.names.add(f"{module}.{name}")
        if module in _BUILDERS and name in _BUILDERS[module]:
            return _BUILDERS[module][name]
        return type(name.rpartition(".")[2], (Placeholder,), {})

    def persistent_load(self, pid: Any, /) -> Storage:
        """Note where the bytes of a tensor are."""
        _, kind, key, _, count = pid[:5]
        storage = Storage(kind.__name__, str(key), int(count))
        self.storages[storage.key] = storage
        return storage

    def load_from(self, path: str | Path) -> Any:
        """Return what the pickle holds.

        Raises
        ------
        WeightsError
            If it asks for anything that is no part of weights, with its names, even
            where reading ends in another error.
        """
        try:
            return self.load()
        finally:
            self._refuse_foreign(path)

    def _refuse_foreign(self, path: str | Path) -> None:
        allowed = (_TORCH, _PLAIN, _LIBRARIES)
        names = sorted(self.names)
        foreign = [n for n in names if not any(a.fullmatch(n) for a in allowed)]
        if foreign:
            raise WeightsError(
                f"{path} is not a checkpoint of weights alone, and was not run: it "
                f"asks for {', '.join(foreign[:_SHOWN])}; ask for a .safetensors file "
                f"or a plain state dict"
            )


def _shape(storage: Any, offset: Any, size: Any, stride: Any, *_rest: Any) -> Shape:
    if not isinstance(storage, Storage):
        raise TypeError("a tensor without a storage")
    return Shape(_integers(size), storage, int(offset), _integers(stride))


def _integers(values: Any) -> tuple[int, ...]:
    return tuple(int(value) for value in values)


def _unwrapped(data: Any, *_rest: Any) -> Any:
    return data


def _with_attributes(function: Any, _kind: Any, arguments: Any, _state: Any) -> Any:
    return function(*arguments)


_BUILDERS: dict[str, dict[str, Any]] = {
    "torch._utils": {
        "_rebuild_tensor": _shape,
        "_rebuild_tensor_v2": _shape,
        "_rebuild_parameter": _unwrapped,
        "_rebuild_parameter_with_state": _unwrapped,
    },
    "torch._tensor": {"_rebuild_from_type_v2": _with_attributes},
    "collections": {"OrderedDict": _Dictionary, "Counter": _Dictionary},
}
"""The only names that give more than a placeholder."""
