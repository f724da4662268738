"""Find what looks like this in a real window, with the mouse and the keys."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS, settle, world_to_canvas

from napari_histossl.slide import open_slide
from napari_histossl.store import EmbeddingsHeader, EmbeddingStore
from napari_histossl.store.embeddings_h5 import write_h5
from napari_histossl.store.paths import embeddings_path, results_folder

pytestmark = pytest.mark.gui

PATCH = 50
"""The slides have 700 x 900 px: 14 x 18 patches."""


def store(slide_path, workspace, seed=0, name="drawn", count=252):
    """Two kinds of patches, in the left and the right half of a slide."""
    index = np.arange(count)
    places = np.stack([index // 18, index % 18], 1) * PATCH
    kinds = (places[:, 1] >= 450).astype(int)
    noise = np.random.default_rng(seed).normal(0, 0.05, (count, 8))
    with open_slide(slide_path) as slide:
        header = EmbeddingsHeader(
            slide.source.name, slide.source.fingerprint, slide.levels[0].shape,
            slide.mpp_yx, float(PATCH), "vit", "ab" * 32,
        )  # fmt: skip
        path = embeddings_path(results_folder(slide.source, workspace), name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with EmbeddingStore.create(path, header, places, 8, overwrite=True) as made:
        made.write(range(count), np.eye(8)[kinds] + noise)
    return path


@pytest.fixture
def window(make_napari_viewer, tmp_path, monkeypatch):
    from napari_histossl.widgets._similar_group import SimilarGroup
    from napari_histossl.widgets._workbench import Workbench
    from napari_histossl.widgets._worklist import WorklistPanel

    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(1300, 950)
    bench = Workbench(viewer, tmp_path / "results")
    group = SimilarGroup(bench)
    panel = WorklistPanel(bench)
    group.follow_worklist(lambda: panel.worklist, panel.open)
    group.panel = panel
    dock = viewer.window.add_dock_widget(group, name="Similar", area="right")
    dock.setFixedWidth(340)
    yield viewer, group
    bench.close()


@pytest.fixture
def opened(window, tiny_tiff, tmp_path):
    """A slide with embeddings, all of it on the screen."""
    viewer, group = window
    store(tiny_tiff, tmp_path / "results")
    group.bench.open_path(tiny_tiff)
    group.form.refresh()
    look(viewer)
    return viewer, group


@pytest.fixture
def listed(window, tiny_tiff, tmp_path):
    """A worklist of three slides, two of which have embeddings."""
    viewer, group = window
    folder = tmp_path / "slides"
    folder.mkdir()
    for number, name in enumerate(("Anna.tif", "Berta.tif", "Clara.tif")):
        shutil.copy(tiny_tiff, folder / name)
        with (folder / name).open("ab") as file:  # a fingerprint of its own
            file.write(bytes([number]) * 8)
        if name != "Clara.tif":
            store(folder / name, tmp_path / "results", seed=number)
    group.panel.open_folder(folder)
    group.form.refresh()
    look(viewer)
    return viewer, group


def look(viewer):
    viewer.scene.camera.zoom = 1.2
    viewer.scene.camera.center = (175, 225)
    settle(0.5)


def world(at_px0):
    return (np.array(at_px0) - 0.5) * 0.5


def click(viewer, at_px0):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    canvas = viewer.window._qt_viewer.canvas.native
    place = world_to_canvas(viewer, world(at_px0))
    QTest.mouseMove(canvas, place)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    settle(0.05)


def drag_with_shift(viewer, one_px0, other_px0):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    canvas = viewer.window._qt_viewer.canvas.native
    shift, left = Qt.KeyboardModifier.ShiftModifier, Qt.MouseButton.LeftButton
    first, last = (world_to_canvas(viewer, world(p)) for p in (one_px0, other_px0))
    QTest.mouseMove(canvas, first)
    QTest.mousePress(canvas, left, shift, first)
    for share in (0.3, 0.6, 1.0):
        place = first + (last - first) * share
        event_move(canvas, place, shift)
        settle(0.02)
    QTest.mouseRelease(canvas, left, shift, last)
    settle(0.05)


def event_move(canvas, place, modifiers):
    """QTest moves the mouse without modifiers."""
    from qtpy.QtCore import QEvent, QPointF, Qt
    from qtpy.QtGui import QMouseEvent
    from qtpy.QtWidgets import QApplication

    at = QPointF(place)
    left = Qt.MouseButton.LeftButton
    event = QMouseEvent(
        QEvent.Type.MouseMove, at, canvas.mapToGlobal(at), left, left, modifiers
    )
    QApplication.sendEvent(canvas, event)


def press(qtbot, widget):
    from qtpy.QtCore import Qt

    assert widget.isEnabled()
    qtbot.mouseClick(widget, Qt.MouseButton.LeftButton)


def status(group):
    return group._status.text()


def wait_for(qtbot, group, words):
    qtbot.waitUntil(lambda: words in group._status.text(), timeout=PATIENCE_MS)


def wait_until(qtbot, condition):
    qtbot.waitUntil(condition, timeout=PATIENCE_MS)


def turn_on(qtbot, group):
    press(qtbot, group.find_button)
    wait_for(qtbot, group, "Click a patch")


def wait_for_heat(qtbot, group):
    qtbot.waitUntil(lambda: group.layer.heat is not None, timeout=PATIENCE_MS)
    return group.layer.heat


def test_a_click_finds_what_is_alike_and_lights_it_up(opened, qtbot):
    viewer, group = opened
    turn_on(qtbot, group)
    click(viewer, (120, 620))
    wait_for(qtbot, group, "most like this patch")
    assert group.answers.results.count() == 20
    assert all(match.position_px0[1] >= 450 for match in group.search.result.matches)
    low, high = viewer.layers["box to look for"].extent.world
    np.testing.assert_allclose((low + high) / 2, world((125, 625)), atol=1)
    heat = wait_for_heat(qtbot, group)
    assert heat.data.shape == (14, 18)
    assert heat.data[:, 9:].min() > heat.data[:, :9].max()
    # it lies on its patches: 25 um each, from the edge of the slide
    first = np.array(heat.translate) - np.array(heat.scale) / 2
    np.testing.assert_allclose(heat.scale, (25, 25))
    np.testing.assert_allclose(first, (-0.25, -0.25))
    assert heat.contrast_limits[1] == pytest.approx(
        group.search.result.matches[0].score
    )
    assert heat.colorbar.visible
    qtbot.waitUntil(group.answers.bar.isVisible, timeout=PATIENCE_MS)
    assert "cosine" in group.answers.bar.texts[2]
    click(viewer, (120, 120))  # the next question replaces it
    wait_until(qtbot, lambda: heat.data[:, :9].min() > heat.data[:, 9:].max())
    assert [layer for layer in viewer.layers if layer.name.startswith("looks")] == [
        heat
    ]


def test_pictures_of_results_and_going_there(opened, qtbot):
    from qtpy.QtCore import Qt

    viewer, group = opened
    turn_on(qtbot, group)
    pictures = []
    group.search.illustrated.connect(lambda i, p: pictures.append((i, p)))
    click(viewer, (120, 620))
    wait_for(qtbot, group, "most like")
    wait_until(qtbot, lambda: len(pictures) == 20)
    shown = group.bench.shown
    index, picture = pictures[3]
    box = group.search.result.matches[index].box_px0
    np.testing.assert_array_equal(picture, shown.slide.read(box, 0))
    place = group.answers.results.visualItemRect(group.answers.results.item(5)).center()
    qtbot.mouseClick(
        group.answers.results.viewport(), Qt.MouseButton.LeftButton, pos=place
    )
    box = group.search.result.matches[5].box_px0
    middle = np.array([box.y + 25, box.x + 25])
    at = shown.px0(viewer.scene.camera.center[-2:])
    np.testing.assert_allclose(at, middle, atol=0.6)
    frame = viewer.layers["result"]
    low, high = frame.extent.world
    np.testing.assert_allclose((low + high) / 2, world(middle), atol=1)


def test_a_box_and_the_number_of_results(opened, qtbot):
    viewer, group = opened
    turn_on(qtbot, group)
    centre = viewer.scene.camera.center
    drag_with_shift(viewer, (110, 510), (240, 640))
    wait_for(qtbot, group, "the mean of")
    rows = len(group.search.result.query.rows)
    assert 4 <= rows <= 9
    assert viewer.scene.camera.center == centre
    assert "box to look for" in viewer.layers
    group.form._count.setValue(7)
    wait_until(qtbot, lambda: group.answers.results.count() == 7)
    assert len(group.search.result.query.rows) == rows
    press(qtbot, group.answers.clear_button)
    assert group.layer.heat is None
    assert "box to look for" not in viewer.layers
    assert group.answers.results.count() == 0


def test_escape_lays_the_pointer_aside_and_results_stay(opened, qtbot):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    viewer, group = opened
    turn_on(qtbot, group)
    click(viewer, (120, 620))
    wait_for(qtbot, group, "most like")
    QTest.keyClick(viewer.window._qt_viewer.canvas.native, Qt.Key.Key_Escape)
    assert not group.find_button.isChecked()
    assert group.answers.results.count() == 20
    before = group.search.result
    click(viewer, (120, 120))
    settle(0.3)
    assert group.search.result is before


def test_a_box_off_the_patches_is_told(window, qtbot, tiny_tiff, tmp_path):
    viewer, group = window
    store(tiny_tiff, tmp_path / "results", count=36)
    group.bench.open_path(tiny_tiff)
    group.form.refresh()
    look(viewer)
    turn_on(qtbot, group)
    drag_with_shift(viewer, (400, 400), (420, 420))
    wait_for(qtbot, group, "No patch of tiny.tif")


def test_over_a_worklist(listed, qtbot):
    viewer, group = listed
    assert group.form._where.count() == 2
    assert group.form._where.itemText(1) == "worklist (2 of 3 slides)"
    group.form._where.setCurrentIndex(1)
    turn_on(qtbot, group)
    click(viewer, (120, 620))
    wait_for(qtbot, group, "on 2 slides")
    names = {group.answers.results.item(i).text().split("\n")[1] for i in range(20)}
    assert names == {"Anna.tif", "Berta.tif"}
    heat = wait_for_heat(qtbot, group)
    assert heat.data[:, 9:].min() > heat.data[:, :9].max()
    matches = group.search.result.matches
    other = next(i for i, match in enumerate(matches) if match.part == 1)
    group.answers.results.chosen.emit(other)
    assert group.bench.shown.source.name == "Berta.tif"
    at = group.bench.shown.px0(viewer.scene.camera.center[-2:])
    box = matches[other].box_px0
    np.testing.assert_allclose(at, (box.y + 25, box.x + 25), atol=0.6)
    assert group.answers.results.count() == 20
    heat = wait_for_heat(qtbot, group)
    assert heat.data[:, 9:].min() > heat.data[:, :9].max()
    assert not heat.visible  # one goes there for the tissue
    group.answers.heat.click()
    assert heat.visible


def test_masked_names_are_never_shown(listed, qtbot):
    from qtpy.QtWidgets import QLabel, QPushButton

    viewer, group = listed
    group.form._where.setCurrentIndex(1)
    turn_on(qtbot, group)
    click(viewer, (120, 620))
    wait_for(qtbot, group, "on 2 slides")
    group.panel.set_masked(True)
    settle(0.2)
    assert group.answers.results.count() == 20
    said = [group.answers.results.item(i).text() for i in range(20)]
    said += [group.answers.results.item(i).toolTip() for i in range(20)]
    group._say("Berta.tif is bad, and so is /slides/Anna.tif")
    said += [label.text() for label in group.findChildren(QLabel)]
    said += [made.text() for made in group.findChildren(QPushButton)]
    said += [layer.name for layer in viewer.layers]
    assert not [text for text in said if any(n in text for n in ("Anna", "Berta"))]
    assert any("Slide " in text for text in said)


def test_states_without_slide_and_without_embeddings(window, tiny_tiff):
    _viewer, group = window
    assert status(group) == "Open a slide first."
    assert not group.find_button.isEnabled()
    group.bench.open_path(tiny_tiff)
    assert status(group).startswith("No embeddings of this slide yet")
    assert not group.find_button.isEnabled()
    assert not group.groups._clusters.isEnabled()
    assert not group.files._export.isEnabled()
    assert group.compute.ask_button.isEnabled()


def test_embeddings_that_are_damaged(window, qtbot, tiny_tiff, tmp_path):
    _viewer, group = window
    path = store(tiny_tiff, tmp_path / "results")
    (path / "zarr.json").write_text("{}")
    group.bench.open_path(tiny_tiff)
    group.form.refresh()
    press(qtbot, group.find_button)
    wait_for(qtbot, group, "drawn.zarr")


def test_h5_out_and_in(opened, qtbot, tmp_path):
    _viewer, group = opened
    group.files.export_file(tmp_path / "out.h5")
    wait_until(qtbot, lambda: "written to out.h5" in group.files._said.text())
    group.files.import_file(tmp_path / "out.h5")
    wait_until(qtbot, lambda: "imported as out" in group.files._said.text())
    assert group.form.name == "out"
    assert group.slides.path("out").is_dir()


def test_h5_of_others_says_less(opened, qtbot, tmp_path):
    import h5py

    from napari_histossl.panels.embeddings_files import read_embeddings

    _viewer, group = opened
    found = read_embeddings(group.slides.path("drawn"))
    write_h5(found, tmp_path / "clam.h5")
    with h5py.File(tmp_path / "clam.h5", "a") as file:
        del file.attrs["histossl"]
        for name in list(file["coords"].attrs):
            del file["coords"].attrs[name]
    group.files.import_file(tmp_path / "clam.h5")
    wait_until(qtbot, lambda: "does not say everything" in group.files._said.text())
    assert group.files._more.isVisible()
    group.files._model.setText("uni")
    group.files._patch.setValue(PATCH)
    group.files._import_told()
    wait_until(qtbot, lambda: "imported as clam" in group.files._said.text())
    assert not group.files._more.isVisible()
    assert read_embeddings(group.slides.path("clam")).header.model == "uni"


def test_clusters_on_the_slide(opened, qtbot):
    viewer, group = opened
    group.groups._count.setValue(2)
    for _ in range(2):  # the second replaces the first
        press(qtbot, group.groups._clusters)
        qtbot.waitUntil(
            lambda: "cluster 1" in group.groups._said.text(), timeout=PATIENCE_MS
        )
        wait_until(qtbot, lambda: not group.bench.worker.is_running)
    layers = [layer for layer in viewer.layers if layer.name.startswith("clusters")]
    assert len(layers) == 1
    drawn = np.asarray(layers[0].data)
    assert len(set(drawn[:, :9].ravel())) == len(set(drawn[:, 9:].ravel())) == 1


def test_a_map(opened, qtbot):
    pytest.importorskip("umap")
    _viewer, group = opened
    press(qtbot, group.groups._draw)
    qtbot.waitUntil(group.groups._picture.isVisible, timeout=PATIENCE_MS)
    assert group.groups._map.exists()


def test_a_map_without_umap(opened, qtbot, tmp_path, monkeypatch):
    folder = tmp_path / "without"
    folder.mkdir()
    (folder / "umap.py").write_text("raise ImportError('not here')\n")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    _viewer, group = opened
    press(qtbot, group.groups._draw)
    qtbot.waitUntil(
        lambda: "pip install" in group.groups._said.text(), timeout=PATIENCE_MS
    )
    assert not group.groups._picture.isVisible()


@pytest.mark.torch
def test_compute_says_its_price_first(window, qtbot, tmp_path):
    """The sample model on a corner of the sample slide's tissue."""
    pytest.importorskip("torch")
    from napari_histossl.panels.embeddings_files import read_embeddings

    _viewer, group = window
    from PIL import Image

    from napari_histossl.resources import sample_file

    with open_slide(sample_file("sample.svs")) as slide:
        from napari_histossl.geometry import Box

        pixels = slide.read(Box(1500, 1500, 600, 600), 0)
    Image.fromarray(pixels).save(tmp_path / "corner.png")
    group.bench.open_path(tmp_path / "corner.png", 0.5)
    press(qtbot, group.compute.ask_button)
    qtbot.waitUntil(group.compute._answer.isVisible, timeout=PATIENCE_MS)
    assert "128 numbers each" in group.compute._price.text()
    assert "patches of 128 px" in group.compute._price.text()
    assert not group.bench.worker.is_running
    press(qtbot, group.compute.start_button)
    assert not group.compute._answer.isVisible()
    qtbot.waitUntil(lambda: group.form.name is not None, timeout=PATIENCE_MS)
    found = read_embeddings(group.slides.path(group.form.name))
    assert len(found) >= 9
    assert status(group).startswith("Turn on")


def test_a_slide_without_scale_says_so(window, qtbot, tmp_path):
    from PIL import Image

    _viewer, group = window
    Image.fromarray(np.full((400, 400, 3), 180, np.uint8)).save(tmp_path / "no.png")
    group.bench.open_path(tmp_path / "no.png")
    press(qtbot, group.compute.ask_button)
    price = group.compute._price
    wait_until(qtbot, lambda: "enter it on the Slide page" in price.text())
    assert not group.compute._answer.isVisible()


def test_no_torch_in_the_window():
    code = (
        "import sys\n"
        "import napari_histossl.widgets._similar_group\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ})
