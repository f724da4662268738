"""When to draw again: soon, but never so often that a slow screen falls behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, QTimer

_GATHER_MS = 20
"""Tiles that arrive within this time, or that of the last frame, are drawn together."""

_MOVING_S = 0.05
"""A camera that has moved twice within this time is going to move again."""

_REST_MS = 200
"""A view that has not moved for so long is made as sharp as the screen can show."""


class Pace(QObject):
    """Decides when a drawing is drawn again.

    Parameters
    ----------
    redraw : callable
        Asks for a draw.
    rest : callable
        Called once the camera has come to rest.
    """

    def __init__(self, redraw: Callable[[], Any], rest: Callable[[], Any]) -> None:
        super().__init__()
        self._at_once = self._timer(0, redraw)
        self._gather = self._timer(_GATHER_MS, redraw)
        self._rest = self._timer(_REST_MS, rest)
        self._frame = self._timer(0, self._note_frame)
        self._drawn_s = self._moved_s = self._moved_before_s = 0.0

    def _timer(self, interval_ms: int, call: Callable[[], Any]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval_ms)
        timer.timeout.connect(call)
        return timer

    def note_move(self) -> None:
        """Remember that the camera has just moved."""
        self._moved_before_s, self._moved_s = self._moved_s, time.perf_counter()
        self._rest.start()

    def note_draw(self) -> None:
        """Remember that everything that is there is being drawn."""
        self._gather.stop()
        self._drawn_s = time.perf_counter()
        self._frame.start()

    def _note_frame(self) -> None:
        """Measure the frame that has just been drawn: a slow screen gets fewer."""
        frame_ms = (time.perf_counter() - self._drawn_s) * 1000
        self._gather.setInterval(max(_GATHER_MS, min(_REST_MS, round(frame_ms))))

    def draw_soon(self) -> None:
        """Draw at once, but not in between two draws of a moving camera."""
        steps_s = (
            self._moved_s - self._moved_before_s,
            time.perf_counter() - self._moved_s,
        )
        if max(steps_s) > _MOVING_S:
            self._at_once.start()
        else:
            self.draw_later()

    def draw_later(self) -> None:
        """Draw together with what arrives within the next moment."""
        if not self._gather.isActive():
            self._gather.start()

    def forget_rest(self) -> None:
        """Nothing is drawn any more that could come to rest."""
        self._rest.stop()

    def stop(self) -> None:
        """Ask for nothing more."""
        for timer in (self._at_once, self._gather, self._rest, self._frame):
            timer.stop()
