"""A slide of one level: its overview takes long, is seen, and can be stopped."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest_gui import settle

sys.path.insert(0, str(Path(__file__).parents[1] / "slide"))
from monster_for_tests import write_monster

pytestmark = pytest.mark.gui


class Watcher:
    """Looks at the bar while it is there: what it shows, how often windows live."""

    def __init__(self, press_stop_at: int | None = None):
        from qtpy.QtCore import QTimer

        self.beats, self.values, self.texts, self.picture = [], [], set(), None
        self._press_at = press_stop_at
        self._timer = QTimer()
        self._timer.setInterval(20)
        self._timer.timeout.connect(self._look)
        self._timer.start()

    def _look(self):
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest
        from qtpy.QtWidgets import QApplication, QProgressDialog, QPushButton

        bar = QApplication.activeModalWidget()
        if not isinstance(bar, QProgressDialog) or not bar.isVisible():
            return
        self.beats.append(time.monotonic())
        self.values.append(bar.value())
        self.texts.add(bar.labelText())
        if self._press_at is not None and bar.value() >= self._press_at:
            QTest.mouseClick(bar.findChild(QPushButton), Qt.MouseButton.LeftButton)


@pytest.fixture
def monster(tmp_path):
    return write_monster(tmp_path / "monster.tif", 20_000)


def test_an_overview_in_the_making_is_seen(make_napari_viewer, monster):
    """The bar moves, the window lives, then the slide is there at once, and right."""
    viewer = make_napari_viewer(show=True)
    watcher = Watcher()
    viewer.open(monster, plugin="napari-histossl")
    assert len(set(watcher.values)) > 5
    assert watcher.values == sorted(watcher.values)
    assert len(watcher.beats) > 10
    (text,) = watcher.texts
    assert "monster.tif has 20,000 x 20,000 pixels" in text
    layer = viewer.layers[0]
    settle(0.3)
    finest = np.asarray(layer.data[0][256 * 40 : 256 * 40 + 64, :64])
    assert np.array_equal(
        np.asarray(layer.data[-1][160, 0]), finest.mean((0, 1)).round()
    )


def test_an_overview_can_be_stopped(make_napari_viewer, monster, tmp_path):
    """A click on Stop: nothing is opened, one sentence says so, the next try works."""
    from napari.utils.notifications import notification_manager

    from napari_histossl.widgets.dock import Dock

    viewer = make_napari_viewer(show=True)
    dock = Dock(viewer, workspace=tmp_path)
    watcher = Watcher(press_stop_at=2)
    assert not dock.bench.open_path(monster)
    assert max(watcher.values) < 40
    assert not viewer.layers
    assert "was stopped" in notification_manager.records[-1].message
    watcher = Watcher()
    assert dock.bench.open_path(monster, alias="Slide 1")
    assert "Slide 1 has" in watcher.texts.pop()
    dock.bench.close()
