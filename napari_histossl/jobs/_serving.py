"""The worker's side: run jobs one after another, answer questions meanwhile.

The process stays when a job has ended: what it has imported and loaded is there for
the next one.
"""

from __future__ import annotations

import inspect
import os
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from typing import Any, BinaryIO

from napari_histossl.errors import HistoSSLError
from napari_histossl.jobs._messages import (
    Answer,
    Ask,
    Ended,
    Reply,
    Start,
    Tell,
    receive,
    send,
)
from napari_histossl.jobs._orders import Orders
from napari_histossl.jobs._progress import Failure, Job, Progress

_NICE = 5
"""Priority of a worker: the window stays smooth; 10 starved workers on two cores."""


def serve() -> None:
    """Serve the process that started this one: requests on stdin, replies on stdout.

    When stdin ends, because the parent closed it or died, the process ends at once:
    nothing is left running. What a job has written is safe by then, or is written
    again by the next run.
    """
    source, sink = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a stray print must not corrupt the records
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the window
    if hasattr(os, "nice"):
        os.nice(_NICE)
    server = _Server(sink)
    server.start()
    try:
        while True:
            server.take(receive(source))
    except EOFError:
        os._exit(1)  # other threads may be anywhere: there is nothing to wait for


class _Server:
    """Threads for jobs and for questions; replies go to one stream."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink, self._sending = sink, threading.Lock()
        self._jobs: queue.SimpleQueue[Start] = queue.SimpleQueue()
        self._orders: dict[int, Orders] = {}
        self._asked: dict[Any, Ask] = {}
        self._has_asked = threading.Condition()

    def start(self) -> None:
        """Begin to work."""
        threading.Thread(target=self._run_jobs, daemon=True, name="jobs").start()
        threading.Thread(target=self._answer, daemon=True, name="answers").start()

    def take(self, request: Start | Tell | Ask) -> None:
        """Take a request; never waits."""
        if isinstance(request, Start):
            self._orders[request.number] = Orders()
            self._jobs.put(request)
        elif isinstance(request, Tell):
            orders = self._orders.get(request.number)
            if orders is not None:  # else it has just ended
                orders.give(request.order)
        else:
            with self._has_asked:
                self._asked.pop(request.name, None)
                self._asked[request.name] = request
                self._has_asked.notify()

    def _reply(self, number: int, record: Progress | Failure | Ended | Answer) -> None:
        with self._sending:
            send(self._sink, Reply(number, record))

    # ---- Jobs

    def _run_jobs(self) -> None:
        while True:
            start = self._jobs.get()
            orders = self._orders[start.number]
            record: Failure | Ended
            try:
                record = Ended(self._run(start, orders))
            except Exception as error:  # noqa: BLE001 - told to the parent in full
                record = _failure(error)
            del self._orders[start.number]
            self._reply(start.number, record)

    def _run(self, start: Start, orders: Orders) -> bool:
        """Run a job to its end, and return whether it was not stopped."""
        options, listens = dict(start.options), takes_orders(start.job)
        if listens:
            options["orders"] = orders
        work: Iterator[Progress] = start.job(*start.arguments, **options)
        try:
            while listens or not orders.is_stopped:
                progress = next(work, None)
                if progress is None:
                    return not orders.is_stopped
                self._reply(start.number, progress)
                if not listens:  # it cannot pause by itself
                    orders.wait_for(lambda: orders.is_stopped or not orders.is_paused)
        finally:
            close = getattr(work, "close", None)
            if close is not None:
                close()
        return False

    # ---- Questions

    def _answer(self) -> None:
        while True:
            with self._has_asked:
                self._has_asked.wait_for(lambda: bool(self._asked))
                ask = self._asked.pop(next(iter(self._asked)))
            record: Failure | Answer
            try:
                record = Answer(ask.function(*ask.arguments))
            except Exception as error:  # noqa: BLE001 - told to the parent in full
                record = _failure(error)
            self._reply(ask.number, record)


def takes_orders(job: Job) -> bool:
    """Return True if a job has a parameter for orders."""
    return "orders" in inspect.signature(job).parameters


def _failure(error: Exception) -> Failure:
    is_expected = isinstance(error, HistoSSLError)
    if not is_expected:  # the parent keeps what is said here
        traceback.print_exception(error)
    return Failure(type(error).__name__, str(error), is_expected)
