"""Long work in a process of its own; what waits for it never blocks the window.

The window's process never imports torch and never waits for the interpreter lock of a
run: a job (a generator function of the core) is rebuilt in a worker process, which
sends its `Progress` records back over a pipe. The process stays when a job has ended,
with the model that it has loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any
from weakref import ReferenceType, ref

from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal

from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.jobs import (
    Answer,
    Ask,
    Ended,
    Failure,
    Job,
    Order,
    Progress,
    Reply,
    Start,
    Tell,
    is_resumable,
)
from napari_histossl.widgets._background_reads import BackgroundReads
from napari_histossl.widgets._bell import application_bell
from napari_histossl.widgets._worker_link import WorkerLink

__all__ = ["BackgroundReads", "NoAnswer", "WorkerFailure", "WorkerProcess"]

_log = logging.getLogger(__name__)

_PATIENCE_MS = 2000
"""After this long a job that was told to stop is killed; it survives that by design."""

_LIVES = 2
"""How often a process may die in a row while a job gets nowhere."""


class WorkerFailure(HistoSSLError, RuntimeError):
    """An error in the worker process, or its end."""


class NoAnswer(WorkerFailure):
    """A question was not answered: its process has ended, whatever the question was."""


class WorkerProcess(QObject):
    """One process that runs jobs, one after another, and answers questions.

    Attributes
    ----------
    progressed : Signal of Progress
        A unit of work is finished.
    finished : Signal of bool
        The work has ended: True if it is complete, False if it failed or was stopped.
    failed : Signal of Exception
        Emitted before ``finished(False)`` when the job raised.
    answered : Signal of (object, object)
        The name of a question, and what came of it: a result, or a `WorkerFailure`.

    Notes
    -----
    The process is started when it is first needed, and again when it has died: a job
    that `jobs.resumable` has marked goes on then, unless it got nowhere since the last
    time. If this process dies, its worker dies too. It leaves one core to the window.
    """

    progressed = Signal(object)
    failed = Signal(object)
    finished = Signal(bool)
    answered = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._link: WorkerLink | None = None
        self._running: Start | None = None
        self._furthest, self._lives = -1, _LIVES
        self._stopping: set[int] = set()
        self._asked: dict[int, Any] = {}
        self._number = 0
        self._impatience = QTimer(self)
        self._impatience.setSingleShot(True)
        self._impatience.setInterval(_PATIENCE_MS)
        self._impatience.timeout.connect(self._kill_stopping)
        self._bell = application_bell()

    # ---- What the window asks for

    @property
    def is_running(self) -> bool:
        """Whether a job is under way."""
        return self._running is not None

    def warm_up(self) -> None:
        """Start the process, if there is none."""
        self._living()

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
        self._running = Start(self._next_number(), job, arguments, options)
        self._furthest, self._lives = -1, _LIVES
        self._send(self._running)

    def tell(self, order: Order) -> None:
        """Give an order to the job that runs; does nothing where none does."""
        if self._running is not None:
            self._send(Tell(self._running.number, order))

    def look_at(self, box_px0: Box) -> None:
        """Ask the job that runs to do what lies in a box of the slide first."""
        self.tell(Order("look_at", box_px0))

    def pause(self) -> None:
        """Let the job that runs wait."""
        self.tell(Order("pause"))

    def resume(self) -> None:
        """Let the job that waits go on."""
        self.tell(Order("resume"))

    def ask(self, name: Any, function: Callable[..., Any], *arguments: Any) -> None:
        """Call a function there, also while a job runs; see `answered`.

        Of what waits under one name only the newest is answered.
        """
        number = self._next_number()
        self._asked = {n: known for n, known in self._asked.items() if known != name}
        self._asked[number] = name
        self._send(Ask(number, name, function, arguments))

    def stop(self) -> None:
        """End the job, if one is running; what it has finished stays finished.

        It writes what it holds and ends by itself, or is killed after two seconds. To
        the window it has ended now.
        """
        running, self._running = self._running, None
        if running is None:
            return
        self._stopping.add(running.number)
        self._send(Tell(running.number, Order("stop")))
        self._impatience.start()
        self.finished.emit(False)

    def close(self) -> None:
        """End the job and the process, and wait for it to be gone.

        Who waits for an answer is told that none will come.
        """
        was_running, self._running = self.is_running, None
        self._kill()
        self._answer_all("the worker process was closed before it answered; ask again")
        if was_running:
            self.finished.emit(False)

    # ---- The process

    def _living(self) -> WorkerLink:
        """Return the process; a new one where there is none."""
        if self._link is None:
            owner, bell = ref(self), self._bell
            self._link = WorkerLink(lambda m: bell.ring(partial(_hand_over, owner, m)))
        return self._link

    def _send(self, request: Start | Tell | Ask) -> None:
        self._living().send(request)

    def _kill(self) -> None:
        link, self._link = self._link, None
        self._impatience.stop()
        self._stopping.clear()
        if link is not None:
            link.kill()

    def _kill_stopping(self) -> None:
        """Kill a job that does not stop; a new one that waits for it goes on."""
        if not self._stopping:
            return
        self._kill()
        self._answer_all("the worker process was stopped in the middle; ask again")
        if self._running is not None:
            self._send(self._running)

    def _next_number(self) -> int:
        self._number += 1
        return self._number

    # ---- What comes back

    def take(self, link: WorkerLink, reply: Any) -> None:
        """Take what a process says, in the window's thread."""
        if link is not self._link:
            return  # killed in the meantime
        if isinstance(reply, Reply):
            self._take(reply.number, reply.record)
        else:
            self._on_death(reply)

    def _take(self, number: int, record: Any) -> None:
        if number in self._asked:
            name = self._asked.pop(number)
            is_answer = isinstance(record, Answer)
            self.answered.emit(name, record.value if is_answer else _exception(record))
        elif number in self._stopping:
            if not isinstance(record, Progress):
                self._stopping.discard(number)
                self._impatience.stop()
        elif self._running is not None and number == self._running.number:
            self._take_of_job(record)

    def _take_of_job(self, record: Progress | Ended | Failure) -> None:
        if isinstance(record, Progress):
            if record.done > self._furthest:
                self._furthest, self._lives = record.done, _LIVES
            self.progressed.emit(record)
            return
        self._running = None
        if isinstance(record, Failure):
            self.failed.emit(_exception(record))
        self.finished.emit(isinstance(record, Ended) and record.complete)

    def _answer_all(self, last_words: str) -> None:
        """Tell everybody who waits for an answer that none will come."""
        asked, self._asked = self._asked, {}
        for name in asked.values():
            self.answered.emit(name, NoAnswer(last_words))

    def _on_death(self, last_words: str) -> None:
        """Go on with a new process, or tell why that makes no sense."""
        self._kill()
        self._answer_all(last_words)
        running, self._lives = self._running, self._lives - 1
        if running is None:
            return
        if is_resumable(running.job) and self._lives > 0:
            _log.warning("started again: %s", last_words)
            self._send(running)
            return
        self._running = None
        self.failed.emit(WorkerFailure(last_words))
        self.finished.emit(False)


def _hand_over(
    owner: ReferenceType[WorkerProcess], message: tuple[WorkerLink, Any]
) -> None:
    worker = owner()
    if worker is not None and isalive(worker):
        worker.take(*message)
    else:  # the window is gone
        message[0].process.kill()


def _exception(failure: Failure) -> Exception:
    if failure.expected:
        return WorkerFailure(failure.message)
    return WorkerFailure(
        f"unexpected {failure.kind} in the worker process: {failure.message}"
    )
