"""What the reading window says when something is wrong, and that nothing is lost."""

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest_gui import PATIENCE_MS
from study_packs import draw, lock, make_pack

pytest.importorskip("pytestqt")
pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication

from napari_histossl import study
from napari_histossl.errors import StudyError
from napari_histossl.study import session as sessions
from napari_histossl.widgets._study_controls import KeyButton
from napari_histossl.widgets._study_look import SIZES
from napari_histossl.widgets.study_reader import (
    ReaderWindow,
    RefusalWindow,
    read_study,
)

pytestmark = pytest.mark.gui

SCREENSHOTS = os.environ.get("HISTOSSL_SCREENSHOTS")
Key = Qt.Key


def _save_picture(widget, name):
    if SCREENSHOTS:
        Path(SCREENSHOTS).mkdir(parents=True, exist_ok=True)
        QApplication.processEvents()
        assert widget.grab().save(str(Path(SCREENSHOTS) / f"{name}.png"))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures")
    real, synthetic = draw(folder / "real", 4, 1), draw(folder / "made", 4, 2)
    return study.create_study(
        folder / "colon", real, synthetic, readers=("anna",), title="Colon", seed=5
    ).study


@pytest.fixture
def path(made, tmp_path):
    return Path(shutil.copy(made, tmp_path / "colon.histostudy.sqlite"))


def _open(qtbot, path, **options):
    window = ReaderWindow(study.Session.open(path, "anna", **options))
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    return window


@pytest.fixture
def window(qtbot, path):
    opened = _open(qtbot, path, wait_s=0.05)
    yield opened
    opened.close()
    opened.close()


def _press(qtbot, window, *keys):
    for key in keys:
        qtbot.keyClick(window, key)


def _start(qtbot, window):
    with qtbot.waitSignal(window.picture.painted, timeout=PATIENCE_MS):
        qtbot.keyClick(window, Key.Key_Return)


def _rows(path):
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT synthetic, confidence FROM answers ORDER BY sequence"
        ).fetchall()


# ---- refusals


def _refusal(qtbot, path, reader):
    """Return what a reader is shown who cannot read."""
    seen = []

    def look():
        (window,) = (
            widget
            for widget in QApplication.topLevelWidgets()
            if isinstance(widget, RefusalWindow) and widget.isVisible()
        )
        seen.append(f"{window.message.title}: {window.message.text}")
        _save_picture(window, f"refused_{len(list(path.parent.iterdir()))}_{reader}")
        qtbot.keyClick(window, Key.Key_Return)

    QTimer.singleShot(100, look)
    with pytest.raises(StudyError):
        read_study(path, reader)
    (text,) = seen
    assert text.startswith("This study cannot be read now: ")
    return text


def test_unknown_reader(qtbot, path):
    assert "has no reader &#x27;berta&#x27;" in _refusal(qtbot, path, "berta")


def test_damaged_file(qtbot, path):
    content = bytearray(path.read_bytes())
    content[:200] = bytes(200)
    path.write_bytes(content)
    assert "is not a study" in _refusal(qtbot, path, "anna")


def test_clock_set_back(qtbot, path, monkeypatch):
    with study.Session.open(path, "anna") as session:
        session.answer(session.next().case_id, True, 1, 10)
    past = datetime.now(UTC) - timedelta(days=1)
    monkeypatch.setattr(sessions, "now_utc", past.isoformat)
    assert "set the clock right" in _refusal(qtbot, path, "anna")
    assert len(_rows(path)) == 1


def test_too_early_under_the_other_condition(qtbot, tmp_path):
    (tmp_path / "study").mkdir()
    locked = lock(
        tmp_path / "study", layout="factorial", conditions=("plain", "overlay")
    )
    codes = {}
    for condition in ("plain", "overlay"):
        pack = tmp_path / f"{condition}.histostudy.sqlite"
        codes[condition] = make_pack(locked, pack, condition)
    first, second = (tmp_path / f"{name}.histostudy.sqlite" for name in codes)
    with study.Session.open(first, "anna", code=codes["plain"]) as session:
        session.answer(session.next().case_id, True, 1, 10)
    with pytest.raises(StudyError, match="too early") as refused:
        study.Session.open(second, "anna", code=codes["overlay"])
    window = RefusalWindow(refused.value)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    assert "come back on or after" in window.message.text
    _save_picture(window, "too_early")
    with qtbot.waitSignal(window.closed, timeout=PATIENCE_MS):
        _press(qtbot, window, Key.Key_Escape)


def test_a_picture_changed_in_the_file_is_not_shown(qtbot, path):
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER cases_no_update")
        connection.execute("UPDATE cases SET png = substr(png, 1, 200)")
    window = _open(qtbot, path)
    _press(qtbot, window, Key.Key_Return)
    assert window.message.title == "The next picture cannot be shown"
    assert "was changed after the study was made" in window.message.text
    window.close()


# ---- saving


