"""Short reads in a thread of the window's process; see `_worker` for long work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_histossl.errors import HistoSSLError


class BackgroundReads(QObject):
    """Short reads in a thread, so that the window never waits for a disk.

    Attributes
    ----------
    answered : Signal of (object, object)
        The name under which something was asked for, and what came of it: a result,
        or the `HistoSSLError` that was raised.

    Notes
    -----
    Of what waits under one name only the newest is done. The thread ends when nothing
    is left to do; `drop` takes back what has not begun.
    """

    answered = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._waiting: dict[Any, Callable[[], Any]] = {}
        self._lock = threading.Lock()
        self._is_running = False

    def ask(self, name: Any, call: Callable[[], Any]) -> None:
        """Do something, in place of what waits under the same name."""
        with self._lock:
            self._waiting[name] = call
            if self._is_running:
                return
            self._is_running = True
        threading.Thread(target=self._run, daemon=True, name="background reads").start()

    def drop(self) -> None:
        """Take back everything that waits."""
        with self._lock:
            self._waiting.clear()

    def _next(self) -> tuple[Any, Callable[[], Any]] | None:
        with self._lock:
            if not self._waiting:
                self._is_running = False
                return None
            name = next(iter(self._waiting))
            return name, self._waiting.pop(name)

    def _run(self) -> None:
        try:
            while (item := self._next()) is not None:
                self._do(*item)
        except BaseException:  # a defect: the next thing asked for gets a new thread
            with self._lock:
                self._is_running = False
            raise

    def _do(self, name: Any, call: Callable[[], Any]) -> None:
        try:
            result = call()
        except HistoSSLError as error:
            result = error
        try:
            self.answered.emit(name, result)
        except RuntimeError:  # the window is gone
            self.drop()
