"""What goes over the pipe between a process and its worker."""

from __future__ import annotations

import pickle
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from napari_histossl.jobs._orders import Order
from napari_histossl.jobs._progress import Failure, Job, Progress

_LENGTH = struct.Struct("!Q")


@dataclass(frozen=True, slots=True)
class Start:
    """Run a job; jobs run one after another.

    Attributes
    ----------
    number : int
        Under which replies come back.
    job : Job
        A module-level generator function.
    arguments : tuple
        What it is called with.
    options : mapping
        What it is called with by name.
    """

    number: int
    job: Job
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tell:
    """Give an order to a job, whether it runs or waits its turn."""

    number: int
    order: Order


@dataclass(frozen=True, slots=True)
class Ask:
    """Call a function and send back what it returns, also while a job runs.

    Attributes
    ----------
    number : int
        Under which the answer comes back.
    name : object
        Of what waits under one name only the newest is answered.
    function : callable
        A module-level function.
    arguments : tuple
        What it is called with.
    """

    number: int
    name: Any
    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a function that was asked for has returned."""

    value: Any


@dataclass(frozen=True, slots=True)
class Ended:
    """A job has ended: complete, or because it was told to stop."""

    complete: bool


@dataclass(frozen=True, slots=True)
class Reply:
    """A record from the worker, under the number of what it belongs to."""

    number: int
    record: Progress | Failure | Ended | Answer


def pack(record: Any) -> bytes:
    """Return one pickled record with its length in front."""
    body = pickle.dumps(record)
    return _LENGTH.pack(len(body)) + body


def send(stream: BinaryIO, record: Any) -> None:
    """Write one record, as `pack` makes it."""
    stream.write(pack(record))
    stream.flush()


def receive(stream: BinaryIO) -> Any:
    """Read one record that `send` wrote.

    Raises
    ------
    EOFError
        If the stream ends.

    Notes
    -----
    Unpickles: for pipes between a process and the worker that it started itself only.
    """
    header = stream.read(_LENGTH.size)
    if len(header) < _LENGTH.size:
        raise EOFError
    length = _LENGTH.unpack(header)[0]
    body = stream.read(length)
    if len(body) < length:
        raise EOFError
    return pickle.loads(body)
