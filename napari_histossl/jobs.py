"""Long work as generators of `Progress`, and how to run it in another process.

The core never calls up: a long function is a generator that yields `Progress`. Who
listens is not its business. A command line draws a bar, a test calls ``list()``, the
window runs the generator in a worker process and receives the records over a pipe.
Closing the generator stops the work; whatever it holds is released in ``finally``.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of long work is.

    Attributes
    ----------
    done, total : int
        Units finished and units in all; `total` may be 0 while it is not known.
    box : Box or None
        What has just been finished, in the frame that the work names.
    message : str
        One short sentence for people, or an empty string.
    """

    done: int
    total: int
    box: Box | None = None
    message: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error that crossed from a worker process.

    Attributes
    ----------
    kind : str
        Class name of the exception.
    message : str
        Its sentence.
    expected : bool
        True if it is one of this package's own errors, whose sentence is enough.
    """

    kind: str
    message: str
    expected: bool


class Stopwatch:
    """Estimate of the time left, from the units finished since the start.

    A resumed run starts with some units done; only what this run did counts.
    """

    def __init__(self) -> None:
        self._start_s = time.monotonic()
        self._first_done: int | None = None

    def time_left_s(self, progress: Progress) -> float | None:
        """Return the seconds left, or None while they cannot be told."""
        if self._first_done is None:
            self._first_done = progress.done
            self._start_s = time.monotonic()
            return None
        finished = progress.done - self._first_done
        if finished <= 0 or progress.total <= 0:
            return None
        elapsed_s = time.monotonic() - self._start_s
        return elapsed_s / finished * max(progress.total - progress.done, 0)


Job = Callable[..., Iterator[Progress]]
"""A module-level generator function; with picklable arguments it runs anywhere."""

_LENGTH = struct.Struct("!Q")

_NICE = 5
"""Priority of a worker: the window stays smooth; 10 starved workers on two cores."""


def send(stream: BinaryIO, record: Any) -> None:
    """Write one pickled record with its length in front."""
    body = pickle.dumps(record)
    stream.write(_LENGTH.pack(len(body)) + body)
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
    body = stream.read(_LENGTH.unpack(header)[0])
    return pickle.loads(body)


def serve() -> None:
    """Run one job in this process: read it from stdin, write records to stdout.

    The first record is ``(function, args, kwargs)``. Records written are `Progress`,
    then None when the work is done, or a `Failure`. When stdin ends, because the
    parent closed it or died, the process ends at once: nothing is left running.
    """
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not corrupt the records
    if hasattr(os, "nice"):
        os.nice(_NICE)
    function, args, kwargs = receive(source)
    threading.Thread(target=_end_with, args=(source.fileno(),), daemon=True).start()
    try:
        for progress in function(*args, **kwargs):
            send(sink, progress)
        send(sink, None)
    except HistoSSLError as error:
        send(sink, Failure(type(error).__name__, str(error), expected=True))
    except Exception as error:
        send(sink, Failure(type(error).__name__, str(error), expected=False))
        raise


def _end_with(descriptor: int) -> None:
    # Not through the buffered stream: its lock, held by a thread that waits, aborts
    # the interpreter when it shuts down.
    while os.read(descriptor, 4096):
        pass
    os._exit(1)
