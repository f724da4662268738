"""Real worker processes under a Qt event loop."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.gui

sys.path.insert(0, str(Path(__file__).parent))
import jobs_for_tests as work  # noqa: E402
from conftest_gui import PATIENCE_MS  # noqa: E402

from napari_histossl.geometry import Box  # noqa: E402
from napari_histossl.widgets._worker import WorkerFailure, WorkerProcess  # noqa: E402


@pytest.fixture
def worker(qtbot, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    made = WorkerProcess()
    yield made
    made.close()


def test_progress_arrives_in_order_and_the_job_ends_complete(worker, qtbot):
    seen = []
    worker.progressed.connect(seen.append)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS) as end:
        worker.start(work.count, 5)
    assert [progress.done for progress in seen] == [1, 2, 3, 4, 5]
    assert end.args == [True]
    assert not worker.is_running


def test_an_error_of_ours_arrives_as_its_sentence(worker, qtbot):
    errors = []
    worker.failed.connect(errors.append)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS) as end:
        worker.start(work.fail)
    assert end.args == [False]
    assert str(errors[0]) == "no tissue on this slide; check it at low power"


def test_a_worker_that_dies_is_told_with_its_last_words(worker, qtbot):
    errors = []
    worker.failed.connect(errors.append)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS):
        worker.start(work.crash)
    assert "code 7" in str(errors[0])
    assert "last words" in str(errors[0])
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS) as end:
        worker.start(work.count, 1)  # in a new process
    assert end.args == [True]


def test_the_process_stays_for_the_next_job(worker, qtbot):
    seen = []
    worker.progressed.connect(seen.append)
    for _ in range(2):
        with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS):
            worker.start(work.who)
    assert seen[0].done == seen[1].done
    process = worker._link.process
    worker.close()
    assert process.poll() is not None


def test_a_resumable_job_goes_on_in_a_new_process(worker, qtbot, tmp_path):
    seen = []
    worker.progressed.connect(seen.append)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS) as end:
        worker.start(work.mortal, tmp_path / "done", 5)
    assert end.args == [True]
    assert sorted({p.done for p in seen}) == [0, 1, 2, 3, 4, 5]


def test_a_resumable_job_that_gets_nowhere_ends(worker, qtbot):
    errors = []
    worker.failed.connect(errors.append)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS) as end:
        worker.start(work.stuck)
    assert end.args == [False]
    assert "code 7" in str(errors[0])
    assert len(errors) == 1


def test_a_job_that_listens_ends_by_itself(worker, qtbot, tmp_path):
    with qtbot.waitSignal(worker.progressed, timeout=PATIENCE_MS):
        worker.start(work.listen, tmp_path / "said")
    worker._impatience.setInterval(PATIENCE_MS)
    with pytest.raises(WorkerFailure, match="already going on"):
        worker.start(work.count, 1)
    process = worker._link.process
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS) as end:
        worker.stop()
    assert end.args == [False]
    qtbot.waitUntil(lambda: (tmp_path / "said").exists(), timeout=PATIENCE_MS)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS) as end:
        worker.start(work.count, 2)
    assert end.args == [True]
    assert worker._link.process is process  # and is warm


def test_a_job_that_does_not_listen_is_killed_and_the_next_one_runs(
    worker, qtbot, tmp_path
):
    pid_file = tmp_path / "pid"
    with qtbot.waitSignal(worker.progressed, timeout=PATIENCE_MS):
        worker.start(work.deaf, pid_file)
    qtbot.waitUntil(pid_file.exists, timeout=PATIENCE_MS)  # it is deaf now
    worker.stop()
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS) as end:
        worker.start(work.count, 2)
    assert end.args == [True]
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_questions_are_answered_beside_a_job(worker, qtbot, tmp_path):
    with qtbot.waitSignal(worker.progressed, timeout=PATIENCE_MS):
        worker.start(work.listen, tmp_path / "said")
    with qtbot.waitSignal(worker.answered, timeout=PATIENCE_MS) as answer:
        worker.ask("point", pow, 2, 10)
    assert answer.args == ["point", 1024]
    with qtbot.waitSignal(worker.answered, timeout=PATIENCE_MS) as answer:
        worker.ask("point", pow, "a", "b")
    assert isinstance(answer.args[1], WorkerFailure)


def test_a_question_is_answered_when_a_job_that_does_not_listen_is_killed(
    worker, qtbot, tmp_path
):
    pid_file = tmp_path / "pid"
    with qtbot.waitSignal(worker.progressed, timeout=PATIENCE_MS):
        worker.start(work.deaf, pid_file)
    qtbot.waitUntil(pid_file.exists, timeout=PATIENCE_MS)
    worker.stop()
    with qtbot.waitSignal(worker.answered, timeout=PATIENCE_MS) as answer:
        worker.ask("slow", time.sleep, 600)
    assert answer.args[0] == "slow"
    assert isinstance(answer.args[1], WorkerFailure)


def test_a_question_to_a_process_that_dies_is_answered(worker, qtbot):
    worker.warm_up()
    with qtbot.waitSignal(worker.answered, timeout=PATIENCE_MS) as answer:
        worker.ask("point", os._exit, 3)
    assert "code 3" in str(answer.args[1])


def test_a_worker_that_is_closed_answers_everybody(worker, qtbot):
    answers = []
    worker.answered.connect(lambda name, answer: answers.append((name, answer)))
    worker.ask("one", time.sleep, 600)
    worker.ask("other", pow, 2, 10)
    worker.close()
    assert [name for name, _ in answers] == ["one", "other"]
    assert all("closed before" in str(answer) for _, answer in answers)
    with qtbot.waitSignal(worker.answered, timeout=PATIENCE_MS) as answer:
        worker.ask("other", pow, 2, 10)  # a new process
    assert answer.args == ["other", 1024]


def test_a_view_a_pause_and_going_on(worker, qtbot, tmp_path):
    seen = []
    worker.progressed.connect(seen.append)
    with qtbot.waitSignal(worker.progressed, timeout=PATIENCE_MS):
        worker.start(work.listen, tmp_path / "said")
    worker.look_at(Box(1, 2, 3, 4))
    qtbot.waitUntil(lambda: seen[-1].box == Box(1, 2, 3, 4), timeout=PATIENCE_MS)
    worker.pause()
    qtbot.waitUntil(lambda: seen[-1].message == "paused", timeout=PATIENCE_MS)
    worker.resume()
    qtbot.waitUntil(lambda: seen[-1].message == "going on", timeout=PATIENCE_MS)


def test_a_worker_starts_without_torch_and_without_qt(worker, qtbot):
    seen = []
    worker.progressed.connect(seen.append)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS):
        worker.start(work.without_torch)
    assert seen[0].message == "False"
