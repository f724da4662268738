"""Jobs in a process of their own: progress arrives, failures too, nothing stays."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from napari_histossl.geometry import Box
from napari_histossl.jobs import (
    Answer,
    Ask,
    Ended,
    Failure,
    Order,
    Orders,
    Progress,
    Reply,
    Start,
    Stopwatch,
    Tell,
    receive,
    send,
)

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

def tick():
    done = 0
    while True:
        done += 1
        yield Progress(done, 0)
        time.sleep(0.01)

def obey(orders):
    yield Progress(0, 0, message="ready")
    orders.wait_for(lambda: orders.count > 0)
    yield Progress(0, 0, orders.take_view())

def double(number):
    return 2 * number + 0

def nap():
    time.sleep(0.5)
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


def test_jobs_run_one_after_another_in_one_process(work, worker) -> None:
    send(worker.stdin, Start(7, work.count, (3,), {"message": "tile"}))
    send(worker.stdin, Start(8, work.count, (1,)))
    replies = [receive(worker.stdout) for _ in range(6)]
    expected = [Progress(n, 3, Box(n - 1, 0, 1, 1), "tile") for n in (1, 2, 3)]
    assert replies == [
        *(Reply(7, progress) for progress in expected),
        Reply(7, Ended(complete=True)),
        Reply(8, Progress(1, 1, Box(0, 0, 1, 1))),
        Reply(8, Ended(complete=True)),
    ]
    worker.stdin.close()
    assert worker.wait(240) == 1
    assert b"Fatal" not in worker.stderr.read()


def test_errors_cross_and_the_process_stays(work, worker) -> None:
    send(worker.stdin, Start(1, work.fail))
    send(worker.stdin, Start(2, work.break_down))
    send(worker.stdin, Start(3, work.count, (1,)))
    replies = [receive(worker.stdout) for _ in range(6)]
    assert replies[1] == Reply(
        1, Failure("NoTissueError", "no tissue on a.svs", expected=True)
    )
    assert replies[3] == Reply(
        2, Failure("ZeroDivisionError", "a mistake of ours", expected=False)
    )
    assert replies[5] == Reply(3, Ended(complete=True))
    worker.stdin.close()
    worker.wait(240)
    said = worker.stderr.read()  # a mistake leaves its trace, an error of ours does not
    assert b"ZeroDivisionError" in said
    assert b"NoTissueError" not in said


def test_a_job_that_knows_no_orders_can_wait_and_be_stopped(work, worker) -> None:
    send(worker.stdin, Start(1, work.tick))
    receive(worker.stdout)
    send(worker.stdin, Tell(1, Order("pause")))
    send(worker.stdin, Ask(2, "q", work.double, (0,)))
    while not isinstance(receive(worker.stdout).record, Answer):
        pass
    send(worker.stdin, Ask(3, "q", work.double, (1,)))
    last = receive(worker.stdout)
    if last.number == 1:  # the one that was on its way
        last = receive(worker.stdout)
    assert last == Reply(3, Answer(2))
    send(worker.stdin, Tell(1, Order("resume")))
    assert receive(worker.stdout).number == 1
    send(worker.stdin, Tell(1, Order("stop")))
    while isinstance(end := receive(worker.stdout).record, Progress):
        pass
    assert end == Ended(complete=False)


def test_a_job_that_takes_orders_hears_them(work, worker) -> None:
    send(worker.stdin, Start(1, work.obey))
    assert receive(worker.stdout).record.message == "ready"
    send(worker.stdin, Tell(1, Order("look_at", Box(1, 2, 3, 4))))
    assert receive(worker.stdout).record.box == Box(1, 2, 3, 4)
    assert receive(worker.stdout).record == Ended(complete=True)


def test_questions_are_answered_while_a_job_runs(work, worker) -> None:
    send(worker.stdin, Start(1, work.go_on_for_ever))
    receive(worker.stdout)
    send(worker.stdin, Ask(2, "q", work.double, (21,)))
    assert receive(worker.stdout) == Reply(2, Answer(42))
    send(worker.stdin, Ask(3, "q", work.double, (None,)))
    failure = receive(worker.stdout).record
    assert (failure.kind, failure.expected) == ("TypeError", False)


def test_of_questions_of_one_name_the_newest_is_answered(work, worker) -> None:
    send(worker.stdin, Ask(1, "slow", work.nap, ()))
    send(worker.stdin, Ask(9, "slow", work.nap, ()))  # waits, or is the first
    for number in range(2, 6):
        send(worker.stdin, Ask(number, "q", work.double, (number,)))
    answers = {}
    while 5 not in answers:
        reply = receive(worker.stdout)
        answers[reply.number] = reply.record
    assert answers[5] == Answer(10)
    assert not {2, 3, 4} & set(answers)


def test_worker_dies_with_its_parent(work, worker) -> None:
    send(worker.stdin, Start(1, work.go_on_for_ever))
    receive(worker.stdout)
    worker.stdin.close()
    assert worker.wait(240) == 1


def test_worker_that_gets_no_job_ends(worker) -> None:
    worker.stdin.close()
    assert worker.wait(240) != 0


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
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
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


# ---- Orders


def test_orders_from_another_thread() -> None:
    orders = Orders()
    orders.look_at(Box(0, 0, 1, 1))
    orders.look_at(Box(5, 5, 1, 1))
    assert orders.take_view() == Box(5, 5, 1, 1)
    assert orders.take_view() is None
    orders.pause()
    assert orders.is_paused
    threading.Timer(0.05, orders.resume).start()
    orders.wait_for(lambda: not orders.is_paused)
    threading.Timer(0.05, orders.stop).start()
    orders.wait_for(lambda: orders.is_stopped)
    assert orders.count == 5
