"""Things that are done a little later, once, however often they are asked for."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import QObject, QTimer


def later(parent: QObject, milliseconds: int, call: Callable[[], None]) -> QTimer:
    """Return a timer that calls once, so long after it was last started."""
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(call)
    return timer
