"""The Overlays page on bad days, and two levels of attention run from it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS, settle
from overlays_for_tests import press
from PIL import Image

from napari_histossl.phantom import PhantomSlide
from napari_histossl.resources import sample_file
from napari_histossl.store import Pyramid

pytestmark = pytest.mark.gui

PATCH_PX, GRID = 32, 4
PATCH = {
    "img_size": PATCH_PX, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3,
}  # fmt: skip
REGION = {
    "img_size": 64, "input_embed_dim": 24, "output_embed_dim": 16, "depth": 2,
    "num_heads": 2,
}  # fmt: skip


def wait(qtbot, condition):
    qtbot.waitUntil(condition, timeout=PATIENCE_MS)


def wait_for_cost(qtbot, page, words):
    wait(qtbot, lambda: words in page.runs.cost.text())


def picture(path, grey):
    Image.fromarray(np.full((900, 900, 3), grey, np.uint8)).save(path)
    return path


# ---- Nothing to run, and why


def test_a_slide_without_scale_sends_to_the_slide_page(
    overlays_page, tissue_picture, tmp_path, qtbot
):
    _viewer, dock, page = overlays_page
    path = tmp_path / "no scale.png"
    Image.fromarray(tissue_picture).save(path)
    dock.bench.open_path(path)
    wait_for_cost(qtbot, page, "enter it on the Slide page")
    assert not page.runs.run_button.isEnabled()
    assert "8 heads" in page.runs.form._about.text(), "the weights are fine"
    dock.bench.set_mpp(0.5)
    wait_for_cost(qtbot, page, "tiles of 128 px")
    assert page.runs.run_button.isEnabled()


def test_a_slide_without_tissue(overlays_page, tmp_path, qtbot):
    _viewer, dock, page = overlays_page
    dock.bench.open_path(picture(tmp_path / "glass.png", 246), 0.5)
    wait_for_cost(qtbot, page, "No tissue was found")
    assert not page.runs.run_button.isEnabled()


@pytest.mark.torch
def test_weights_of_another_architecture(overlays_page, tiny_tiff, tmp_path, qtbot):
    from safetensors.numpy import save_file

    pytest.importorskip("torch")
    _viewer, dock, page = overlays_page
    path = tmp_path / "words.safetensors"
    save_file({"bert.embeddings.weight": np.zeros((10, 4), np.float32)}, path)
    dock.bench.open_path(tiny_tiff)
    form = page.runs.form
    form.weights.choose(path)
    wait(qtbot, lambda: "bert.embeddings" in form._about.text())
    assert form._model.isVisible()
    assert form._model.currentText() == "choose one"
    wait_for_cost(qtbot, page, "does not say which model")
    form._model.setCurrentText("vit_small_patch16")
    wait_for_cost(qtbot, page, "missing")
    assert not page.runs.run_button.isEnabled()
    form.weights._list.setCurrentIndex(0)
    wait(qtbot, page.runs.run_button.isEnabled)
    assert not form._model.isVisible()


def test_half_a_download(overlays_page, tiny_tiff, tmp_path, qtbot):
    _viewer, dock, page = overlays_page
    whole = sample_file("dino_sample.safetensors").read_bytes()
    path = tmp_path / "half.safetensors"
    path.write_bytes(whole[: len(whole) // 2])
    dock.bench.open_path(tiny_tiff)
    page.runs.form.weights.choose(path)
    wait_for_cost(qtbot, page, "half.safetensors")
    assert not page.runs.run_button.isEnabled()
    assert not page.runs.form._about.isVisible(), "nothing is known of it"


def test_a_file_is_added_to_the_library(
    overlays_page, tiny_tiff, tmp_path, qtbot, monkeypatch
):
    from qtpy.QtWidgets import QFileDialog

    _viewer, dock, page = overlays_page
    path = tmp_path / "from my lab.safetensors"
    path.write_bytes(sample_file("dino_sample.safetensors").read_bytes())
    monkeypatch.setattr(
        QFileDialog, "getOpenFileName", lambda *_args, **_options: (str(path), "")
    )
    dock.bench.open_path(tiny_tiff)
    weights = page.runs.form.weights
    press(qtbot, weights._add)
    stored = tmp_path / "weights" / "from my lab.safetensors"
    wait(qtbot, lambda: weights.chosen == stored)
    assert stored.exists()
    wait(qtbot, page.runs.run_button.isEnabled)


# ---- Runs that end badly


@pytest.fixture
def running(overlays_page, qtbot):
    """A run over a large slide that has just begun."""
    pytest.importorskip("torch")
    viewer, dock, page = overlays_page
    dock.bench.add_slide(PhantomSlide(3, 5000, 5000, 0.5))
    viewer.reset_view()
    press(qtbot, page.runs.run_button)
    wait(qtbot, lambda: page.runs.panel._bar.value() > 0)
    return dock.bench.worker, page


@pytest.mark.torch
def test_a_worker_that_is_killed_costs_a_few_batches(running, qtbot):
    worker, page = running
    bar = page.runs.panel._bar
    before = bar.value()
    worker._link.process.kill()
    wait(qtbot, lambda: bar.value() > before + 8 or not page.is_busy)
    assert page.is_busy, page.runs.outcome.text()
    press(qtbot, page.runs.panel._stop)


@pytest.mark.torch
def test_a_worker_that_cannot_live_is_told(running, qtbot):
    worker, page = running

    def is_over():
        if worker._link is not None:
            worker._link.process.kill()
        return not page.is_busy

    wait(qtbot, is_over)
    outcome = page.runs.outcome
    assert "worker process ended early" in outcome.text()
    assert "what is finished is kept" in outcome.text()
    press(qtbot, page.runs.run_button)
    wait(qtbot, page.runs.panel.isVisible)
    assert not outcome.isVisible()
    press(qtbot, page.runs.panel._stop)
    assert "Stopped" in outcome.text(), "the failure was another run's"


@pytest.mark.torch
def test_results_that_cannot_be_written(overlays_page, tiny_tiff, qtbot):
    """A file is in the way: refused as a read-only folder is, whoever runs this."""
    pytest.importorskip("torch")
    _viewer, dock, page = overlays_page
    dock.bench.open_path(tiny_tiff)
    folder = dock.bench.shown.folder
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "overlays").write_text("in the way")
    press(qtbot, page.runs.run_button)
    wait(qtbot, lambda: "cannot be written" in page.runs.outcome.text())
    assert "workspace folder" in page.runs.outcome.text()
    (folder / "overlays").unlink()
    press(qtbot, page.runs.run_button)
    wait(qtbot, lambda: "tiles are done" in page.runs.outcome.text())


# ---- Two levels


@pytest.fixture
def two_levels(tmp_path):
    """Weights of a patch and of a region model in the library of the page."""
    torch = pytest.importorskip("torch")
    from napari_histossl.models import create_model, model_spec, save_weights

    folder = tmp_path / "weights"
    folder.mkdir()
    torch.manual_seed(1)
    for name, kind, config, told in (
        ("patches", "vit", PATCH, {"tile_px": PATCH_PX, "mpp": 0.5}),
        ("regions", "hipt_region_vit", REGION, {"tile_px": GRID}),
    ):
        model = create_model(kind, **config)
        for parameter in model.parameters():
            parameter.data.mul_(4)
        spec = replace(model_spec(kind, **config), **told)
        save_weights(model, spec, folder / f"{name}.safetensors")


@pytest.mark.torch
def test_two_levels_are_run_from_the_page(two_levels, overlays_page, tiny_tiff, qtbot):
    viewer, dock, page = overlays_page
    dock.bench.open_path(tiny_tiff)
    form = page.runs.form
    form._kind.setCurrentIndex(1)
    assert form.region_weights.isVisible()
    form.weights._list.setCurrentText("patches")
    form.region_weights._list.setCurrentText("regions")
    wait_for_cost(qtbot, page, "regions of 128 px")
    press(qtbot, page.runs.run_button)
    wait(qtbot, lambda: page.overlay.layer is not None and not page.is_busy)
    names = page.overlay.said.channel_names
    assert len(names) == 3 + 2 + 1
    assert page.overlay.said.is_hierarchy
    pictures = page.shown.controls.pictures.buttons()
    assert [pictures[i].toolTip() for i in range(6)] == list(names)
    viewer.scene.camera.zoom = 0.6
    wait(qtbot, lambda: names[page.overlay.head].startswith("region head"))
    viewer.scene.camera.zoom = 5
    wait(qtbot, lambda: names[page.overlay.head].startswith("patch head"))
    with Pyramid.open(page.overlay.path) as pyramid:
        values = pyramid.read(pyramid.levels[0].box)
    ranks = values[np.isfinite(values)]
    assert ranks.size
    assert 0 <= ranks.min() < 0.1 < 0.9 < ranks.max() <= 1
    settle(0.2)
