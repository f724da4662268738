"""Training, further questions, marks, zoom, breaks, ways back: by keys and mouse."""

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from conftest_gui import PATIENCE_MS
from study_packs import TRAINING, lock, make_pack

pytest.importorskip("pytestqt")
pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication, QLabel

from napari_histossl import study
from napari_histossl.widgets._study_controls import KeyButton
from napari_histossl.widgets._study_draft import Step
from napari_histossl.widgets.study_reader import ReaderWindow

pytestmark = pytest.mark.gui

SCREENSHOTS = os.environ.get("HISTOSSL_SCREENSHOTS")
Key = Qt.Key


def _save_picture(widget, name):
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        QApplication.processEvents()
        assert widget.grab().save(str(Path(SCREENSHOTS) / f"{name}.png"))


class Clock:
    """A clock that the test turns by hand."""

    now_ms = 5000

    def __call__(self):
        return self.now_ms * 1_000_000


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pack")
    path = folder / "anna.histostudy.sqlite"
    return path, make_pack(lock(folder), path)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def window(qtbot, made, tmp_path, clock):
    path, code = made
    copy = shutil.copy(path, tmp_path / path.name)
    opened = ReaderWindow(study.Session.open(copy, "anna", code=code), clock)
    qtbot.addWidget(opened)
    with qtbot.waitExposed(opened):
        opened.show()
    yield opened
    opened.close()


def _start(qtbot, window):
    with qtbot.waitSignal(window.picture.painted, timeout=PATIENCE_MS):
        qtbot.keyClick(window, Key.Key_Return)


def _press(qtbot, window, *keys, modifier=Qt.KeyboardModifier.NoModifier):
    for key in keys:
        qtbot.keyClick(window, key, modifier)


def _drawn(qtbot, window):
    qtbot.waitUntil(lambda: window.picture.is_seen, timeout=PATIENCE_MS)


def _call_real(qtbot, window):
    """Answer real, maybe, tumour: three keys."""
    _drawn(qtbot, window)
    _press(qtbot, window, Key.Key_R, Key.Key_1, Key.Key_1)


def _train(qtbot, window):
    """Read the training block, up to the page after it."""
    _start(qtbot, window)
    for _ in range(TRAINING):
        _call_real(qtbot, window)
        _press(qtbot, window, Key.Key_Return)


def _click(qtbot, window, text):
    (button,) = (
        button
        for button in window.findChildren(KeyButton)
        if button.isVisible() and button.accessibleName() == text
    )
    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def _details(window):
    with closing(sqlite3.connect(window.session.path)) as connection:
        rows = connection.execute(
            "SELECT details FROM answers ORDER BY sequence"
        ).fetchall()
    return [json.loads(text) for (text,) in rows]


def _events(window):
    with closing(sqlite3.connect(window.session.path)) as connection:
        return [
            (event, json.loads(payload))
            for event, payload in connection.execute(
                "SELECT event, payload FROM record ORDER BY session, sequence"
            )
        ]


def _texts(window):
    return " ".join(
        label.text() for label in window.findChildren(QLabel) if label.isVisible()
    )


def test_training_tells_and_the_test_does_not(qtbot, window):
    _save_picture(window, "steps_welcome")
    assert "The first 2 pictures are for training" in window.message.text
    _start(qtbot, window)
    told = []
    for number in range(TRAINING):
        assert f"Training {number + 1} of 2" in _texts(window)
        _call_real(qtbot, window)
        assert len(_details(window)) == number + 1  # on the disk before it is told
        text = _texts(window)
        told.append("this picture is real" in text)
        assert ("Right" in text) == told[-1] != ("Not so" in text)
        assert "You said maybe real" in text
        _save_picture(window, f"steps_feedback_{number}")
        _press(qtbot, window, Key.Key_S, Key.Key_2)  # nothing more is asked
        assert len(_details(window)) == number + 1
        _press(qtbot, window, Key.Key_Return)
    assert sorted(told) == [False, True]
    assert window.message.title == "Now the test"
    _save_picture(window, "steps_test_begins")
    _start(qtbot, window)
    assert "1 of 8" in _texts(window)
    _call_real(qtbot, window)
    _drawn(qtbot, window)
    assert "2 of 8" in _texts(window)
    assert "this picture is" not in _texts(window)