def test_disk_full_at_an_answer_keeps_it_and_saves_it_by_itself(qtbot, window, path):
    _start(qtbot, window)
    connection = window.session._connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    saved = 0
    while window.is_reading:
        saved = len(_rows(path))
        qtbot.waitUntil(lambda: window.picture.is_seen, timeout=PATIENCE_MS)
        _press(qtbot, window, Key.Key_S, Key.Key_3)
    assert window.message.title == "Your answer is not saved yet"
    assert "free some space on the disk" in window.message.text
    assert len(_rows(path)) == saved
    _save_picture(window, "disk_full")
    window._save_by_itself()
    assert window.message.title == "Your answer is not saved yet"
    connection.execute("PRAGMA max_page_count = 100000")
    window._save_by_itself()
    assert window.message.title == "Your answer is saved now"
    _save_picture(window, "saved_by_itself")
    assert _rows(path) == (saved + 1) * [(1, 3)]
    if window.session.next() is not None:
        _start(qtbot, window)


def test_closing_with_an_unsaved_answer_asks_first(qtbot, window, path):
    _start(qtbot, window)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        _press(qtbot, window, Key.Key_S, Key.Key_3, Key.Key_Escape)
        assert window.isVisible()
        assert window.message.title == "Your answer is still not saved"
        _save_picture(window, "closing_unsaved")
        _press(qtbot, window, Key.Key_Escape)
        assert not window.isVisible()
        other.execute("ROLLBACK")
    again = _open(qtbot, path)
    assert again.session.next().position == 1
    again.close()


def test_an_answer_is_on_the_disk_before_the_next_picture_is_drawn(qtbot, window, path):
    there, shown = [], []
    window.picture.painted.connect(lambda: there.append(len(_rows(path))))
    show = window.picture.show_picture

    def watched(image):
        shown.append(len(_rows(path)))
        show(image)

    window.picture.show_picture = watched
    _start(qtbot, window)
    for _ in range(5):
        with qtbot.waitSignal(window.picture.painted, timeout=PATIENCE_MS):
            _press(qtbot, window, Key.Key_R, Key.Key_2)
    assert there == shown == list(range(6))


# ---- accessibility


def _smallest_type(window):
    buttons = window.message.findChildren(KeyButton)
    return min(b.font().pointSizeF() for b in buttons if b.isVisible())


def test_type_and_contrast_can_be_chosen_and_stay(qtbot, window):
    control = Qt.KeyboardModifier.ControlModifier
    usual = _smallest_type(window)
    for _ in SIZES:
        qtbot.keyClick(window, Key.Key_Plus, control)
    qtbot.keyClick(window, Key.Key_H, control)
    largest = window.look.size
    assert largest > 1
    _save_picture(window, "large_high_contrast_welcome")
    _start(qtbot, window)
    _press(qtbot, window, Key.Key_S)
    _save_picture(window, "large_high_contrast")
    _press(qtbot, window, Key.Key_1, Key.Key_P)
    assert (window.look.size, window.look.high_contrast) == (largest, True)
    assert _smallest_type(window) == pytest.approx(usual * largest)
    qtbot.keyClick(window, Key.Key_0, control)
    qtbot.keyClick(window, Key.Key_H, control)
    assert (window.look.size, window.look.high_contrast) == (1.0, False)


def _luminance(grey):
    value = int(grey[1:3], 16) / 255
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


@pytest.mark.parametrize("high_contrast", [False, True])
def test_text_stands_out_from_its_ground(window, high_contrast):
    if high_contrast:
        window.change_contrast()
    greys = window.look.greys
    for ink, ground in (
        (greys.ink, greys.ground),
        (greys.faint, greys.ground),
        (greys.ink, greys.face),
        (greys.ink, greys.down),
        (greys.unavailable, greys.closed),
    ):
        assert ink[1:3] == ink[3:5] == ink[5:]  # nothing is told by colour
        one, other = sorted((_luminance(ink), _luminance(ground)))
        least = 7 if high_contrast else 4
        assert (other + 0.05) / (one + 0.05) >= least, (ink, ground)


def test_tab_reaches_every_button_and_each_has_a_name(qtbot, window):
    _start(qtbot, window)
    _press(qtbot, window, Key.Key_S)
    wanted = {b for b in window.findChildren(KeyButton) if b.isVisible()}
    reached = []
    for _ in range(len(wanted) + 2):
        # of this window, whether or not a window manager makes it the active one
        qtbot.keyClick(window.focusWidget() or window, Key.Key_Tab)
        if isinstance(focus := window.focusWidget(), KeyButton):
            reached.append(focus)
    assert wanted <= set(reached)
    assert all(button.accessibleName() for button in wanted)
    questions = [b.accessibleName() for b in reached if b in wanted]
    order = [questions.index(name) for name in ("Real", "Synthetic", "Maybe")]
    assert order == sorted(order)


def test_buttons_with_the_focus_take_space_and_leave_other_keys_alone(
    qtbot, window, path
):
    _start(qtbot, window)
    (real,) = (
        b for b in window.findChildren(KeyButton) if b.accessibleName() == "Real"
    )
    real.setFocus()
    qtbot.keyClick(real, Key.Key_Space)
    assert window.answering.draft.synthetic is False
    qtbot.keyClick(real, Key.Key_Right)
    assert window.answering.draft.synthetic is True
    qtbot.keyClick(real, Key.Key_Return)
    assert _rows(path) == []
    qtbot.keyClick(real, Key.Key_3)
    assert _rows(path) == [(1, 3)]
