"""The Learn page in a real window: paint, learn, see it grow, go on, make a mask."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS, settle

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.panels.learn_report import list_learned
from napari_histossl.store import paths

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytestmark = [pytest.mark.gui, pytest.mark.torch]

CONFIG = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 1, "num_heads": 2}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A tiny transformer: 32 px tiles of 8 px tokens at 0.5 um."""
    import torch

    from napari_histossl.models import create_model, model_spec, save_weights

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    spec = replace(model_spec("vit", **CONFIG), tile_px=32, mpp=0.5)
    save_weights(create_model("vit", **CONFIG), spec, path)
    return path


@pytest.fixture
def window(make_napari_viewer, tmp_path, monkeypatch, weights):
    """A window on the Learn page without a slide: viewer, dock, page."""
    from napari_histossl.widgets.dock import Dock

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("NAPARI_HISTOSSL_WEIGHTS", str(tmp_path / "weights"))
    viewer = make_napari_viewer(show=True)
    dock = Dock(viewer, ("Overlays", "Correct", "Learn"), tmp_path / "results")
    viewer.window.add_dock_widget(dock, name="HistoSSL", area="right")
    viewer.window._qt_window.resize(1100, 900)
    dock.show_page("Learn")
    page = dock.pages["Learn"]
    page.form.weights.choose(weights)
    settle(0.2)
    yield viewer, dock, page
    dock.bench.close()


@pytest.fixture
def folder(tiny_tiff, tmp_path):
    return paths.results_folder(tiny_tiff, tmp_path / "results")


@pytest.fixture
def mask(folder):
    """A mask that is empty; its slide has tissue in the middle."""
    path = paths.mask_path(folder, "nests")
    path.parent.mkdir(parents=True)
    MaskStore.create(path, (700, 900), 0.5).close()
    return path


STROKES = [
    Stroke([(row, column)], 24, index)
    for column in (330, 450, 570)
    for row, index in ((290, 1), (410, 2))
]


def press(qtbot, button):
    from qtpy.QtCore import Qt

    assert button.isEnabled()
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def ask(qtbot, page):
    """Press Learn and wait for the price, or for what is against it."""
    press(qtbot, page.run.ask_button)
    qtbot.waitUntil(
        lambda: not page.run.price_text.startswith("Looking"), timeout=PATIENCE_MS
    )


def start(qtbot, dock, page):
    ask(qtbot, page)
    assert page.run.plan is not None, page.run.price_text
    press(qtbot, page.run.start_button)
    qtbot.waitUntil(lambda: not dock.bench.worker.is_running, timeout=PATIENCE_MS)
    settle(0.2)


def test_what_is_missing_is_said(window, tiny_tiff, qtbot, mask):
    _, dock, page = window
    assert page.hint.text().startswith("Open a slide first")
    assert not page.run.isVisible()
    mask_away = mask.rename(mask.with_suffix(".away"))
    dock.bench.open_path(tiny_tiff)
    assert page.hint.text().startswith("No mask on this slide yet")
    mask_away.rename(mask)
    dock.show_page("Correct")
    dock.show_page("Learn")
    settle(0.1)
    assert page.form.mask.currentText() == "nests"
    ask(qtbot, page)
    assert page.run.price_text.startswith("Nothing has been corrected or accepted")
    assert page.run.plan is None


def test_no_torch_in_the_window():
    code = (
        "import sys, napari_histossl.widgets.learn_page; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_paint_learn_go_on_and_make_a_mask(window, tiny_tiff, qtbot, mask, folder):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    viewer, dock, page = window
    dock.bench.open_path(tiny_tiff)
    correct = dock.pages["Correct"]
    correct.open_mask(mask)
    page.refresh()
    for stroke in STROKES:  # the mask stays open for correcting
        correct.session.draw(stroke)
    qtbot.waitUntil(lambda: correct.session.store.can_undo, timeout=PATIENCE_MS)
    settle(0.3)
    viewer.scene.camera.zoom = 5
    viewer.scene.camera.center = (150, 200)
    settle(0.2)

    start(qtbot, dock, page)
    (first,) = list_learned(folder)
    assert page.proposals.path == first
    layer = page.proposals.layer.layer
    assert layer.name == "learned from nests 1"
    assert set(np.unique(np.asarray(layer.data))) == {0, 1, 2}
    rows = page.table.texts()
    assert [row[0] for row in rows] == ["tumour", "stroma", "mean"]
    assert all("–" in row[1] for row in rows)  # the mask started empty
    assert "mm²" in page.table.said.text()

    # the whole slide, with the same head
    before = np.count_nonzero(np.asarray(layer.data))
    press(qtbot, page.proposals.whole_button)
    qtbot.waitUntil(lambda: page.run.plan is not None, timeout=PATIENCE_MS)
    press(qtbot, page.run.start_button)
    qtbot.waitUntil(lambda: not dock.bench.worker.is_running, timeout=PATIENCE_MS)
    settle(0.3)
    assert list_learned(folder) == [first]
    grown = np.count_nonzero(np.asarray(page.proposals.layer.layer.data))
    assert grown > before

    # a mask of it, by its key on the canvas
    canvas = viewer.window._qt_viewer.canvas.native
    canvas.setFocus()
    QTest.keyClick(canvas, Qt.Key.Key_K)
    qtbot.waitUntil(
        lambda: correct.session is not None and correct.session.path != mask,
        timeout=PATIENCE_MS,
    )
    told = correct.session.store.provenance
    assert told["overlay"] == first.name
    assert told["made_with"]["parameters"]["head"]["mask"] == "nests"


def test_one_class_only_is_told_on_the_page(window, tiny_tiff, qtbot, mask):
    _, dock, page = window
    with MaskStore.open(mask) as store:
        store.paint(STROKES[0])
    dock.bench.open_path(tiny_tiff)
    start(qtbot, dock, page)
    assert "correct at least two classes" in page.outcome.text()
    assert page.run.ask_button.isEnabled()


def test_another_choice_takes_the_price_back(window, tiny_tiff, qtbot, mask):
    from qtpy.QtCore import Qt

    _, dock, page = window
    with MaskStore.open(mask) as store:
        for stroke in STROKES:
            store.paint(stroke)
    dock.bench.open_path(tiny_tiff)
    ask(qtbot, page)
    assert "tiles with corrections" in page.run.price_text
    qtbot.keyClick(page.form.model, Qt.Key.Key_PageUp)
    assert page.form.choice().model_weight > 0.1
    assert page.run.plan is None
    assert page.run.price_text == ""
