"""One variant in one window: pan, zoom and jump, and write down what it took.

usage: python _panzoom_run.py VARIANT SLIDE WIDTH HEIGHT OUT.json   (under a display)

Everything happens in Qt's own event loop. A timer of 5 ms is the heartbeat: the time
between two beats is what a person would feel, the CPU time of the GUI thread between
them is what the machine's other work cannot spoil. Camera positions are due at fixed
times, one every 16 ms; late ones are dropped, as mouse events are, and what is late
counts as waited. A picture is sharp at the end of the first draw that shows, all over
the view, a level whose pixel covers at most 1.42 pixels of the screen (or level 0):
the same rule for every variant.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from pathlib import Path

import napari
import numpy as np
import psutil
from _panzoom_variants import BASE, VARIANTS
from napari.settings import get_settings
from qtpy.QtCore import QEventLoop, Qt, QTimer

from napari_histossl.widgets.canvas import install_canvas

_STEP_S = 0.016
_STEPS = 60
_PATIENCE_S = 30.0
_ROUNDED = 1.42
_PANS = {"0.4": 100, "0.26": 100, "0.07": 400}
"""Zoom, and level-0 pixels a step."""


class Run:
    """A viewer with one layer, and the measurements."""

    def __init__(self, name: str, path: Path, size: tuple[int, int]) -> None:
        show, is_async = VARIANTS[name]
        get_settings().experimental.async_ = is_async
        self.name, self.process = name, psutil.Process()
        self.viewer = napari.Viewer(show=True)
        self.viewer.window._qt_window.resize(*size)
        self.loop = QEventLoop()
        self.wait(1.0)
        self.canvas = self.viewer.window._qt_viewer.canvas
        self.canvas._scene_canvas.events.draw.connect(self._on_draw, position="last")
        self.beats: list[tuple[float, float]] = []
        self.sharp_s: float | None = None
        self._last = (time.perf_counter(), time.thread_time())
        self._beat = self._timer(5, self._on_beat)
        self._poll = self._timer(3, self._on_poll)
        install_canvas()  # as the plugin does when it is activated
        gc.collect()
        gc.freeze()  # one sweep over napari's own objects takes 150 ms, at any time
        self.rss_before = self.process.memory_info().rss
        self.shown = None
        start_s = time.perf_counter()
        self.shown = show(self.viewer, path)
        self.viewer.reset_view()
        self.open_ms = self.until_sharp(start_s)
        self.wait(0.5)

    def _timer(self, interval_ms: int, call) -> QTimer:
        timer = QTimer()
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setInterval(interval_ms)
        timer.timeout.connect(call)
        timer.start()
        return timer

    # ---- Watching ----

    def _on_beat(self) -> None:
        now = (time.perf_counter(), time.thread_time())
        self.beats.append((now[0] - self._last[0], now[1] - self._last[1]))
        self._last = now

    def _on_draw(self, _event=None) -> None:
        if self.sharp_s is None and self.is_sharp():
            self.sharp_s = time.perf_counter()
            self.loop.quit()

    def _on_poll(self) -> None:
        # new data ask for a draw of their own; this is for data that came with one
        if self.sharp_s is None and self.is_sharp():
            self.canvas._scene_canvas.update()

    def is_sharp(self) -> bool:
        """Whether the view is covered by a level that is fine enough."""
        if self.shown is None:
            return False
        if self.name.startswith(BASE):
            return True
        camera = self.viewer.scene.camera
        allowed = max(1.0, _ROUNDED * 1.01 / camera.zoom)
        if self.shown.drawing is not None:
            drawing = self.shown.drawing
            if not drawing.is_sharp or drawing.shown is None:
                return False
            return drawing.source.levels[drawing.target.level].downsample <= allowed
        layer = self.shown.layer
        if not layer.loaded:
            return False
        to_data = layer._slice.tile_to_data
        down, first = float(to_data.scale[-1]), np.asarray(to_data.translate)[-2:]
        past = first + np.array(layer._slice.image.raw.shape[:2]) * down
        low, high = self.view()
        covers = (first <= np.maximum(low, 2) + down).all() and (
            past >= np.minimum(high, self.shown.side_px - 2) - down
        ).all()
        return bool(covers) and down <= allowed

    def view(self) -> tuple[np.ndarray, np.ndarray]:
        """Upper left and lower right corner of the view, in level-0 pixels."""
        camera = self.viewer.scene.camera
        half = np.array(self.canvas._current_viewbox_size[::-1]) / camera.zoom / 2
        centre = np.array(camera.center[-2:])
        return centre - half, centre + half

    # ---- Moving ----

    def look(self, y: float, x: float, zoom: float) -> None:
        """Point the camera."""
        camera = self.viewer.scene.camera
        if abs(camera.zoom - zoom) > 1e-9 * zoom:
            camera.zoom = zoom
        camera.center = (y, x)

    def wait(self, seconds: float) -> None:
        """Let the window live."""
        QTimer.singleShot(round(seconds * 1000), self.loop.quit)
        self.loop.exec()

    def until_sharp(self, since_s: float) -> float:
        """Wait until a draw is sharp; return milliseconds since the event."""
        self.sharp_s = None
        self.canvas._scene_canvas.update()
        deadline = QTimer()
        deadline.setSingleShot(True)
        deadline.timeout.connect(self.loop.quit)
        deadline.start(round(_PATIENCE_S * 1000))
        while self.sharp_s is None and deadline.isActive():
            self.loop.exec()
        done_s = self.sharp_s if self.sharp_s is not None else time.perf_counter()
        return (done_s - since_s) * 1000

    def follow(self, path: list[tuple[float, float, float]]) -> dict[str, float]:
        """Take the camera along a path; return what it took."""
        self.beats.clear()
        self._last = (time.perf_counter(), time.thread_time())
        state = {"at": -1, "sharp": 0, "seen": 0}
        start_s = time.perf_counter()

        def step() -> None:
            due = min(int((time.perf_counter() - start_s) / _STEP_S), len(path) - 1)
            if due == state["at"]:
                return
            if state["at"] >= 0:
                state["seen"] += 1
                state["sharp"] += self.sharp_s is not None
            state["at"], self.sharp_s = due, None
            self.look(*path[due])
            if due == len(path) - 1:
                timer.stop()
                steps.quit()

        # a loop of its own: a sharp draw ends the other one
        steps = QEventLoop()
        timer = self._timer(4, step)
        steps.exec()
        last_due_s = start_s + (len(path) - 1) * _STEP_S
        sharp_ms = self.until_sharp(last_due_s)
        moved = list(self.beats)
        self.wait(0.06)
        return {
            "sharp_ms": sharp_ms,
            "share_sharp": state["sharp"] / max(1, state["seen"]),
            "beats": moved,
        }


def script(run: Run) -> dict:
    """Zoom in, pan at four zooms, zoom out, jump; compare the last picture."""
    side, middle = run.shown.side_px, run.shown.side_px / 2
    fit = run.viewer.scene.camera.zoom
    zooms = np.geomspace(fit, 1.0, _STEPS)
    paths = {"zoom in": [(middle, middle, zoom) for zoom in zooms]}
    paths["pan 1"] = [(middle, middle + 40 * i, 1.0) for i in range(_STEPS)]
    for zoom, step in _PANS.items():
        paths[f"pan {zoom}"] = [
            (side * 0.2 + step * i, side * 0.25 + step * i / 2, float(zoom))
            for i in range(_STEPS)
        ]
    paths["zoom out"] = [(middle + 3000, middle, zoom) for zoom in zooms[::-1]]
    moves = {name: run.follow(path) for name, path in paths.items()}
    beats = [beat for move in moves.values() for beat in move.pop("beats")]
    jumps = _jump(run, beats)
    gaps, work = np.array(beats).T * 1000
    return {
        "open_ms": run.open_ms,
        "gap_p99_ms": float(np.percentile(gaps, 99)),
        "gap_max_ms": float(gaps.max()),
        "cpu_p99_ms": float(np.percentile(work, 99)),
        "cpu_max_ms": float(work.max()),
        "jump_ms": float(np.median(jumps)),
        "jump_p95_ms": float(np.percentile(jumps, 95)),
        "moves": moves,
        "pixel_error": _pixel_error(run),
        "rss_mb": (run.process.memory_info().rss - run.rss_before) / 1e6,
    }


def _jump(run: Run, beats: list) -> list[float]:
    random = np.random.default_rng(5)
    waited = []
    for zoom in [1.0, 0.5, 0.3, 0.2, 0.1, 0.05] * 2:
        y, x = random.integers(4000, run.shown.side_px - 4000, 2)
        run.beats.clear()
        run._last = (time.perf_counter(), time.thread_time())
        start_s = time.perf_counter()
        run.look(y, x, zoom)
        waited.append(run.until_sharp(start_s))
        beats += run.beats
        run.wait(0.02)
    return waited


def _pixel_error(run: Run) -> float | None:
    """Mean difference from the slide's pixels, at the best of nine shifts."""
    if run.shown.read is None:
        return None
    width, height = (int(length) for length in run.canvas._current_viewbox_size)
    y, x = 12_800, 25_600
    run.look(y - 0.5 + height / 2, x - 0.5 + width / 2, 1.0)
    run.until_sharp(time.perf_counter())
    run.wait(0.6)
    shot = run.viewer.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    expected = run.shown.read(y - 1, x - 1, height + 2, width + 2).astype(int)
    inner = shot[20:-20, 20:-20]
    return min(
        float(
            np.abs(
                inner - expected[20 + dy :, 20 + dx :][: len(inner), : inner.shape[1]]
            ).mean()
        )
        for dy in range(3)
        for dx in range(3)
    )


def main() -> None:
    """Run one variant and write its numbers."""
    name, path, width, height, out = sys.argv[1:]
    run = Run(name, Path(path), (int(width), int(height)))
    result = script(run)
    result["canvas_px"] = [int(px) for px in run.canvas._current_viewbox_size]
    Path(out).write_text(json.dumps(result))
    sys.stdout.flush()
    os._exit(0)  # what the variants leave open is not what is measured


if __name__ == "__main__":
    main()
