"""Short reads in a thread: the newest counts, nothing is stuck, errors arrive."""

from __future__ import annotations

import threading

import pytest
from conftest_gui import PATIENCE_MS

from napari_histossl.errors import SlideReadError

pytestmark = pytest.mark.gui


@pytest.fixture
def reads(qapp):
    from napari_histossl.widgets._worker import BackgroundReads

    reads = BackgroundReads()
    reads.heard = []
    reads.answered.connect(lambda name, result: reads.heard.append((name, result)))
    return reads


def test_of_what_waits_under_one_name_only_the_newest_is_done(reads, qtbot):
    gate, begun, done = threading.Event(), threading.Event(), []

    def wait():
        begun.set()
        gate.wait(PATIENCE_MS / 1000)

    reads.ask("first", wait)
    assert begun.wait(PATIENCE_MS / 1000)
    for number in range(5):
        reads.ask("cursor", lambda number=number: done.append(number) or number)
    reads.ask("other", lambda: "kept")
    gate.set()
    qtbot.waitUntil(lambda: len(reads.heard) == 3, timeout=PATIENCE_MS)
    assert done == [4]
    assert reads.heard == [("first", None), ("cursor", 4), ("other", "kept")]


def test_it_works_in_another_thread_and_answers_in_this_one(reads, qtbot):
    answered_in = []
    reads.answered.connect(lambda *_: answered_in.append(threading.current_thread()))
    reads.ask("thread", threading.current_thread)
    qtbot.waitUntil(lambda: bool(answered_in), timeout=PATIENCE_MS)
    assert reads.heard[0][1] is not threading.main_thread()
    assert answered_in == [threading.main_thread()]


def test_an_error_of_ours_is_an_answer(reads, qtbot):
    def fail():
        raise SlideReadError("gone")

    reads.ask("bad", fail)
    reads.ask("good", lambda: 1)
    qtbot.waitUntil(lambda: len(reads.heard) == 2, timeout=PATIENCE_MS)
    assert isinstance(reads.heard[0][1], SlideReadError)
    assert reads.heard[1] == ("good", 1)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_does_not_stop_what_comes_after(reads, qtbot):
    begun = threading.Event()

    def defect():
        begun.set()
        raise ZeroDivisionError

    reads.ask("defect", defect)
    assert begun.wait(PATIENCE_MS / 1000)
    qtbot.waitUntil(lambda: not reads._reader.is_running, timeout=PATIENCE_MS)
    reads.ask("after", lambda: 2)
    qtbot.waitUntil(lambda: reads.heard == [("after", 2)], timeout=PATIENCE_MS)


def test_what_has_not_begun_can_be_taken_back(reads, qtbot):
    gate, begun = threading.Event(), threading.Event()

    def wait():
        begun.set()
        gate.wait(PATIENCE_MS / 1000)

    reads.ask("running", wait)
    assert begun.wait(PATIENCE_MS / 1000)
    reads.ask("waiting", lambda: 1)
    reads.drop()
    gate.set()
    qtbot.waitUntil(lambda: not reads._reader.is_running, timeout=PATIENCE_MS)
    qtbot.wait(50)
    assert [name for name, _result in reads.heard] == ["running"]
