"""Runs from the Overlays page, in the worker process, with the sample model."""

from __future__ import annotations

import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS, settle
from overlays_for_tests import press

from napari_histossl.phantom import PhantomSlide
from napari_histossl.store import Pyramid, paths

pytestmark = [pytest.mark.gui, pytest.mark.torch]


def values_of(path):
    with Pyramid.open(path) as pyramid:
        return pyramid.read(pyramid.levels[0].box)


def test_the_time_and_the_device_are_measured_then_the_view_is_run(
    overlays_page, tiny_tiff, qtbot
):
    viewer, dock, page = overlays_page
    dock.bench.open_path(tiny_tiff)
    runs = page.runs
    qtbot.waitUntil(lambda: "on CPU" in runs.cost.text(), timeout=PATIENCE_MS)
    viewer.scene.camera.zoom = 6.0
    viewer.scene.camera.center = (175, 225)
    settle(0.4)
    runs.form.choose_extent("view")
    press(qtbot, runs.run_button)
    said = []
    dock.bench.progressed.connect(lambda *_: said.append(runs.panel._sentence.text()))
    qtbot.waitUntil(lambda: not page.is_busy, timeout=PATIENCE_MS)
    assert not runs.panel.isVisible()
    assert any("on CPU" in text for text in said)
    assert any("tiles" in text for text in said)
    computed = np.isfinite(values_of(page.overlay.path)[0])
    view = dock.bench.view_box_px0()
    inside = computed[view.y // 8 : view.y1 // 8, view.x // 8 : view.x1 // 8]
    assert inside.all()
    assert not computed.all()
    assert len(page.shown.controls.pictures.buttons()) == 9
    assert page.shown.known.currentText() == "attention dino_sample"


_WINDOW = """
import sys, time
from pathlib import Path
from qtpy.QtWidgets import QApplication
from napari_histossl.slide import open_slide
from napari_histossl.widgets.view import make_window

viewer, dock = make_window([open_slide(sys.argv[1])], Path(sys.argv[2]))
dock.show_page("Overlays")
page = dock.pages["Overlays"]
end = time.monotonic() + 240
page.run()
while (page.is_busy or page.overlay.layer is None) and time.monotonic() < end:
    QApplication.processEvents()
page.shown.controls._values.setCurrentIndex(1)
page.figure.save(Path(sys.argv[2]) / "figure.png")
while not page.figure._save.isEnabled() and time.monotonic() < end:
    QApplication.processEvents()
print("heads", page.overlay.heads, "torch", "torch" in sys.modules)
dock.bench.close()
viewer.close()
"""


def test_the_process_of_the_window_never_imports_torch(tiny_tiff, tmp_path):
    told = subprocess.run(
        [sys.executable, "-c", _WINDOW, tiny_tiff, tmp_path / "results"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert "heads 8 torch False" in told.stdout, told.stderr
    assert (tmp_path / "results" / "figure.png").exists()


def test_a_run_is_paused_goes_on_follows_the_view_and_is_stopped(overlays_page, qtbot):
    viewer, dock, page = overlays_page
    dock.bench.add_slide(PhantomSlide(3, 9000, 9000, 0.5))
    viewer.reset_view()
    settle(0.3)
    runs, panel = page.runs, page.runs.panel
    press(qtbot, runs.run_button)
    qtbot.waitUntil(lambda: panel._bar.value() > 0, timeout=PATIENCE_MS)
    press(qtbot, panel._pause)
    qtbot.waitUntil(lambda: "paused" in panel._bar.format(), timeout=PATIENCE_MS)
    done = -1
    while panel._bar.value() != done:  # what was in flight comes still
        done = panel._bar.value()
        settle(1.5)
    assert panel._pause.text() == "Go on"

    shown = dock.bench.shown
    tissue = page.runs._planned.plan.tiles_ij
    row, column = max(tissue)  # far down
    viewer.scene.camera.zoom = 8.0
    viewer.scene.camera.center = tuple(
        (index * 128 + 64) * mpp
        for index, mpp in zip((row, column), shown.slide.mpp_yx, strict=True)
    )
    settle(0.6)
    press(qtbot, panel._pause)
    place = np.s_[0, row * 16 + 1, column * 16 + 1]
    path = page.overlay.path

    def is_computed():
        return bool(np.isfinite(values_of(path)[place]))

    qtbot.waitUntil(is_computed, timeout=PATIENCE_MS)
    assert panel._bar.value() < 0.9 * panel._bar.maximum()
    press(qtbot, panel._stop)
    qtbot.waitUntil(lambda: not page.is_busy, timeout=PATIENCE_MS)
    assert "Stopped" in runs.outcome.text()
    assert runs.run_button.isEnabled()


def test_a_worklist_goes_on_after_a_bad_slide_and_says_so(
    overlays_page, tiny_tiff, tmp_path, qtbot
):
    _viewer, dock, page = overlays_page
    folder = tmp_path / "slides"
    folder.mkdir()
    for name in ("Jane Doe.tif", "John Roe.tif"):
        shutil.copy(tiny_tiff, folder / name)
    (folder / "bad Moe.tif").write_bytes(b"no slide")
    panel = dock.pages["Slide"].worklist
    panel._mask.setChecked(True)
    panel.open_folder(folder)
    runs = page.runs
    runs.form.choose_extent("list")
    press(qtbot, runs.run_button)
    said = []
    dock.bench.progressed.connect(lambda *_: said.append(runs.panel._sentence.text()))
    qtbot.waitUntil(lambda: not page.is_busy, timeout=PATIENCE_MS)
    assert "2 of 3 slides are done" in runs.outcome.text()
    everything = " ".join([*said, runs.outcome.text(), runs.cost.text()])
    assert "Slide 2" in everything
    for name in ("Jane", "John", "Moe"):
        assert name not in everything
    written = list((tmp_path / "results").glob("*/overlays/*.ome.zarr"))
    assert len(written) == 2
    assert page.overlay.path in paths.list_overlays(dock.bench.shown.folder)
