"""Jobs that worker processes import: they must live in a module."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from napari_histossl.errors import NoTissueError
from napari_histossl.jobs import Orders, Progress, resumable


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


def who() -> Iterator[Progress]:
    yield Progress(os.getpid(), 0)


@resumable
def mortal(marks: Path, total: int) -> Iterator[Progress]:
    """Do one thing, die, and go on with the next one when started again."""
    done = int(marks.read_text()) if marks.exists() else 0
    yield Progress(done, total)
    if done == total:
        return
    marks.write_text(str(done + 1))
    yield Progress(done + 1, total)
    time.sleep(0.2)
    os._exit(7)


@resumable
def stuck() -> Iterator[Progress]:
    yield Progress(0, 3)
    os._exit(7)


def listen(said: Path, orders: Orders) -> Iterator[Progress]:
    """Say what it is told, until it is told to stop."""
    while not orders.is_stopped:
        heard = orders.count
        view = orders.take_view()
        words = "paused" if orders.is_paused else "going on"
        yield Progress(heard, 0, view, "" if view else words)
        orders.wait_for(lambda heard=heard: orders.count > heard)
    said.write_text("stopped")


def deaf(pid_file: Path) -> Iterator[Progress]:
    yield Progress(0, 0)
    pid_file.write_text(str(os.getpid()))
    time.sleep(600)


def chatter() -> Iterator[Progress]:
    done = 0
    while True:
        done += 1
        yield Progress(done, 0)
