"""A reader reads with real key and mouse events."""

import io
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS
from PIL import Image

pytest.importorskip("pytestqt")
pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import QEvent, Qt
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import QApplication, QLabel, QWidget

from napari_histossl import study
from napari_histossl.widgets._study_controls import KeyButton
from napari_histossl.widgets.study_reader import ReaderWindow, open_reader

pytestmark = pytest.mark.gui

SCREENSHOTS = os.environ.get("HISTOSSL_SCREENSHOTS")
"""Folder into which the windows are saved to be looked at; unset in a plain run."""


def _save_picture(widget, name):
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        QApplication.processEvents()
        assert widget.grab().save(str(Path(SCREENSHOTS) / f"{name}.png"))


def _draw(folder, count, seed, size_px=224):
    folder.mkdir()
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:size_px, :size_px]
    for number in range(count):
        pixels = np.full((size_px, size_px, 3), (222, 170, 198), np.float64)
        for y, x in rng.uniform(0, size_px, (60, 2)):
            distance = np.hypot(rows - y, (columns - x) * rng.uniform(0.6, 1.4))
            pixels[distance < 7] = (96, 62, 140)
        pixels += rng.normal(0, 6, pixels.shape)
        picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        picture.save(folder / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    return _draw(folder / "secret-real", 4, 1), _draw(folder / "secret-made", 4, 2)


@pytest.fixture
def files(tmp_path, folders):
    return study.create_study(
        tmp_path / "colon", *folders, readers=("anna",), title="Colon, 20 times", seed=5
    )


@pytest.fixture
def window(qtbot, files):
    made = _open(qtbot, files)
    yield made
    made.close()


def _open(qtbot, files, wait_s=5.0, **options):
    session = study.Session.open(files.study, "anna", wait_s=wait_s)
    window = ReaderWindow(session, **options)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    return window


def _start(qtbot, window):
    with qtbot.waitSignal(window.picture.painted, timeout=PATIENCE_MS):
        qtbot.keyClick(window, Qt.Key.Key_Return)


def _press(qtbot, window, *keys):
    for key in keys:
        qtbot.keyClick(window, key)


def _answer(qtbot, window, choice, confidence):
    """Answer by keys; wait for the next picture where there is one."""
    last = window.session.answered == window.session.total - 1
    qtbot.keyClick(window, choice)
    if last:
        qtbot.keyClick(window, confidence)
    else:
        with qtbot.waitSignal(window.picture.painted, timeout=PATIENCE_MS):
            qtbot.keyClick(window, confidence)


def _rows(files):
    with closing(sqlite3.connect(files.study)) as connection:
        return connection.execute(
            "SELECT synthetic, confidence, rt_ms FROM answers ORDER BY sequence"
        ).fetchall()


def _texts(window):
    return " ".join(
        label.text() for label in window.findChildren(QLabel) if label.isVisible()
    )


def test_reads_to_the_end_by_keys(qtbot, window, files):
    _save_picture(window, "reader_first_page")
    _start(qtbot, window)
    _save_picture(window, "reader_picture")
    keys = [Qt.Key.Key_R, Qt.Key.Key_S, Qt.Key.Key_Left, Qt.Key.Key_Right] * 2
    sure = [Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_1] * 2
    for number, (choice, confidence) in enumerate(zip(keys, sure, strict=True)):
        assert f"{number + 1} of 8" in _texts(window)
        _answer(qtbot, window, choice, confidence)
        assert len(_rows(files)) == number + 1
    assert [row[:2] for row in _rows(files)] == [(0, 1), (1, 2), (0, 3), (1, 1)] * 2
    assert not window.is_reading
    assert window.message.title == "All 8 pictures read"
    assert "Thank you" in window.message.text
    _save_picture(window, "reader_finish")
    with qtbot.waitSignal(window.closed, timeout=PATIENCE_MS):
        qtbot.keyClick(window, Qt.Key.Key_Return)


def test_choice_can_be_taken_back_before_it_is_saved(qtbot, window, files):
    _start(qtbot, window)
    for clear in (Qt.Key.Key_Escape, Qt.Key.Key_Backspace):
        _press(qtbot, window, Qt.Key.Key_R, clear, Qt.Key.Key_2)
        assert _rows(files) == []
    _press(qtbot, window, Qt.Key.Key_R)
    _save_picture(window, "reader_choice_made")
    _press(qtbot, window, Qt.Key.Key_S)
    _answer(qtbot, window, Qt.Key.Key_S, Qt.Key.Key_3)
    assert [row[:2] for row in _rows(files)] == [(1, 3)]
    assert "1 saved" in _texts(window)
    _save_picture(window, "reader_saved")


def test_reads_by_mouse_alone(qtbot, window, files):
    def click(text):
        (button,) = (
            button
            for button in window.findChildren(KeyButton)
            if button.isVisible() and button.accessibleName().startswith(text)
        )
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)

    with qtbot.waitSignal(window.picture.painted, timeout=PATIENCE_MS):
        click("Start")
    click("Probably")
    assert _rows(files) == []
    click("Synthetic")
    click("Probably")
    click("Pause")
    assert window.message.title == "Pause"
    click("Go on")
    assert [row[:2] for row in _rows(files)] == [(1, 2)]
    _press(qtbot, window, Qt.Key.Key_P)
    assert window.message.title == "Pause"  # keys work after clicks


