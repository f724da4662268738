"""A mask as it is at one moment, for threads that look while another one changes it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Seen = TypeVar("Seen")

_TRIES = 2
"""Looks that may be in vain before changes are held off for the time of one."""


class Moments:
    """Lets others see a mask between two changes only.

    A change is prepared where nobody sees it and shown at once, in microseconds. Who
    looks does not wait: if the mask changed meanwhile, it looks again.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._number = 0

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Show a change; nobody sees a part of what is done inside."""
        with self._guard:
            self._number += 1
            yield

    def seen(self, look: Callable[[], Seen]) -> Seen:
        """Return what a look finds, all of it at one moment.

        Parameters
        ----------
        look : callable
            May be called several times, and must not change the mask.
        """
        for _ in range(_TRIES):
            before = self._now()
            found = look()
            if before == self._now():
                return found
        with self._guard:
            return look()

    def _now(self) -> int:
        with self._guard:
            return self._number
