"""Helpers of the tests that drive a real window."""

from __future__ import annotations

import time

import numpy as np


def world_to_canvas(viewer, world_yx):
    """Where a world point is on the canvas, as a QPoint in its widget."""
    from qtpy.QtCore import QPoint

    camera, canvas = viewer.scene.camera, viewer.window._qt_viewer.canvas.native
    centre = np.asarray(camera.center[-2:])
    middle = np.array([canvas.height(), canvas.width()]) / 2
    y, x = (np.asarray(world_yx) - centre) * camera.zoom + middle
    return QPoint(round(x), round(y))


def settle(seconds: float = 0.3) -> None:
    """Let the window handle its events."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)
