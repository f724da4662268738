"""How far a piece of long work is, how long it will take, and what ended it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

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

_AnyJob = TypeVar("_AnyJob", bound=Callable[..., Any])

_RESUMABLE = "_histossl_is_resumable"


def resumable(job: _AnyJob) -> _AnyJob:
    """Mark a job that goes on where it was when it is started again.

    A worker process that dies in the middle of such a job is replaced, and the job
    started again.
    """
    setattr(job, _RESUMABLE, True)
    return job


def is_resumable(job: Job) -> bool:
    """Return True for a job that `resumable` has marked."""
    return bool(getattr(job, _RESUMABLE, False))