def test_goes_on_where_it_was(qtbot, files):
    first = _open(qtbot, files)
    _start(qtbot, first)
    for _ in range(3):
        _answer(qtbot, first, Qt.Key.Key_R, Qt.Key.Key_2)
    _press(qtbot, first, Qt.Key.Key_S)  # chosen, not saved
    first.close()
    second = _open(qtbot, files)
    assert "3 of 8 are read" in second.message.text
    _save_picture(second, "reader_welcome_back")
    _start(qtbot, second)
    assert "4 of 8" in _texts(second)
    _press(qtbot, second, Qt.Key.Key_2)
    assert len(_rows(files)) == 3
    second.close()


def test_a_study_that_is_read_opens_at_its_last_page(qtbot, files):
    with study.Session.open(files.study, "anna") as session:
        while (case := session.next()) is not None:
            session.answer(case.case_id, True, 1, 10)
    window = _open(qtbot, files)
    assert window.message.title == "All 8 pictures read"
    window.close()


# ---- blinding


def test_window_tells_nothing_but_the_picture(qtbot, window, folders):
    _start(qtbot, window)
    shown = " ".join(
        f"{widget.windowTitle()} {widget.toolTip()} {widget.statusTip()} "
        f"{widget.accessibleName()} {widget.whatsThis()} {widget.objectName()}"
        for widget in (window, *window.findChildren(QWidget))
    ) + _texts(window)
    for word in ("secret", ".png", ".sqlite", "anna", window.session.path.stem):
        assert word not in shown
    assert not re.search("[0-9a-f]{16}", shown)


def test_two_pictures_differ_in_nothing_but_the_picture(qtbot, window):
    _start(qtbot, window)
    inside = window.picture.picture_rectangle().toRect()
    top_left = window.picture.mapTo(window, inside.topLeft())
    grabs = []
    for _ in range(2):
        image = window.grab().toImage()
        grabs.append(
            [
                image.pixelColor(x, top_left.y() + 300).getRgb()
                for x in range(top_left.x() - 60, top_left.x())
            ]
        )
        _answer(qtbot, window, Qt.Key.Key_R, Qt.Key.Key_2)
    assert grabs[0] == grabs[1]
    assert set(grabs[0]) == {(128, 128, 128, 255)}


# ---- the picture


def test_picture_is_drawn_pixel_by_pixel_at_a_whole_zoom(qtbot, window):
    _start(qtbot, window)
    case = window.session.next()
    expected = np.asarray(Image.open(io.BytesIO(case.png)))
    zoom = int(window.picture.zoom())
    assert zoom >= 2
    area = window.picture.picture_rectangle().toRect()
    image = window.picture.grab(area).toImage()
    ratio = round(window.devicePixelRatioF())
    drawn = np.array(
        [
            [
                image.pixelColor(x, y).getRgb()[:3]
                for x in range(0, 224 * zoom, zoom * 9)
            ]
            for y in range(0, 224 * zoom, zoom * 9)
        ]
    )
    assert ratio == 1
    np.testing.assert_array_equal(drawn, expected[::9, ::9])


