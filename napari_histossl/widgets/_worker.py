"""Long work in a process of its own; the only file that starts threads and processes.

The window's process never imports torch and never waits for the interpreter lock of a
run: a job (a generator function of the core) is rebuilt in a worker process, which
sends its `Progress` records back over a pipe.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from qtpy.QtCore import QObject, Signal

from napari_histossl import jobs
from napari_histossl.errors import HistoSSLError
from napari_histossl.jobs import Failure, Job, Progress

_CHILD = "from napari_histossl.jobs import serve; serve()"


class WorkerFailure(HistoSSLError, RuntimeError):
    """An error that ended the worker process."""


class WorkerProcess(QObject):
    """One job in one process.

    Attributes
    ----------
    progressed : Signal of Progress
        A unit of work is finished.
    finished : Signal of bool
        The work has ended: True if it is complete, False if it failed or was stopped.
    failed : Signal of Exception
        Emitted before ``finished(False)`` when the job raised.

    Notes
    -----
    Stopping kills the process. That is safe by design: every job writes so that it
    survives a kill and can be resumed. If this process dies, its worker dies too.
    """

    progressed = Signal(object)
    failed = Signal(object)
    finished = Signal(bool)
    _received = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._process: subprocess.Popen[bytes] | None = None
        self._received.connect(self._on_received)

    @property
    def is_running(self) -> bool:
        """Whether a job is under way."""
        return self._process is not None

    def start(self, job: Job, *arguments: Any, **options: Any) -> None:
        """Start a job; arguments must be picklable.

        Raises
        ------
        WorkerFailure
            If a job is already running here.
        """
        if self.is_running:
            raise WorkerFailure(
                "a run is already going on; stop it or wait for its end"
            )
        log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the reading thread
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
        self._process = process
        assert process.stdin is not None
        jobs.send(process.stdin, (job, arguments, options))  # type: ignore[arg-type]
        threading.Thread(
            target=self._listen, args=(process, log), daemon=True, name="worker pipe"
        ).start()

    def stop(self) -> None:
        """End the job, if one is running, and wait for its process to be gone."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        self.finished.emit(False)

    def _listen(self, process: subprocess.Popen[bytes], log: BinaryIO) -> None:
        """Pass records on to the window's thread; runs in a thread of its own."""
        with log:
            for record in _records(process, log):
                try:
                    self._received.emit((process, record))
                except RuntimeError:  # the window is gone
                    process.kill()
                    break
        process.wait()

    def _on_received(self, message: tuple[subprocess.Popen[bytes], Any]) -> None:
        process, record = message
        if process is not self._process:
            return  # stopped in the meantime
        if isinstance(record, Progress):
            self.progressed.emit(record)
            return
        self._process = None
        if isinstance(record, Failure):
            self.failed.emit(_exception(record))
        self.finished.emit(record is None)


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


def _records(process: subprocess.Popen[bytes], log: BinaryIO) -> Iterator[Any]:
    assert process.stdout is not None
    try:
        while True:
            record = jobs.receive(process.stdout)  # type: ignore[arg-type]
            yield record
            if not isinstance(record, Progress):
                return
    except EOFError:
        code = process.wait()
        log.seek(0)
        lines = log.read().decode(errors="replace").strip().splitlines()
        last = lines[-1] if lines else "it said nothing"
        sentence = (
            f"the worker process ended early with code {code}: {last}; "
            f"start the run again, what is finished is kept"
        )
        yield Failure("WorkerFailure", sentence, expected=True)


def _exception(failure: Failure) -> Exception:
    if failure.expected:
        return WorkerFailure(failure.message)
    return WorkerFailure(
        f"unexpected {failure.kind} in the worker process: {failure.message}"
    )
