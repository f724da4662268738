"""Real windows under a real X server, driven by real mouse and key events."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from conftest_gui import settle, world_to_canvas


@pytest.fixture
def drag():
    """Drag the mouse over world points: ``drag(viewer, [(y, x), ...])``."""
    from qtpy.QtCore import QPoint, Qt
    from qtpy.QtTest import QTest

    def drag_over(viewer, points, steps=8, release=True):
        canvas = viewer.window._qt_viewer.canvas.native
        stops = [world_to_canvas(viewer, point) for point in points]
        QTest.mouseMove(canvas, stops[0])
        settle(0.05)
        QTest.mousePress(
            canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, stops[0]
        )
        for start, stop in itertools.pairwise(stops):
            for step in range(1, steps + 1):
                share = step / steps
                QTest.mouseMove(
                    canvas,
                    QPoint(
                        round(start.x() + (stop.x() - start.x()) * share),
                        round(start.y() + (stop.y() - start.y()) * share),
                    ),
                )
                settle(0.01)
        if not release:
            return
        QTest.mouseRelease(
            canvas, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, stops[-1]
        )
        settle(0.1)

    return drag_over


@pytest.fixture
def overlays_page(make_napari_viewer, tmp_path, monkeypatch):
    """A window on the Overlays page without a slide: viewer, dock, page."""
    from napari_histossl.widgets.dock import Dock

    monkeypatch.setenv("NAPARI_HISTOSSL_WEIGHTS", str(tmp_path / "weights"))
    viewer = make_napari_viewer(show=True)
    dock = Dock(viewer, workspace=tmp_path / "results")
    viewer.window.add_dock_widget(dock, name="HistoSSL", area="right")
    viewer.window._qt_window.resize(1100, 900)
    dock.show_page("Overlays")
    settle(0.2)
    yield viewer, dock, dock.pages["Overlays"]
    dock.bench.close()
