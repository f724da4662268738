"""Real worker processes under a Qt event loop."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.gui

sys.path.insert(0, str(Path(__file__).parent))
import jobs_for_tests as work  # noqa: E402

from napari_histossl.widgets._worker import WorkerFailure, WorkerProcess  # noqa: E402


@pytest.fixture
def worker(qtbot, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    made = WorkerProcess()
    yield made
    made.stop()


def test_progress_arrives_in_order_and_the_job_ends_complete(worker, qtbot):
    seen = []
    worker.progressed.connect(seen.append)
    with qtbot.waitSignal(worker.finished, timeout=30_000) as end:
        worker.start(work.count, 5)
    assert [progress.done for progress in seen] == [1, 2, 3, 4, 5]
    assert end.args == [True]
    assert not worker.is_running


def test_an_error_of_ours_arrives_as_its_sentence(worker, qtbot):
    errors = []
    worker.failed.connect(errors.append)
    with qtbot.waitSignal(worker.finished, timeout=30_000) as end:
        worker.start(work.fail)
    assert end.args == [False]
    assert str(errors[0]) == "no tissue on this slide; check it at low power"


def test_a_worker_that_dies_is_told_with_its_last_words(worker, qtbot):
    errors = []
    worker.failed.connect(errors.append)
    with qtbot.waitSignal(worker.finished, timeout=30_000):
        worker.start(work.crash)
    assert "code 7" in str(errors[0])
    assert "last words" in str(errors[0])


def test_stopping_ends_the_process(worker, qtbot, tmp_path):
    pid_file = tmp_path / "pid"
    with qtbot.waitSignal(worker.progressed, timeout=30_000):
        worker.start(work.forever, pid_file)
    with pytest.raises(WorkerFailure, match="already going on"):
        worker.start(work.count, 1)
    with qtbot.waitSignal(worker.finished, timeout=30_000) as end:
        worker.stop()
    assert end.args == [False]
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid_file.read_text()), 0)


def test_a_worker_starts_without_torch_and_without_qt(worker, qtbot):
    seen = []
    worker.progressed.connect(seen.append)
    with qtbot.waitSignal(worker.finished, timeout=30_000):
        worker.start(work.without_torch)
    assert seen[0].message == "False"
