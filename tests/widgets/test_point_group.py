"""Attention from a point in a real window, with the mouse and the keys."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from conftest_gui import settle, world_to_canvas

pytest.importorskip("torch")
pytestmark = [pytest.mark.gui, pytest.mark.torch]

CONFIG = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Tiles of 32 px, tokens of 8 px, 3 heads; sharper than at the start."""
    import torch

    from napari_histossl.models import create_model, model_spec, save_weights

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    spec = replace(model_spec("vit", **CONFIG), tile_px=32, mpp=0.5)
    model = create_model("vit", **CONFIG)
    for parameter in model.parameters():
        parameter.data.mul_(4)
    save_weights(model, spec, path)
    return path


@pytest.fixture
def window(make_napari_viewer, tmp_path, tiny_tiff, weights, monkeypatch):
    """A viewer with a slide, zoomed in, and the group beside it."""
    from napari_histossl.panels.attention import AttentionChoice
    from napari_histossl.widgets._overlay_layer import OverlayLayer
    from napari_histossl.widgets._point_group import PointGroup
    from napari_histossl.widgets._workbench import Workbench

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1200, 800)
    bench = Workbench(viewer, tmp_path / "results")
    chosen = {"weights": weights}
    group = PointGroup(bench, OverlayLayer(bench), lambda: AttentionChoice(**chosen))
    group.chosen = chosen
    dock = viewer.window.add_dock_widget(group, name="Point", area="right")
    dock.setFixedWidth(340)
    bench.open_path(tiny_tiff)
    viewer.scene.camera.zoom = 4  # what is pointed at is well inside the canvas
    viewer.scene.camera.center = (170, 220)
    settle(0.5)
    yield viewer, group
    bench.close()


@pytest.fixture
def said():
    from napari.utils.notifications import notification_manager

    before = len(notification_manager.records)
    return lambda: [
        str(note.message) for note in list(notification_manager.records)[before:]
    ]


def hover(viewer, at_px0):
    """Move the mouse to a place of the slide of 0.5 um a pixel."""
    from qtpy.QtCore import QPoint
    from qtpy.QtTest import QTest

    canvas = viewer.window._qt_viewer.canvas.native
    place = world_to_canvas(viewer, (np.array(at_px0) - 0.5) * 0.5)
    QTest.mouseMove(canvas, place + QPoint(1, 0))  # else it may be there already
    QTest.mouseMove(canvas, place)
    settle(0.05)


def click(viewer, at_px0):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    hover(viewer, at_px0)
    canvas = viewer.window._qt_viewer.canvas.native
    place = world_to_canvas(viewer, (np.array(at_px0) - 0.5) * 0.5)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    settle(0.05)


def press(qtbot, group):
    from qtpy.QtCore import Qt

    qtbot.mouseClick(group._follow, Qt.MouseButton.LeftButton)


def wait_for(qtbot, group, words):
    qtbot.waitUntil(lambda: words in group._status.text(), timeout=60_000)


def status(group):
    return group._status.text()


def shown(group):
    """What the heat layer shows: where in tokens of the slide, and the numbers."""
    heat = group.layer.heat
    if heat is None or not heat.visible:
        return None
    rows, columns = np.nonzero(np.isfinite(heat.data))
    corner = np.array([rows.min(), columns.min()])
    values = heat.data[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    world = np.array(heat.translate) + corner * heat.scale
    place = (world - np.array(heat.scale) / 2 + 0.25) / heat.scale
    return tuple(np.round(place).astype(int).tolist()), values


def expected(group, slide_path, weights, at_px0, head=None):
    from napari_histossl.overlays.point import PointPredictor
    from napari_histossl.panels.attention import AttentionChoice
    from napari_histossl.panels.point import plan_point
    from napari_histossl.slide import open_slide

    with open_slide(slide_path) as slide:
        plan = plan_point(AttentionChoice(weights=weights), slide)
        with PointPredictor(slide.source, plan) as predictor:
            found = predictor.at(*at_px0)
    values = found.values.astype(np.float32)
    row, column = found.tile_px0.y // 8, found.tile_px0.x // 8
    return (row, column), values.mean(0) if head is None else values[head]


def test_it_follows_pins_and_ends(window, qtbot, tiny_tiff, weights):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    viewer, group = window
    layers = list(viewer.layers)
    press(qtbot, group)
    hover(viewer, (330, 420))
    wait_for(qtbot, group, "Click pins")
    for at in [(330, 420), (340, 425), (330, 500), (300, 380)]:
        hover(viewer, at)
        where, numbers = expected(group, tiny_tiff, weights, at)
        qtbot.waitUntil(lambda: (shown(group) or [0])[0] == where, timeout=60_000)  # noqa: B023
        values = shown(group)[1]
        np.testing.assert_allclose(values, numbers, rtol=4e-3, atol=2e-3)

    click(viewer, (330, 420))
    assert status(group).startswith("Pinned")
    before = shown(group)
    hover(viewer, (340, 500))
    assert shown(group)[0] == before[0]
    click(viewer, (331, 421))  # the same token
    assert status(group).startswith("Click pins")
    hover(viewer, (340, 500))
    qtbot.waitUntil(lambda: (shown(group) or before)[0] != before[0], timeout=60_000)

    QTest.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Escape)
    assert not group.is_on
    assert not group._follow.isChecked()
    assert list(viewer.layers) == layers
    hover(viewer, (330, 420))
    assert list(viewer.layers) == layers


