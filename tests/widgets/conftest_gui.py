"""Helpers of the tests that drive a real window."""

from __future__ import annotations

import time

import numpy as np

PATIENCE_MS = 240_000
"""Nothing here takes so long, also where other work keeps all cores busy."""

_ROUND_S = 0.03
"""About as long as the window takes for events and a frame where nothing else runs."""

_MARGINS_PX = (16, 16, -16, -16)
"""Left, top, right, bottom: what is closer to the edge may be outside elsewhere."""


def world_to_canvas(viewer, world_yx):
    """Where a world point is on the canvas, as a QPoint in its widget.

    Well inside: the width of the canvas differs a little between machines, by what
    the docks beside it need.
    """
    from qtpy.QtCore import QPoint

    camera, canvas = viewer.scene.camera, viewer.window._qt_viewer.canvas.native
    centre = np.asarray(camera.center[-2:])
    middle = np.array([canvas.height(), canvas.width()]) / 2
    y, x = (np.asarray(world_yx) - centre) * camera.zoom + middle
    place = QPoint(round(x), round(y))
    assert canvas.rect().adjusted(*_MARGINS_PX).contains(place), place
    return place


def settle(seconds: float = 0.3) -> None:
    """Let the window handle its events; for longer where the machine is busy."""
    from qtpy.QtWidgets import QApplication

    end, rounds = time.monotonic() + seconds, seconds / _ROUND_S
    while time.monotonic() < end or rounds > 0:
        QApplication.processEvents()
        time.sleep(0.005)
        rounds -= 1