def test_everything_is_asked_by_keys(qtbot, window):
    _start(qtbot, window)
    _press(qtbot, window, Key.Key_S)
    _save_picture(window, "steps_chosen")
    _press(qtbot, window, Key.Key_3)
    assert window.answering.draft.step is Step.THIRD
    _save_picture(window, "steps_third")
    _press(qtbot, window, Key.Key_9, Key.Key_2)
    _press(qtbot, window, Key.Key_3, Key.Key_1, Key.Key_1)
    _save_picture(window, "steps_reasons")
    _press(qtbot, window, Key.Key_Return, Key.Key_Return)
    assert window.answering.draft.step is Step.MARK  # Enter does nothing without a mark
    _press(qtbot, window, Key.Key_Up, Key.Key_Left, Key.Key_Left)
    _save_picture(window, "steps_mark")
    assert _details(window) == []
    _press(qtbot, window, Key.Key_Return)
    (details,) = _details(window)
    assert details["category"] == "stroma"
    assert details["reasons"] == ["nuclei"]
    assert details["mark"] == [48, 48 - 2 * 6, 0, 0]
    assert details["viewport"]["zooms"] == 0


def test_everything_is_asked_by_mouse(qtbot, window):
    with qtbot.waitSignal(window.picture.painted, timeout=PATIENCE_MS):
        _click(qtbot, window, "Start")
    for text in ("Synthetic", "Probably", "other", "blur", "grid", "Go on"):
        _click(qtbot, window, text)
    area = window.picture.picture_rectangle()
    first, last = (
        area.topLeft() + QPointF(row, row) * area.width() for row in (0.25, 0.5)
    )
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(window.picture, left, pos=first.toPoint())
    qtbot.mouseMove(window.picture, last.toPoint())
    qtbot.mouseRelease(window.picture, left, pos=last.toPoint())
    _save_picture(window, "steps_mark_box")
    _click(qtbot, window, "Save")
    (details,) = _details(window)
    assert details["reasons"] == ["blur", "grid"]
    assert details["mark"] == [24, 24, 24, 24]
    _click(qtbot, window, "Next picture")
    _drawn(qtbot, window)


def test_escape_goes_back_by_one_question(qtbot, window):
    _start(qtbot, window)
    _press(qtbot, window, Key.Key_S, Key.Key_1, Key.Key_1, Key.Key_2)
    steps = []
    for _ in range(3):
        steps.append(window.answering.draft.step)
        _press(qtbot, window, Key.Key_Escape)
    assert steps == [Step.REASONS, Step.THIRD, Step.SURE]
    assert window.answering.draft.step is Step.CLASS
    _press(qtbot, window, Key.Key_R, Key.Key_3, Key.Key_3)  # no reasons for real ones
    (details,) = _details(window)
    assert details["category"] == "other"
    assert "reasons" not in details


