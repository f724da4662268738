"""A signal that other threads may emit, however long its owner lives."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject


class Outlet:
    """Emits a signal from any thread, until the object that owns it goes away.

    Parameters
    ----------
    owner : QObject
        Whose signal it is.
    emit : callable
        The signal's ``emit``.

    Notes
    -----
    Qt aborts where an object is deleted while another thread is emitting one of its
    signals. Here the deletion waits for that, and later calls go nowhere.
    """

    def __init__(self, owner: QObject, emit: Callable[..., Any]) -> None:
        self._lock = threading.RLock()
        self._emit: Callable[..., Any] | None = emit
        owner.destroyed.connect(self.close)

    def __call__(self, *arguments: Any) -> bool:
        """Emit the signal; return False once nobody is there any more."""
        with self._lock:
            if self._emit is None:
                return False
            try:
                self._emit(*arguments)
            except RuntimeError:  # deleted without a word, as at the end of the program
                self._emit = None
                return False
            return True

    def close(self, *_: Any) -> None:
        """Emit nothing any more."""
        with self._lock:
            self._emit = None
