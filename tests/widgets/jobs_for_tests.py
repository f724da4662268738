"""Jobs that worker processes import: they must live in a module."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from napari_histossl.errors import NoTissueError
from napari_histossl.jobs import Progress


def count(total: int) -> Iterator[Progress]:
    for done in range(1, total + 1):
        print("a stray print must not break the pipe")
        yield Progress(done, total)


def fail() -> Iterator[Progress]:
    yield Progress(1, 3)
    raise NoTissueError("no tissue on this slide; check it at low power")


def crash() -> Iterator[Progress]:
    yield Progress(1, 3)
    print("last words", file=sys.stderr, flush=True)
    os._exit(7)


def forever(pid_file: Path) -> Iterator[Progress]:
    pid_file.write_text(str(os.getpid()))
    done = 0
    while True:
        time.sleep(0.01)
        done += 1
        yield Progress(done, 0)


def without_torch() -> Iterator[Progress]:
    yield Progress(1, 1, message=str("torch" in sys.modules or "qtpy" in sys.modules))
