"""Other threads have things done here; windows go away in the middle of it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest_gui import PATIENCE_MS

pytestmark = pytest.mark.gui


@pytest.fixture
def bell(qapp):
    from napari_histossl.widgets._bell import application_bell

    return application_bell()


def _in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_an_application_has_one(bell):
    from napari_histossl.widgets._bell import application_bell

    assert application_bell() is bell


def test_calls_come_in_their_order_and_in_this_thread(bell, qtbot):
    called = []
    _in_thread(
        lambda: [
            bell.ring(lambda n=n: called.append((n, threading.current_thread())))
            for n in range(50)
        ]
    )
    assert called == []
    qtbot.waitUntil(lambda: len(called) == 50, timeout=PATIENCE_MS)
    assert called == [(n, threading.main_thread()) for n in range(50)]


def test_what_is_called_may_wait_for_the_next(bell, qtbot):
    """A dialog that waits in a loop of its own gets what was rung before."""
    from qtpy.QtCore import QEventLoop

    loop, order = QEventLoop(), []

    def wait():
        order.append("waits")
        loop.exec()
        order.append("goes on")

    def ring():
        bell.ring(wait)
        bell.ring(lambda: (order.append("comes"), loop.quit()))

    _in_thread(ring)
    qtbot.waitUntil(lambda: len(order) == 3, timeout=PATIENCE_MS)
    assert order == ["waits", "comes", "goes on"]


def test_at_the_end_nothing_is_called(qapp, qtbot):
    from napari_histossl.widgets._bell import Bell

    bell, called = Bell(), []
    bell.silence()
    _in_thread(lambda: bell.ring(lambda: called.append(1)))
    qtbot.wait(20)
    assert called == []


_GONE = """
import sys, threading
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QWidget
from napari_histossl.widgets._worker import BackgroundReads

app, heard = QApplication([]), []

def delete(gone):
    gone.deleteLater()
    app.sendPostedEvents(gone, QEvent.Type.DeferredDelete)

for number in range(600):
    window = QWidget()
    reads, begun = BackgroundReads(window), threading.Event()
    for _ in range(40):  # telling so many takes a while
        reads.answered.connect(lambda name, _answer: heard.append(name))
    for name in range(200):
        reads.ask(name, begun.set)
    begun.wait()
    if number % 4 == 0:
        app.processEvents()
    if number % 3:
        delete(window)
reads = BackgroundReads()
reads.answered.connect(app.quit)
reads.ask("last", int)
app.exec()
for name in range(5000):  # and the program ends in the middle of it
    reads.ask(name, int)
print("heard" if heard else "not heard")
"""

_GONE_WORKER = """
import sys
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QWidget
from napari_histossl.widgets._worker import WorkerProcess
import jobs_for_tests as work

app, processes = QApplication([]), []
for _ in range(4):
    window = QWidget()
    worker = WorkerProcess(window)
    worker.progressed.connect(lambda _: app.quit())
    worker.start(work.chatter)
    app.exec()
    processes.append(worker._link.process)
    window.deleteLater()
    app.sendPostedEvents(window, QEvent.Type.DeferredDelete)
    while processes[-1].poll() is None:
        app.processEvents()
print("ended")
"""


@pytest.mark.parametrize(
    ("script", "said"), [(_GONE, "heard"), (_GONE_WORKER, "ended")]
)
def test_windows_that_go_away_in_the_middle_abort_nothing(script, said):
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", "-c", script],
        capture_output=True, text=True, check=False, timeout=280,
        env={
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parent),
            "MALLOC_PERTURB_": "165",  # what is freed is not read by good luck
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == said
    assert "Traceback" not in done.stderr
