"""The worker of a window, and the one run that may be going on."""

from __future__ import annotations

from typing import Any

from qtpy.QtCore import QObject, Signal

from napari_histossl.jobs import Job, Progress, Stopwatch
from napari_histossl.widgets._errors import show_error
from napari_histossl.widgets._worker import WorkerProcess


class BenchRuns(QObject):
    """Start and stop the one run; tell everybody how far it is.

    Attributes
    ----------
    worker : WorkerProcess
        Where it goes on; it answers questions beside it.
    progressed : Signal of (Progress, float or None)
        The run has advanced; seconds left where they can be told.
    run_changed : Signal of bool
        A run has started (True) or ended (False).
    """

    progressed = Signal(object, object)
    run_changed = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.worker = WorkerProcess(self)
        self._on_done: Any = None
        self._watch = Stopwatch()
        self.worker.progressed.connect(self._on_progress)
        self.worker.failed.connect(self._on_failed)
        self.worker.finished.connect(self._on_finished)

    @property
    def hidden_names(self) -> dict[str, str]:
        """What people may not read of the slide in view; see `_masking.masked`."""
        return {}

    def run(self, on_done: Any, job: Job, *arguments: Any, **options: Any) -> bool:
        """Run a job in the worker; `on_done(complete)` is called at its end.

        Returns
        -------
        bool
            Whether the job was started; only one runs at a time.
        """
        try:
            self.worker.start(job, *arguments, **options)
        except RuntimeError as error:
            show_error(error)
            return False
        self._on_done = on_done
        self._watch = Stopwatch()
        self.run_changed.emit(True)
        return True

    def stop(self) -> None:
        """Stop the run; what is finished stays finished."""
        self.worker.stop()

    def end_runs(self) -> None:
        """Stop the run for good, and tell nobody."""
        self._on_done = None
        self.worker.close()

    def _on_progress(self, progress: Progress) -> None:
        self.progressed.emit(progress, self._watch.time_left_s(progress))

    def _on_failed(self, error: Exception) -> None:
        show_error(error, self.hidden_names)

    def _on_finished(self, complete: bool) -> None:
        on_done, self._on_done = self._on_done, None
        self.run_changed.emit(False)
        if on_done is not None:
            on_done(complete)
