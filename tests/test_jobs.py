"""Jobs in a process of their own: progress arrives, failures too, nothing stays."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from napari_histossl import jobs
from napari_histossl.geometry import Box
from napari_histossl.jobs import Failure, Progress, Stopwatch, receive, send

JOBS = """
import time
from napari_histossl.errors import NoTissueError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress

def count(total, message=""):
    for done in range(total):
        print("a stray line that must not reach the records")
        yield Progress(done + 1, total, Box(done, 0, 1, 1), message)

def fail():
    yield Progress(1, 2)
    raise NoTissueError("no tissue on a.svs")

def break_down():
    yield Progress(1, 2)
    raise ZeroDivisionError("a mistake of ours")

def go_on_for_ever():
    yield Progress(1, 0)
    time.sleep(600)
"""


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return a module of jobs that a worker can import too."""
    (tmp_path / "jobs_of_test.py").write_text(JOBS)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    import jobs_of_test

    yield jobs_of_test
    del sys.modules["jobs_of_test"]


@pytest.fixture
def worker():
    """Return a process that waits for a job; it is gone at the end of the test."""
    process = subprocess.Popen(
        [sys.executable, "-c", "from napari_histossl.jobs import serve; serve()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        yield process
        process.kill()


def test_progress_arrives_in_order_and_the_process_ends(work, worker) -> None:
    send(worker.stdin, (work.count, (3,), {"message": "tile"}))
    records = [receive(worker.stdout) for _ in range(4)]
    expected = [Progress(n, 3, Box(n - 1, 0, 1, 1), "tile") for n in (1, 2, 3)]
    assert records == [*expected, None]
    assert worker.wait(30) == 0
    assert b"Fatal" not in worker.stderr.read()


def test_expected_error_crosses_as_its_sentence(work, worker) -> None:
    send(worker.stdin, (work.fail, (), {}))
    assert receive(worker.stdout) == Progress(1, 2)
    assert receive(worker.stdout) == Failure(
        "NoTissueError", "no tissue on a.svs", expected=True
    )
    assert worker.wait(30) == 0


def test_mistake_crosses_and_leaves_its_trace(work, worker) -> None:
    send(worker.stdin, (work.break_down, (), {}))
    receive(worker.stdout)
    failure = receive(worker.stdout)
    assert failure == Failure("ZeroDivisionError", "a mistake of ours", expected=False)
    assert worker.wait(30) != 0
    assert b"Traceback" in worker.stderr.read()


def test_worker_dies_with_its_parent(work, worker) -> None:
    send(worker.stdin, (work.go_on_for_ever, (), {}))
    receive(worker.stdout)
    worker.stdin.close()
    assert worker.wait(30) == 1


def test_worker_that_gets_no_job_ends(worker) -> None:
    worker.stdin.close()
    assert worker.wait(30) != 0


def test_cut_record_is_an_end_of_file() -> None:
    stream = io.BytesIO()
    send(stream, Progress(1, 2))
    with pytest.raises(EOFError):
        receive(io.BytesIO(stream.getvalue()[:3]))


# ---- Time left ----


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return a clock that stands still; its one number is the time."""
    now = [0.0]
    monkeypatch.setattr(jobs.time, "monotonic", lambda: now[0])
    return now


def test_time_left_counts_this_run_only(clock: list[float]) -> None:
    watch = Stopwatch()
    clock[0] = 100.0  # looking for what is done already took long
    assert watch.time_left_s(Progress(90, 110)) is None
    clock[0] = 102.0
    assert watch.time_left_s(Progress(91, 110)) == pytest.approx(38.0)
    clock[0] = 104.0
    assert watch.time_left_s(Progress(110, 110)) == 0.0


def test_time_left_is_unknown_without_a_total(clock: list[float]) -> None:
    watch = Stopwatch()
    watch.time_left_s(Progress(0, 0))
    clock[0] = 5.0
    assert watch.time_left_s(Progress(3, 0)) is None
