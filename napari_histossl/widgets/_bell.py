"""How other threads have something done in the window's thread."""

from __future__ import annotations

import atexit
import threading
from collections import deque
from collections.abc import Callable

from qtpy.QtCore import QCoreApplication, QObject, Qt, Signal


class Bell(QObject):
    """Calls functions in the thread of the window, one after another.

    Belongs to the application; `application_bell` returns it.

    Notes
    -----
    Qt aborts where an object is deleted while another thread emits one of its signals.
    So threads emit no signal but this one, whose object outlives them: what they ring
    for names its receiver weakly, and is looked at where receivers are deleted too.
    """

    _rung = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: deque[Callable[[], object]] = deque()
        self._lock = threading.Lock()
        self._is_silent = False
        self._rung.connect(self._answer, Qt.ConnectionType.QueuedConnection)
        atexit.register(self.silence)  # before Qt takes the application down

    def ring(self, call: Callable[[], object]) -> None:
        """Have a function called in the window's thread; never waits for it.

        Parameters
        ----------
        call : callable
            Not the last to hold an object of Qt, which a thread must not delete.
        """
        with self._lock:
            if not self._is_silent:
                self._waiting.append(call)
                self._rung.emit()

    def silence(self) -> None:
        """Call nothing any more: the application ends."""
        with self._lock:
            self._is_silent = True

    def _answer(self) -> None:
        # one a time: what is called may wait for the next in a loop of its own
        self._waiting.popleft()()


def application_bell() -> Bell:
    """Return the bell of the application; it is made when first asked for.

    Must be called in the window's thread.
    """
    application = QCoreApplication.instance()
    found: Bell | None = application.findChild(Bell)
    return Bell(application) if found is None else found
