"""What running work is told while it goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from napari_histossl.geometry import Box


@dataclass(frozen=True, slots=True)
class Order:
    """One thing that running work is told; picklable.

    Attributes
    ----------
    what : {"look_at", "pause", "resume", "stop"}
        `look_at` puts what lies in a box before everything else.
    box : Box or None
        In level-0 pixels of the slide; for `look_at`.
    """

    what: Literal["look_at", "pause", "resume", "stop"]
    box: Box | None = None


class Orders:
    """Orders on their way to running work.

    Notes
    -----
    Safe to use from several threads: one gives orders, another one works. Of several
    views only the last one counts.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._view: Box | None = None
        self._is_paused = False
        self._is_stopped = False
        self._count = 0

    def give(self, order: Order) -> None:
        """Pass on an order."""
        with self._changed:
            self._count += 1
            if order.what == "look_at":
                self._view = order.box
            elif order.what == "stop":
                self._is_stopped = True
            else:
                self._is_paused = order.what == "pause"
            self._changed.notify_all()

    def look_at(self, box_px0: Box) -> None:
        """Ask for what lies in a box of the slide first."""
        self.give(Order("look_at", box_px0))

    def pause(self) -> None:
        """Ask to finish what is in flight and to wait then."""
        self.give(Order("pause"))

    def resume(self) -> None:
        """Ask to go on."""
        self.give(Order("resume"))

    def stop(self) -> None:
        """Ask to write what is finished and to end."""
        self.give(Order("stop"))

    @property
    def is_paused(self) -> bool:
        """Whether to wait."""
        return self._is_paused

    @property
    def is_stopped(self) -> bool:
        """Whether to end."""
        return self._is_stopped

    @property
    def count(self) -> int:
        """How many orders have been given so far."""
        return self._count

    def take_view(self) -> Box | None:
        """Return the newest view once, in level-0 pixels; None when there is none."""
        with self._changed:
            view, self._view = self._view, None
            return view

    def wake(self) -> None:
        """Let whoever waits look again: something else than an order has changed."""
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, claim: Callable[[], bool]) -> None:
        """Wait until a claim is true; it is looked at after orders and `wake`."""
        with self._changed:
            self._changed.wait_for(claim)
