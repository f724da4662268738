"""Short reads in a thread of the window's process; see `_worker` for long work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from weakref import ReferenceType, ref

from qtpy.compat import isalive
from qtpy.QtCore import QObject, Signal

from napari_histossl.errors import HistoSSLError
from napari_histossl.widgets._bell import Bell, application_bell


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
    is left to do, or when this object is gone; `drop` takes back what has not begun.
    """

    answered = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._reader = _Reader(application_bell())
        self.destroyed.connect(self._reader.drop)

    def ask(self, name: Any, call: Callable[[], Any]) -> None:
        """Do something, in place of what waits under the same name."""
        self._reader.add(name, _Read(ref(self), name, call))

    def drop(self) -> None:
        """Take back everything that waits."""
        self._reader.drop()


class _Read:
    """Something to read, and what came of it.

    The thread that reads never holds its parts: windows are let go where they live.
    """

    def __init__(
        self, owner: ReferenceType[BackgroundReads], name: Any, call: Callable[[], Any]
    ) -> None:
        self._owner, self._name = owner, name
        self._call: Callable[[], Any] | None = call
        self._result: Any = None

    def do(self) -> None:
        assert self._call is not None
        try:
            self._result = self._call()
        except HistoSSLError as error:
            self._result = error

    def tell(self) -> None:
        """Emit the answer, in the window's thread."""
        owner, result = self._owner(), self._result
        self._call = self._result = None
        if owner is not None and isalive(owner):
            owner.answered.emit(self._name, result)


class _Reader:
    """The thread, and what waits for it; knows no window."""

    def __init__(self, bell: Bell) -> None:
        self._bell = bell
        self._waiting: dict[Any, _Read] = {}
        self._lock = threading.Lock()
        self.is_running = False

    def add(self, name: Any, read: _Read) -> None:
        with self._lock:
            self._waiting[name] = read
            if self.is_running:
                return
            self.is_running = True
        threading.Thread(target=self._run, daemon=True, name="background reads").start()

    def drop(self, *_: object) -> None:
        with self._lock:
            self._waiting.clear()

    def _next(self) -> _Read | None:
        with self._lock:
            if not self._waiting:
                self.is_running = False
                return None
            return self._waiting.pop(next(iter(self._waiting)))

    def _run(self) -> None:
        try:
            while (read := self._next()) is not None:
                read.do()
                self._bell.ring(read.tell)
        except BaseException:  # a defect: the next thing asked for gets a new thread
            with self._lock:
                self.is_running = False
            raise
