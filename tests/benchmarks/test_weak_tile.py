"""The mu slider: from a move to the picture of the tile under the cursor.

The floor is a frame of the same window that is only asked to draw, and one pass of the
classifier's head over features that are stored. All take turns; medians are printed.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = [pytest.mark.gui, pytest.mark.torch]

sys.path.insert(0, str(Path(__file__).parents[1] / "widgets"))
from conftest_gui import settle, world_to_canvas  # noqa: E402

MOVES = 60


@pytest.fixture
def window(make_napari_viewer, tmp_path):
    """The sample slide, the group beside it, a tile under the cursor."""
    from qtpy.QtTest import QTest

    from napari_histossl.models import create_model, model_spec, save_weights
    from napari_histossl.resources import sample_file
    from napari_histossl.widgets._weak_group import WeakGroup
    from napari_histossl.widgets._workbench import Workbench

    torch.manual_seed(0)
    spec = replace(model_spec("resnet38", width=0.125), mpp=0.5)
    path = tmp_path / "classifier.safetensors"
    save_weights(create_model("resnet38", width=0.125), spec, path)
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1500, 950)
    bench = Workbench(viewer, tmp_path)
    group = WeakGroup(bench)
    group.runs.classifier.choose(path)
    viewer.window.add_dock_widget(group, area="right")
    bench.open_path(sample_file("sample.svs"))
    viewer.scene.camera.zoom, viewer.scene.camera.center = 3, (960, 960)
    settle(1)
    group.follow.button.click()
    canvas = viewer.window._qt_viewer.canvas.native
    QTest.mouseMove(canvas, world_to_canvas(viewer, (962, 962)))
    QTest.mouseMove(canvas, world_to_canvas(viewer, (960, 960)))
    end_s = time.monotonic() + 120
    while group.follow.tile.tile is None and time.monotonic() < end_s:
        settle(0.05)
    yield viewer, group
    bench.close()


def test_slider_to_picture(benchmark, capsys, window):
    """Of a tile of 224 px, 28 x 28 places and 4 classes."""
    from qtpy.QtWidgets import QApplication

    viewer, group = window
    assert group.follow.tile.tile is not None
    scene = viewer.window._qt_viewer.canvas._scene_canvas
    drawn = []
    scene.events.draw.connect(
        lambda _event: drawn.append(time.perf_counter()), position="last"
    )
    features = torch.rand(1, 512, 28, 28)
    from napari_histossl.models import create_model

    model = create_model("resnet38", width=0.125).eval()
    random = np.random.default_rng(0)

    def until_drawn(do):
        drawn.clear()
        start_s = time.perf_counter()
        do()
        while not drawn:
            QApplication.processEvents()
        spent_ms = (drawn[-1] - start_s) * 1e3
        settle(0.03)
        return spent_ms

    def head():
        start_s = time.perf_counter()
        with torch.inference_mode():
            mu = float(random.random())
            attention = model.dropout_attention(features, mu, divisor=None)
            model.logits_of(features * attention)
        return (time.perf_counter() - start_s) * 1e3

    def turn():
        value = group.sliders.mu.value()
        while value == group.sliders.mu.value():
            value = int(random.integers(1, 100))
        ours = until_drawn(lambda: group.sliders.mu.setValue(value))
        return ours, until_drawn(scene.update), head()

    turns = [turn() for _ in range(MOVES if benchmark.enabled else 3)]
    benchmark.pedantic(lambda: None, rounds=1)
    ours, floor, heads = (sorted(times) for times in zip(*turns, strict=True))
    over = statistics.median(one - two for one, two, _ in turns)
    with capsys.disabled():
        print(
            f"\nmu to picture: median {statistics.median(ours):.1f} ms, a frame alone "
            f"{statistics.median(floor):.1f} ms, over it {over:.1f} ms (at most 30); "
            f"p95 {ours[int(0.95 * len(ours))]:.1f} ms; one head pass on stored "
            f"features {statistics.median(heads):.2f} ms ({os.cpu_count()} cores)"
        )
