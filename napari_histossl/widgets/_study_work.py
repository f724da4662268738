"""Work on a study in a thread, with a bar and a button that stops it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

from qtpy.QtCore import QTimer, Signal
from qtpy.QtWidgets import QProgressBar, QWidget

from napari_histossl.errors import HistoSSLError
from napari_histossl.jobs import Progress
from napari_histossl.widgets._background_reads import BackgroundReads
from napari_histossl.widgets._form import button, row

_LOOK_MS = 50
_STOPPED = object()
"""What comes of work that was stopped before its end."""


class StudyWork(QWidget):
    """Does one thing at a time; hidden while there is nothing to do.

    Parameters
    ----------
    show_error : callable
        Shows what went wrong.

    Attributes
    ----------
    ended : Signal
        Nothing is being done any more, however that ended.
    """

    ended = Signal()

    def __init__(self, show_error: Callable[[Exception], object]) -> None:
        super().__init__()
        self._show_error = show_error
        self._reads = BackgroundReads(self)
        self._reads.answered.connect(self._on_done)
        self._job: _Job | None = None
        self._bar = QProgressBar()
        line = row(self._bar, button("Stop", self.stop, "Nothing of it is left"))
        line.setContentsMargins(0, 0, 0, 0)
        line.setStretch(0, 1)
        self.setLayout(line)
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        self.hide()

    @property
    def is_busy(self) -> bool:
        """Whether something is being done."""
        return self._job is not None

    @property
    def progress(self) -> Progress | None:
        """How far it is; None before the first step and while nothing is done."""
        return None if self._job is None else self._job.progress

    def start(
        self, steps: Callable[[], Iterator[Progress]], then: Callable[[Any], object]
    ) -> None:
        """Do something; nothing happens while something else is being done.

        Parameters
        ----------
        steps : callable
            Returns what is run in the thread, from its first step on.
        then : callable
            Called in the window's thread with what the steps returned; not if they
            were stopped or failed.
        """
        if self._job is not None:
            return
        self._job = _Job(steps, then)
        self._bar.setRange(0, 0)
        self.show()
        self._timer.start()
        self._reads.ask(self._job, self._job.run)

    def stop(self) -> None:
        """Stop after the step that is being done."""
        if self._job is not None:
            self._job.stop.set()

    def _look(self) -> None:
        if (progress := self.progress) is not None:
            self._bar.setRange(0, progress.total)
            self._bar.setValue(progress.done)

    def _on_done(self, job: object, result: object) -> None:
        if not isinstance(job, _Job):
            return
        self._job = None
        self._timer.stop()
        self.hide()
        if isinstance(result, HistoSSLError):
            self._show_error(result)
        elif result is not _STOPPED:
            job.then(result)
        self.ended.emit()


class _Job:
    """What is done, how far it is, and whether it is to stop."""

    def __init__(
        self, steps: Callable[[], Iterator[Progress]], then: Callable[[Any], object]
    ) -> None:
        self._steps, self.then = steps, then
        self.progress: Progress | None = None
        self.stop = Event()

    def run(self) -> Any:
        steps: Any = self._steps()
        while not self.stop.is_set():
            try:
                self.progress = next(steps)
            except StopIteration as end:
                return end.value
        steps.close()
        return _STOPPED