def test_a_seen_tile_needs_no_worker(window, qtbot):
    viewer, group = window
    press(qtbot, group)
    hover(viewer, (330, 420))
    wait_for(qtbot, group, "Click pins")
    first = shown(group)[1].copy()
    group.bench.worker.close()
    hover(viewer, (350, 440))
    assert status(group).startswith("Click pins")
    assert not np.array_equal(shown(group)[1], first)


def test_heads(window, qtbot, tiny_tiff, weights):
    viewer, group = window
    press(qtbot, group)
    hover(viewer, (330, 420))
    wait_for(qtbot, group, "Click pins")
    assert [group._head.itemText(n) for n in range(group._head.count())] == [
        "mean of heads", "head 0", "head 1", "head 2"
    ]  # fmt: skip
    for head in (0, 2):
        group._head.setCurrentIndex(head + 1)
        numbers = expected(group, tiny_tiff, weights, (330, 420), head)[1]
        np.testing.assert_allclose(shown(group)[1], numbers, rtol=4e-3, atol=2e-3)
    assert "block 2 of 2" in group._meaning.text()
    assert "1 = uniform" in group._meaning.text()


def test_off_the_slide_and_too_far_away(window, qtbot):
    viewer, group = window
    press(qtbot, group)
    hover(viewer, (330, 420))
    wait_for(qtbot, group, "Click pins")
    viewer.scene.camera.center = (0, 0)
    hover(viewer, (-20, -20))
    assert "off the slide" in status(group)
    assert shown(group) is None
    viewer.scene.camera.center = (170, 220)
    viewer.scene.camera.zoom = 1
    hover(viewer, (331, 425))
    assert status(group).startswith("Zoom in")
    viewer.scene.camera.zoom = 4
    hover(viewer, (331, 425))
    assert shown(group) is not None


def test_the_slide_ends_inside_a_tile(window, qtbot):
    """The slide has 700 x 900 px: its last row of tiles has 28 px of 32."""
    viewer, group = window
    viewer.scene.camera.center = (340, 440)
    press(qtbot, group)
    hover(viewer, (695, 898))
    wait_for(qtbot, group, "Click pins")
    place, values = shown(group)
    assert place == (84, 112)
    assert values.shape == (4, 1)


def test_while_a_run_goes_on(window, qtbot, tmp_path, weights):
    from napari_histossl.overlays.engine import run
    from napari_histossl.panels.attention import AttentionChoice, gather, resolve

    viewer, group = window
    slide = group.bench.shown.slide
    choice = AttentionChoice(weights=weights, workspace=tmp_path, batch=1)
    plan = resolve(choice, gather(choice, slide))
    group.bench.run(lambda _complete: None, run, slide.source, plan)
    press(qtbot, group)
    hover(viewer, (330, 420))
    wait_for(qtbot, group, "Click pins")
    assert shown(group) is not None
    group.bench.stop()


def test_with_an_overlay_its_model_is_asked_and_it_makes_room(
    window, qtbot, tmp_path, weights
):
    from napari_histossl.overlays.engine import run
    from napari_histossl.panels.attention import AttentionChoice, gather, resolve

    viewer, group = window
    slide = group.bench.shown.slide
    choice = AttentionChoice(
        weights=weights, workspace=tmp_path, values="rank", block=0
    )
    plan = resolve(choice, gather(choice, slide))
    for _ in run(slide.source, plan):
        pass
    group.overlay.show(Path(plan.out))
    overlay = group.overlay.layer
    overlay.opacity, overlay.colormap = 0.7, "magma"
    press(qtbot, group)
    hover(viewer, (330, 420))
    wait_for(qtbot, group, "Click pins")
    assert "block 1 of 2" in group._meaning.text()
    assert "percent" in group._meaning.text()
    assert shown(group)[1].max() == 100
    assert not overlay.visible
    heat = group.layer.heat
    assert heat.opacity == 0.7
    assert heat.colormap.name == "magma"
    assert tuple(heat.contrast_limits) == (0, 100)
    group.end()
    assert overlay.visible


def test_a_model_without_attention(window, qtbot, tmp_path):
    from napari_histossl.models import create_model, model_spec, save_weights

    _viewer, group = window
    path = tmp_path / "resnet.safetensors"
    spec = model_spec("resnet18_simclr")
    save_weights(create_model(spec.name), spec, path)
    group.chosen["weights"] = path
    press(qtbot, group)
    wait_for(qtbot, group, "no attention heads")
    assert not group.is_on
    assert not group._follow.isChecked()


def test_no_weights_and_a_masked_name(window, qtbot, tmp_path):
    _viewer, group = window
    group.chosen["weights"] = tmp_path / "gone.safetensors"
    press(qtbot, group)
    wait_for(qtbot, group, "gone.safetensors cannot be read")
    group.bench.call_slide("Slide 7")
    name = group.bench.shown.source.name
    assert group._told(f"{name} is bad") == "Slide 7 is bad."


def test_the_worker_dies_and_lives_again(window, qtbot):
    viewer, group = window
    press(qtbot, group)
    qtbot.waitUntil(lambda: group.plan is not None)
    hover(viewer, (330, 420))
    wait_for(qtbot, group, "Loading the model")
    group.bench.worker._link.process.kill()
    wait_for(qtbot, group, "ended early")
    hover(viewer, (330, 500))
    wait_for(qtbot, group, "Click pins")


def test_without_a_slide(window):
    viewer, group = window
    viewer.layers.clear()
    assert not group._follow.isEnabled()
    assert status(group) == "Open a slide first."


def test_no_torch_in_the_window():
    code = (
        "import sys\n"
        "import napari_histossl.widgets._point_group\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
