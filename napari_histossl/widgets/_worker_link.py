"""One worker process and the pipe to it; started by `_worker` only."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any, cast

from napari_histossl.jobs import Ask, Reply, Start, Tell, pack, receive

_CHILD = "from napari_histossl.jobs import serve; serve()"

_PATIENCE_S = 5.0
"""For threads to end whose process is gone: they have a last sentence to pass on."""

_THREADS = "OMP_NUM_THREADS"
"""Read by torch when it is imported."""


class WorkerLink:
    """A process that serves, and threads that listen and speak to it.

    Parameters
    ----------
    received : callable
        Called in that thread with (link, reply), and at last with (link, sentence):
        the last words of a process that has ended.
    """

    def __init__(self, received: Callable[[tuple[WorkerLink, Any]], None]) -> None:
        self._received = received
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the thread
        threads = str(max((os.cpu_count() or 2) - 1, 1))  # one core is the window's
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", _CHILD],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={_THREADS: threads, **os.environ},
        )
        self._outbox: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=work, daemon=True, name="worker pipe")
            for work in (self._listen, self._speak)
        ]
        for thread in self._threads:
            thread.start()

    def send(self, request: Start | Tell | Ask) -> None:
        """Pass a request on; one to a dead process is lost, as its last words tell."""
        self._outbox.put(pack(request))

    def kill(self) -> None:
        """End the process and wait for it, and whoever listens to it, to be gone."""
        self.process.kill()
        self.process.wait()
        self._outbox.put(None)
        for thread in self._threads:
            thread.join(_PATIENCE_S)
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # what could not be written is lost with it
                cast(IO[bytes], pipe).close()

    def _speak(self) -> None:
        """Write requests: a process that is still starting takes no large ones."""
        assert self.process.stdin is not None
        while (packed := self._outbox.get()) is not None:
            try:
                self.process.stdin.write(packed)
                self.process.stdin.flush()
            except (OSError, ValueError):
                return

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self._log:
            try:
                while True:
                    reply: Reply = receive(self.process.stdout)  # type: ignore[arg-type]
                    self._received((self, reply))
            except EOFError:
                pass
            sentence = self._last_words()
        self._received((self, sentence))

    def _last_words(self) -> str:
        code = self.process.wait()
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").strip().splitlines()
        return (
            f"the worker process ended early with code {code}: "
            f"{lines[-1] if lines else 'it said nothing'}; start the run again, what "
            f"is finished is kept"
        )
