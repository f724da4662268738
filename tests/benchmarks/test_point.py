"""Attention from a point: from a move of the cursor to the picture, in a real window.

The floor is a frame of the same window when nothing but the cursor has moved and the
canvas is asked to draw. Both take turns; medians are printed. A frame ends when the
canvas has been drawn.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytestmark = [pytest.mark.gui, pytest.mark.torch]

sys.path.insert(0, str(Path(__file__).parents[1] / "widgets"))
from conftest_gui import settle, world_to_canvas  # noqa: E402

MOVES = 60
TILES_UM = 64
"""Edge of a tile of the sample model."""


class Watch:
    """How long the canvas takes to show what an event has changed."""

    def __init__(self, viewer):
        self.viewer = viewer
        self.scene = viewer.window._qt_viewer.canvas._scene_canvas
        self.scene.events.draw.connect(self._on_draw, position="last")
        self.drawn_s = 0.0

    def _on_draw(self, _event):
        self.drawn_s = time.perf_counter()

    def move(self, world_yx, *, draws):
        """Move the mouse; return milliseconds until the canvas has been drawn."""
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        canvas = self.viewer.window._qt_viewer.canvas.native
        place = QPointF(world_to_canvas(self.viewer, world_yx))
        event = QMouseEvent(
            QEvent.Type.MouseMove,
            place,
            canvas.mapToGlobal(place),
            Qt.MouseButton.NoButton,
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
        )
        self.drawn_s, start_s = 0.0, time.perf_counter()
        QApplication.sendEvent(canvas, event)
        if draws:
            self.scene.update()
        while not self.drawn_s:
            QApplication.processEvents()
        spent_ms = (self.drawn_s - start_s) * 1000
        settle(0.03)
        return spent_ms


@pytest.fixture
def window(make_napari_viewer, tmp_path):
    from napari_histossl.resources import sample_file
    from napari_histossl.widgets._overlay_layer import OverlayLayer
    from napari_histossl.widgets._point_group import PointGroup
    from napari_histossl.widgets._workbench import Workbench

    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1500, 950)
    bench = Workbench(viewer, tmp_path)
    group = PointGroup(bench, OverlayLayer(bench))
    viewer.window.add_dock_widget(group, area="right")
    bench.open_path(sample_file("sample.svs"))
    viewer.scene.camera.zoom = 3
    viewer.scene.camera.center = (960, 960)
    settle(1)
    yield viewer, group
    bench.close()


@pytest.mark.parametrize("where", ["in a tile", "from tile to tile"])
def test_cursor_to_picture(benchmark, capsys, window, qtbot, where):
    """Tiles that have been seen: the mean of 8 heads of 256 tokens."""
    viewer, group = window
    moves = MOVES if benchmark.enabled else 3
    watch, random = Watch(viewer), np.random.default_rng(0)
    group._follow.click()
    qtbot.waitUntil(lambda: group.plan is not None)
    corners = [(row, column) for row in range(13, 17) for column in range(13, 17)]
    corners = corners[:1] if where == "in a tile" else corners
    for corner in corners:  # all are seen once
        watch.move((np.array(corner) + 0.5) * TILES_UM, draws=True)
        qtbot.waitUntil(lambda: group._status.text().startswith("Click"))

    def place():
        corner = np.array(corners[random.integers(len(corners))])
        return (corner + random.uniform(0.05, 0.95, 2)) * TILES_UM

    def pair():
        ours = watch.move(place(), draws=False)
        group.mouse.moved.disconnect(group._on_moved)
        floor = watch.move(place(), draws=True)
        group.mouse.moved.connect(group._on_moved)
        return ours, floor

    pairs = [pair() for _ in range(moves)]
    benchmark.pedantic(pair, rounds=1)
    ours, floor = (sorted(times) for times in zip(*pairs, strict=True))
    off = [one - two for one, two in pairs]
    with capsys.disabled():
        print(
            f"\ncursor to picture, {where}: median {statistics.median(ours):.1f} ms, "
            f"floor {statistics.median(floor):.1f} ms, over it "
            f"{statistics.median(off):.1f} ms; p95 {ours[int(0.95 * moves)]:.1f} ms, "
            f"floor p95 {floor[int(0.95 * moves)]:.1f} ms ({os.cpu_count()} cores)"
        )
