"""Key press to the next picture drawn, in a study of 2,000 pictures.

The floor is a bare repaint: the same widget is given a picture that is decoded, and
its first frame is waited for. Both are measured in turn, a repaint after each answer,
so that they meet the same load; no time is asserted.
"""

import hashlib
import io
import secrets
import time

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("pytestqt")
pytest.importorskip("qtpy.QtWidgets")

from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_histossl import study
from napari_histossl.study.study_file import StudyFileWriter, insert_order
from napari_histossl.widgets.study_reader import ReaderWindow

pytestmark = pytest.mark.gui

PICTURES = 2000
SIZE_PX = 512
ANSWERS = 120
LOOKING_S = 0.15
"""Nobody answers faster; meanwhile the next picture is made ready."""


def _draw(rng):
    """Return a noisy picture as PNG; a few differ, all have the size of a patch."""
    coarse = rng.integers(60, 250, (64, 64, 3)).astype(np.uint8)
    pixels = np.asarray(Image.fromarray(coarse).resize((SIZE_PX, SIZE_PX), 3))
    noisy = np.clip(pixels + rng.normal(0, 1, pixels.shape), 0, 255).astype(np.uint8)
    target = io.BytesIO()
    Image.fromarray(noisy).save(target, "PNG", compress_level=1)
    return target.getvalue()


@pytest.fixture
def long_study(benchmark, tmp_path):
    """A study of 2,000 pictures; of 20 where nothing is measured."""
    path = tmp_path / "long.histostudy.sqlite"
    rng = np.random.default_rng(1)
    pictures = [_draw(rng) for _ in range(20)]
    names = [secrets.token_hex(8) for _ in range(PICTURES if benchmark.enabled else 20)]
    with StudyFileWriter(path) as writer:
        for place, name in enumerate(sorted(names)):
            writer.add_picture(name, pictures[place % len(pictures)])
        insert_order(writer.connection, "anna", names)
        writer.finish(
            {
                "study_id": secrets.token_hex(16),
                "title": "Long",
                "height_px": str(SIZE_PX),
                "width_px": str(SIZE_PX),
                "mpp": "",
                "truth_sha256": hashlib.sha256(b"").hexdigest(),
                "break_after": "0",
            }
        )
    return path


class _Stopwatch:
    """Waits for first frames and notes when they came."""

    def __init__(self, picture):
        self.drawn_s = 0.0
        picture.painted.connect(self._on_painted)

    def _on_painted(self):
        self.drawn_s = time.perf_counter()

    def time_ms(self, act):
        self.drawn_s = 0.0
        begin_s = time.perf_counter()
        act()
        while not self.drawn_s:
            QApplication.processEvents()
        return 1000 * (self.drawn_s - begin_s)


def _look(seconds):
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        QApplication.processEvents()
        time.sleep(0.002)


def test_key_press_to_next_picture(benchmark, qtbot, long_study):
    session = study.Session.open(long_study, "anna")
    # As after many evenings: what is counted must not grow with the answers.
    rounds = ANSWERS if benchmark.enabled else 1
    before = session.total - rounds - 10
    while session.answered < before:
        session.answer(session.next().case_id, True, 1, 1000)
    window = ReaderWindow(session)
    qtbot.addWidget(window)
    with qtbot.waitExposed(window):
        window.show()
    watch = _Stopwatch(window.picture)
    watch.time_ms(lambda: QTest.keyClick(window, Qt.Key.Key_Return))
    answered_ms, floor_ms = [], []

    def read_one():
        _look(LOOKING_S)
        QTest.keyClick(window, Qt.Key.Key_S)
        press = Qt.Key.Key_3
        answered_ms.append(watch.time_ms(lambda: QTest.keyClick(window, press)))
        _look(LOOKING_S)
        image = window.picture._image
        floor_ms.append(watch.time_ms(lambda: window.picture.show_picture(image)))

    benchmark.pedantic(read_one, rounds=rounds)
    for name, times_ms in (("answer", answered_ms), ("bare repaint", floor_ms)):
        for share in (50, 95):
            key = f"{name}, p{share}, ms"
            benchmark.extra_info[key] = round(float(np.percentile(times_ms, share)), 2)
    assert session.answered == before + rounds
    window.close()
