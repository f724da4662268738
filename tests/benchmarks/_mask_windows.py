"""Windows in which masks are painted by mouse events, and what that costs."""

from __future__ import annotations

import time

import numpy as np

SIDE_PX = 100_000
MPP = 0.5
WINDOW_PX = (1000, 760)


class Pointer:
    """A mouse over one window, and the milliseconds that its events take."""

    def __init__(self, viewer, layer):
        self.viewer, self.layer = viewer, layer
        self.native = viewer.window._qt_viewer.canvas.native
        scene = viewer.window._qt_viewer.canvas._scene_canvas
        scene.events.draw.connect(self._on_draw, position="last")
        self.draws = 0

    def _on_draw(self, _event):
        self.draws += 1

    def send(self, kind, at_xy, *, draws=True):
        """Send an event; return ms of the GUI thread: handling, with the frame."""
        from qtpy.QtCore import QEvent, QPointF, Qt
        from qtpy.QtGui import QMouseEvent
        from qtpy.QtWidgets import QApplication

        place, left = QPointF(*at_xy), Qt.MouseButton.LeftButton
        none = Qt.MouseButton.NoButton
        event = QMouseEvent(
            getattr(QEvent.Type, kind),
            place,
            self.native.mapToGlobal(place),
            none if kind == "MouseMove" else left,
            none if kind == "MouseButtonRelease" else left,
            Qt.KeyboardModifier.NoModifier,
        )
        before, begin_s, cpu_s = self.draws, time.perf_counter(), time.thread_time()
        QApplication.sendEvent(self.native, event)
        handled_ms = (time.perf_counter() - begin_s) * 1000
        deadline_s = begin_s + 2
        while draws and self.draws == before and time.perf_counter() < deadline_s:
            QApplication.processEvents()
        return handled_ms, (time.thread_time() - cpu_s) * 1000

    def path(self, count, step_px, random):
        """Places of a mouse that wanders over the canvas, (x, y)."""
        size = np.array([self.native.width(), self.native.height()], float)
        at = size * random.uniform(0.3, 0.7, 2)
        way = random.uniform(0, 2 * np.pi)
        places = []
        for _place in range(count):
            way += random.normal(0, 0.3)
            at = at + step_px * np.array([np.cos(way), np.sin(way)])
            at = np.where((at < 40) | (at > size - 40), size / 2, at)
            places.append(tuple(at))
        return places

    def stroke(self, places):
        """Draw a stroke; return ms of every move."""
        self.send("MouseButtonPress", places[0])
        times = [self.send("MouseMove", place) for place in places[1:]]
        self.send("MouseButtonRelease", places[-1], draws=False)
        return times


def ours(viewer, folder, side_px=SIDE_PX):
    """Return the editor and a pointer over a mask of the whole slide."""
    from napari_histossl.annotate import MaskStore
    from napari_histossl.widgets._mask_editor import MaskEditor
    from napari_histossl.widgets._mask_layer import MaskLayer
    from napari_histossl.widgets.canvas import install_canvas

    install_canvas()
    store = MaskStore.create(folder / "mask.ome.zarr", (side_px, side_px), MPP)
    editor = MaskEditor(store, "bench")
    layer = MaskLayer(editor, (MPP, MPP))
    return editor, _ready(viewer, layer)


def stock(viewer, data):
    """Return a pointer over napari's own labels."""
    from napari.layers import Labels

    return _ready(viewer, Labels(data, scale=(MPP, MPP)))


def _ready(viewer, layer):
    from conftest_gui import settle

    viewer.window._qt_window.resize(*WINDOW_PX)
    viewer.add_layer(layer)
    layer.mode, layer.selected_label = "paint", 1
    settle(0.5)
    return Pointer(viewer, layer)


def look(pointer, centre_um, mask_px_a_pixel):
    """Let the camera show mask pixels at a scale."""
    camera = pointer.viewer.scene.camera
    camera.center = tuple(centre_um)
    camera.zoom = 1 / (mask_px_a_pixel * MPP)


def percentile(values, share):
    """Return a percentile of some values."""
    return float(np.percentile(np.asarray(values, float), share))