@pytest.mark.parametrize("size_px", [900, 1800])
def test_large_pictures_are_shown_whole(qtbot, tmp_path, size_px):
    rng = np.random.default_rng(1)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(2):
            pixels = np.full((size_px, size_px, 3), rng.integers(0, 256, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / f"{number}.png")
    made = study.create_study(
        tmp_path / "s", tmp_path / "a", tmp_path / "b", readers=("anna",)
    )
    window = _open(qtbot, made)
    _start(qtbot, window)
    assert 1 / window.picture.zoom() == round(1 / window.picture.zoom())
    assert window.picture.rect().contains(window.picture.picture_rectangle().toRect())
    window.close()


# ---- time


class _Clock:
    """A clock that the test turns by hand."""

    now_ms = 5000

    def __call__(self):
        return self.now_ms * 1_000_000


def test_time_counts_from_the_first_paint_and_stands_still_in_a_pause(qtbot, files):
    clock = _Clock()
    window = _open(qtbot, files, clock=clock)
    clock.now_ms += 9000  # on the first page nothing is seen yet
    _start(qtbot, window)
    assert window.picture.seen_ms == 0
    clock.now_ms += 700
    assert window.picture.seen_ms == 700
    _press(qtbot, window, Qt.Key.Key_P)
    _save_picture(window, "reader_pause")
    clock.now_ms += 60_000
    assert window.picture.seen_ms == 700
    _press(qtbot, window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.picture.is_seen, timeout=PATIENCE_MS)
    clock.now_ms += 300
    _answer(qtbot, window, Qt.Key.Key_R, Qt.Key.Key_2)
    assert window.picture.seen_ms == 0
    clock.now_ms += 40
    _answer(qtbot, window, Qt.Key.Key_R, Qt.Key.Key_2)
    assert [row[2] for row in _rows(files)] == [1000, 40]
    window.close()


def test_held_keys_and_shortcuts_do_not_answer(qtbot, window, files):
    _start(qtbot, window)
    _press(qtbot, window, Qt.Key.Key_R)
    for _ in range(5):
        held = QKeyEvent(
            QEvent.Type.KeyPress,
            Qt.Key.Key_1,
            Qt.KeyboardModifier.NoModifier,
            "1",
            True,
        )
        QApplication.sendEvent(window, held)
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.ControlModifier)
    assert _rows(files) == []
    qtbot.keyClick(window, Qt.Key.Key_1, Qt.KeyboardModifier.KeypadModifier)
    assert len(_rows(files)) == 1


def test_a_picture_that_is_not_drawn_yet_cannot_be_answered(qtbot, window, files):
    _start(qtbot, window)
    for _ in range(2):  # the second time the picture waits for its first frame
        window.answering.do(("choose", True))
        window.answering.do(("number", 2))
    assert len(_rows(files)) == 1


# ---- bad days


def test_answer_that_cannot_be_saved_is_kept_and_saved_later(qtbot, files):
    window = _open(qtbot, files, wait_s=0.05)
    _start(qtbot, window)
    with closing(sqlite3.connect(files.study, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        _press(qtbot, window, Qt.Key.Key_S, Qt.Key.Key_3)
        assert window.message.title == "Your answer is not saved yet"
        assert "another program is using it" in window.message.text
        _save_picture(window, "reader_not_saved")
        _press(qtbot, window, Qt.Key.Key_Return)
        assert window.message.title == "Your answer is not saved yet"
        other.execute("ROLLBACK")
    with qtbot.waitSignal(window.picture.painted, timeout=PATIENCE_MS):
        qtbot.keyClick(window, Qt.Key.Key_Return)
    assert [row[:2] for row in _rows(files)] == [(1, 3)]
    window.close()


def test_unsaved_answer_is_saved_when_closing_if_that_works_now(qtbot, files):
    window = _open(qtbot, files, wait_s=0.05)
    _start(qtbot, window)
    with closing(sqlite3.connect(files.study, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        _press(qtbot, window, Qt.Key.Key_S, Qt.Key.Key_3)
        other.execute("ROLLBACK")
    window.close()
    assert len(_rows(files)) == 1


def test_two_windows_of_one_reader(qtbot, files):
    one, two = _open(qtbot, files), _open(qtbot, files)
    _start(qtbot, one)
    _start(qtbot, two)
    _answer(qtbot, one, Qt.Key.Key_R, Qt.Key.Key_1)
    _press(qtbot, two, Qt.Key.Key_S, Qt.Key.Key_3)
    assert two.message.title == "This picture is answered already"
    _save_picture(two, "reader_answered_elsewhere")
    _start(qtbot, two)
    assert "2 of 8" in _texts(two)
    assert [row[:2] for row in _rows(files)] == [(0, 1)]
    one.close()
    two.close()


def test_window_fits_a_small_screen(qtbot, files):
    window = open_reader(files.study, "anna")
    qtbot.addWidget(window)
    window.resize(window.minimumSizeHint())
    with qtbot.waitExposed(window):
        window.show()
    _start(qtbot, window)
    _press(qtbot, window, Qt.Key.Key_S)
    assert window.picture.zoom() >= 1
    _save_picture(window, "reader_small")
    window.close()