def test_zoom_and_pan_are_on_record(qtbot, window, clock):
    window.resize(900, 750)
    _start(qtbot, window)
    view = window.picture
    fit = view.zoom()
    clock.now_ms += 1000
    _press(qtbot, window, *(3 * [Key.Key_Plus]))
    assert view.zoom() > fit
    clock.now_ms += 500
    _press(qtbot, window, Key.Key_Left, modifier=Qt.KeyboardModifier.ShiftModifier)
    clock.now_ms += 500
    for notch in (-120, 120):
        _wheel(view, QPointF(view.rect().center()), notch)
    left, middle = Qt.MouseButton.LeftButton, view.rect().center()
    qtbot.mousePress(view, left, pos=middle)
    before = view.picture_rectangle().topLeft()
    for step in range(1, 4):
        qtbot.mouseMove(view, middle + QPoint(-20 * step, -10 * step))
    qtbot.mouseRelease(view, left, pos=middle + QPoint(-60, -30))
    moved = view.picture_rectangle().topLeft() - before
    assert (moved.x(), moved.y()) == (-60, -30)
    largest = view.zoom()
    _save_picture(window, "steps_zoomed")
    clock.now_ms += 2000
    qtbot.mouseDClick(view, left, pos=middle)
    assert view.zoom() == fit
    _call_real(qtbot, window)
    (details,) = _details(window)
    viewport = details["viewport"]
    assert (viewport["zooms"], viewport["pans"]) == (6, 2)
    assert (viewport["first_scale"], viewport["largest_scale"]) == (fit, largest)
    assert viewport["views"][0] == [0, 0, 96, 96, 1000]
    assert sum(view[-1] for view in viewport["views"]) == details["total_ms"] == 4000
    assert details["first_input_ms"] == 1000
    _press(qtbot, window, Key.Key_Return)
    _drawn(qtbot, window)
    assert view.zoom() == fit  # the next picture is shown whole again


def _wheel(view, place, notch):
    event = QWheelEvent(
        place,
        QPointF(view.mapToGlobal(place.toPoint())),
        QPoint(),
        QPoint(0, notch),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def test_idling_is_on_record_and_pauses_in_the_end(qtbot, window, clock):
    _start(qtbot, window)
    clock.now_ms += 29_000
    _press(qtbot, window, Key.Key_S)
    clock.now_ms += 45_000
    window.pauses.pause_if_idle()
    assert window.is_reading
    _press(qtbot, window, Key.Key_R, Key.Key_1, Key.Key_1)
    (details,) = _details(window)
    assert (details["idle_ms"], details["total_ms"]) == (45_000, 74_000)
    _press(qtbot, window, Key.Key_Return)
    _drawn(qtbot, window)
    clock.now_ms += 301_000
    window.pauses.pause_if_idle()
    assert window.message.title == "Pause"
    assert "Nobody did anything for 5 minutes" in window.message.text
    _press(qtbot, window, Key.Key_Return)
    _drawn(qtbot, window)
    assert _events(window)[-2:] == [("pause", {"by_itself": True}), ("resumed", {})]


def test_break_is_proposed(qtbot, window):
    _train(qtbot, window)
    _start(qtbot, window)
    for _ in range(3):
        _call_real(qtbot, window)
    assert window.message.title == "Time for a break"
    _save_picture(window, "steps_break")
    assert ("break", {"after": 3}) in _events(window)
    _start(qtbot, window)
    assert "4 of 8" in _texts(window)


def test_way_back_where_the_design_allows_it(qtbot, window):
    _train(qtbot, window)
    _start(qtbot, window)
    _press(qtbot, window, Key.Key_B)
    assert "1 of 8" in _texts(window)  # no way back into the training
    first = window.answering.case
    for _ in range(2):
        _call_real(qtbot, window)
    _drawn(qtbot, window)
    _press(qtbot, window, Key.Key_B)
    _drawn(qtbot, window)
    assert "Again: 2 of 8" in _texts(window)
    _click(qtbot, window, "Back")
    _drawn(qtbot, window)
    assert window.answering.case == first
    _save_picture(window, "steps_again")
    _press(qtbot, window, Key.Key_S, Key.Key_3)
    _drawn(qtbot, window)
    assert "3 of 8" in _texts(window)
    (correction,) = (row for event, row in _events(window) if event == "correction")
    assert correction["case_id"] == first.case_id
    assert (correction["synthetic"], correction["confidence"]) == (1, 3)
    _press(qtbot, window, Key.Key_B)
    _drawn(qtbot, window)
    _press(qtbot, window, Key.Key_F)
    _drawn(qtbot, window)
    assert "3 of 8" in _texts(window)
    assert len(_details(window)) == TRAINING + 2
