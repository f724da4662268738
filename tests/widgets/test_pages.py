"""Pages of the dock in a real window: what they show, and what goes wrong."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS, settle
from PIL import Image

pytestmark = pytest.mark.gui


@pytest.fixture
def said():
    """Sentences that the person was shown since the test began."""
    from napari.utils.notifications import notification_manager

    before = len(notification_manager.records)
    return lambda: [
        str(note.message) for note in list(notification_manager.records)[before:]
    ]


@pytest.fixture
def window(make_napari_viewer, tmp_path):
    from napari_histossl.widgets.dock import Dock

    viewer = make_napari_viewer(show=True)
    dock = Dock(viewer, workspace=tmp_path / "results")
    viewer.window.add_dock_widget(dock, name="HistoSSL", area="right")
    yield viewer, dock
    dock.bench.close()


@pytest.fixture
def drawn(tiny_tiff):
    return tiny_tiff


def wait(dock, qtbot):
    qtbot.waitUntil(lambda: not dock.bench.worker.is_running, timeout=PATIENCE_MS)


@pytest.mark.parametrize("kind", ["missing", "text", "empty", "folder"])
def test_what_is_not_a_slide_is_told_in_a_sentence(window, said, tmp_path, kind):
    viewer, dock = window
    path = tmp_path / "scan.svs"
    if kind == "text":
        path.write_text("this is not a slide")
    elif kind == "empty":
        path.touch()
    elif kind == "folder":
        path.mkdir()
    dock.bench.open_path(path)
    assert len(viewer.layers) == 0
    (sentence,) = said()
    assert "scan.svs" in sentence
    assert "\n" not in sentence.strip()


def test_facts_and_magnification(window, drawn, qtbot):
    from qtpy.QtCore import Qt
    from qtpy.QtWidgets import QPushButton

    viewer, dock = window
    dock.bench.open_path(drawn)
    page = dock.pages["Slide"]
    facts = {
        page._facts.itemAt(row, page._facts.ItemRole.LabelRole)
        .widget()
        .text(): page._facts.itemAt(row, page._facts.ItemRole.FieldRole).widget().text()
        for row in range(page._facts.rowCount())
    }
    assert facts["Name"] == drawn.name
    assert facts["Pixel"] == "0.5 µm"
    ten = next(b for b in page.findChildren(QPushButton) if b.text() == "10×")
    qtbot.mouseClick(ten, Qt.MouseButton.LeftButton)
    assert viewer.scene.camera.zoom == pytest.approx(1.0)  # 1 um a screen pixel
    assert page._power.text().startswith("Now 10×")


def test_a_slide_without_scale_asks_for_it(window, tmp_path, qtbot):
    viewer, dock = window
    path = tmp_path / "ungläubig.png"
    Image.fromarray(np.full((600, 800, 3), 200, np.uint8)).save(path)
    dock.bench.open_path(path)
    page = dock.pages["Slide"]
    dock.show_page("Slide")
    settle(0.2)
    assert page._ask_mpp.isVisible()
    assert str(viewer.layers[0].units[0]) == "pixel"
    page._mpp.setValue(0.25)
    page._use_mpp()
    assert not page._ask_mpp.isVisible()
    assert str(viewer.layers[0].units[0]) == "micrometer"
    assert viewer.layers[0].scale[0] == pytest.approx(0.25)
    assert len(viewer.layers) == 1


def test_a_blank_slide_has_no_tissue_to_run_on(window, tmp_path, said, qtbot):
    _viewer, dock = window
    path = tmp_path / "blank.png"
    Image.fromarray(np.full((900, 900, 3), 244, np.uint8)).save(path)
    dock.bench.open_path(path, 0.5)
    page = dock.pages["Overlays"]
    page.run()
    qtbot.waitUntil(lambda: not page.is_busy, timeout=PATIENCE_MS)
    assert not dock.bench.worker.is_running
    (sentence,) = said()
    assert "no tissue" in sentence


def test_weights_that_are_none_are_told(window, drawn, tmp_path, said, qtbot):
    _viewer, dock = window
    dock.bench.open_path(drawn)
    path = tmp_path / "broken.safetensors"
    path.write_bytes(b"nothing of the kind")
    page = dock.pages["Overlays"]
    page.runs.form.weights.choose(path)
    page.run()
    qtbot.waitUntil(lambda: not page.is_busy, timeout=PATIENCE_MS)
    (sentence,) = said()
    assert "broken.safetensors" in sentence
    assert not dock.bench.worker.is_running


def test_corrected_tissue_is_saved_and_used(window, drawn, qtbot):
    from napari_histossl.panels.tissue import saved_or_found

    viewer, dock = window
    dock.bench.open_path(drawn)
    page = dock.pages["Slide"]
    page.find_tissue()
    wait(dock, qtbot)
    layer = viewer.layers["tissue"]
    layer.data[:] = 2
    layer.data[:5, :7] = 1
    page._save_tissue()
    shown = dock.bench.shown
    tissue = saved_or_found(shown.slide, shown.folder)
    assert tissue.is_tissue.sum() == 35
    assert tissue.downsample == pytest.approx(layer.scale[0] / 0.5)


def test_a_drawn_slide_without_a_file_is_a_slide_like_any_other(window, qtbot):
    from napari_histossl.panels.tissue import load_tissue
    from napari_histossl.phantom import PhantomSlide

    viewer, dock = window
    dock.bench.add_slide(PhantomSlide(3, 20_000, 30_000, 0.5))
    shown = dock.bench.shown
    assert shown.source.seed == 3
    assert viewer.layers[0].data[0].shape == (20_000, 30_000, 3)
    page = dock.pages["Slide"]
    page.find_tissue()
    wait(dock, qtbot)
    assert 0.3 < load_tissue(page.tissue.path, shown.slide).share < 0.9


def test_two_slides_have_results_of_their_own(window, drawn, tmp_path, qtbot):
    viewer, dock = window
    dock.bench.open_path(drawn)
    first = dock.bench.shown.folder
    other = tmp_path / "other.tif"
    other.write_bytes(drawn.read_bytes())
    dock.bench.open_path(other)
    assert dock.bench.shown.source.name == "other.tif"
    assert dock.bench.shown.folder != first
    viewer.layers.selection.active = viewer.layers[0]
    assert dock.bench.shown.source.name == drawn.name
    viewer.layers.clear()
    assert dock.bench.shown is None
    dock.pages["Correct"].refresh()


def test_a_second_window_on_the_same_slide(make_napari_viewer, drawn, tmp_path):
    from napari_histossl.widgets.dock import Dock

    docks = []
    for _number in range(2):
        viewer = make_napari_viewer(show=True)
        dock = Dock(viewer, workspace=tmp_path)
        viewer.window.add_dock_widget(dock, name="HistoSSL")
        dock.bench.open_path(drawn)
        docks.append(dock)
    settle(0.5)
    docks[0].bench.close()
    assert docks[1].bench.shown.slide.read(docks[1].bench.view_box_px0(), 0).any()
    docks[1].bench.close()


def test_a_mask_that_another_window_corrects_is_for_looking(
    make_napari_viewer, drawn, tmp_path, qtbot
):
    from napari_histossl.widgets.dock import Dock

    pages = []
    for _number in range(2):
        dock = Dock(make_napari_viewer(show=True), workspace=tmp_path)
        dock.bench.open_path(drawn)
        pages.append(dock.pages["Correct"])
    pages[0].create_mask()
    wait(pages[0], qtbot)
    path = pages[0].session.path
    pages[1].open_mask(path)
    assert pages[1].session.store.read_only
    assert not pages[1].session.layer.editable
    sentence = pages[1].mask._hint.text()
    assert "looking only" in sentence
    assert "mask.ome.zarr" in sentence
    for page in pages:
        page.close_mask()
        page.bench.close()


@pytest.mark.torch
def test_closing_the_window_while_a_run_goes_on_ends_it_and_it_can_be_taken_up(
    make_napari_viewer, drawn, tmp_path, qtbot
):
    from napari_histossl.store import Pyramid
    from napari_histossl.store.paths import list_overlays
    from napari_histossl.widgets.dock import Dock

    viewer = make_napari_viewer(show=True)
    dock = Dock(viewer, workspace=tmp_path)
    viewer.window.add_dock_widget(dock, name="HistoSSL")
    dock.bench.open_path(drawn)
    dock.pages["Overlays"].run()
    with qtbot.waitSignal(dock.bench.worker.progressed, timeout=PATIENCE_MS):
        pass
    process = dock.bench.worker._link.process
    viewer.close()
    settle(0.3)
    assert process.poll() is not None, "the worker outlived its window"
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)

    again = Dock(make_napari_viewer(), workspace=tmp_path)
    again.bench.open_path(drawn)
    (out,) = list_overlays(again.bench.shown.folder)
    with Pyramid.open(out) as pyramid:
        before = pyramid.done_keys()
    page, records = again.pages["Overlays"], []
    again.bench.progressed.connect(lambda progress, _: records.append(progress))
    page.run()
    qtbot.waitUntil(lambda: not page.is_busy, timeout=PATIENCE_MS)
    with Pyramid.open(out) as pyramid:
        assert len(pyramid.done_keys()) == records[-1].total
        assert set(before) <= set(pyramid.done_keys())
    again.bench.close()


@pytest.mark.parametrize("name", ["dock", "slide", "overlays", "correct", "study"])
def test_every_widget_of_the_manifest_opens(make_napari_viewer, name):
    import npe2

    viewer = make_napari_viewer()
    manifest = npe2.PluginManifest.from_file(
        Path(__file__).parents[2] / "napari_histossl" / "napari.yaml"
    )
    command = f"napari-histossl.{name if name == 'dock' else name + '_page'}"
    (found,) = [c for c in manifest.contributions.commands if c.id == command]
    module, function = found.python_name.split(":")
    import importlib

    widget = getattr(importlib.import_module(module), function)(viewer)
    viewer.window.add_dock_widget(widget, name=found.title)
    assert widget.bench.shown is None
    widget.bench.close()
