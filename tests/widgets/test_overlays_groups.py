"""What is folded on the Overlays page: how it goes together with the rest of it."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS, settle, world_to_canvas
from overlays_for_tests import press, write_overlay
from test_similar_group import store

pytestmark = pytest.mark.gui

FIND, POINT = "Find what looks like this", "Attention from a point"


def unfold(page, title):
    from superqt import QCollapsible

    (one,) = (one for one in page.findChildren(QCollapsible) if one.text() == title)
    one.expand(animate=False)
    settle(0.2)
    return page.groups[title]


@pytest.fixture
def searched(overlays_page, tiny_tiff, tmp_path, qtbot):
    """A slide with an overlay and with embeddings, and the group unfolded."""
    viewer, dock, page = overlays_page
    store(tiny_tiff, tmp_path / "results")
    dock.bench.open_path(tiny_tiff)
    slide = dock.bench.shown
    path, _ = write_overlay(slide.slide, slide.folder)
    page.overlay.show(path)
    group = unfold(page, FIND)
    look(viewer)
    point_at_tissue(group, qtbot)
    return viewer, page, group


def look(viewer):
    viewer.scene.camera.zoom = 1
    viewer.scene.camera.center = (175, 225)
    settle(0.3)


def point_at_tissue(group, qtbot):
    press(qtbot, group.find_button)
    qtbot.waitUntil(
        lambda: "Click a patch" in group._status.text(), timeout=PATIENCE_MS
    )


def click(viewer, at_px0):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    canvas = viewer.window._qt_viewer.canvas.native
    place = world_to_canvas(viewer, (np.array(at_px0) - 0.5) * 0.5)
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=place)
    settle(0.05)


def find(viewer, group, at_px0, qtbot):
    click(viewer, at_px0)
    qtbot.waitUntil(lambda: group.layer.heat is not None, timeout=PATIENCE_MS)
    qtbot.waitUntil(lambda: "most like" in group._status.text(), timeout=PATIENCE_MS)


def test_similarity_takes_the_place_of_an_overlay_for_a_while(searched, qtbot):
    viewer, page, group = searched
    overlay = page.overlay.layer
    find(viewer, group, (120, 620), qtbot)
    qtbot.waitUntil(lambda: not overlay.visible, timeout=PATIENCE_MS)
    assert group.answers.heat.isChecked()
    press(qtbot, page.shown.controls.pictures.buttons()[1])
    assert overlay.visible
    assert not group.layer.heat.visible
    assert not group.answers.heat.isChecked()
    group.answers.heat.click()
    assert group.layer.heat.visible
    assert not overlay.visible
    find(viewer, group, (120, 300), qtbot)
    press(qtbot, group.answers.clear_button)
    assert group.layer.heat is None
    assert overlay.visible


def test_a_click_means_one_thing_at_a_time(searched, qtbot):
    _viewer, page, group = searched
    point = unfold(page, POINT)
    press(qtbot, point._follow)
    assert point.is_on
    assert not group.mouse.is_on
    assert not group.find_button.isChecked()
    press(qtbot, group.find_button)
    assert group.mouse.is_on
    assert not point.is_on
    assert not point._follow.isChecked()


def test_the_page_searches_the_worklist_and_opens_its_slides(
    overlays_page, tiny_tiff, tmp_path, qtbot
):
    viewer, dock, page = overlays_page
    folder = tmp_path / "slides"
    folder.mkdir()
    for number, name in enumerate(("Anna.tif", "Berta.tif")):
        shutil.copy(tiny_tiff, folder / name)
        with (folder / name).open("ab") as file:  # a fingerprint of its own
            file.write(bytes([number]) * 8)
        store(folder / name, tmp_path / "results", seed=number)
    dock.pages["Slide"].worklist.open_folder(folder)
    group = unfold(page, FIND)
    assert group.form._where.itemText(1) == "worklist (2 of 2 slides)"
    group.form._where.setCurrentIndex(1)
    look(viewer)
    point_at_tissue(group, qtbot)
    find(viewer, group, (120, 620), qtbot)
    matches = group.search.result.matches
    group.answers.results.chosen.emit(
        next(i for i, m in enumerate(matches) if m.part == 1)
    )
    assert dock.bench.shown.source.name == "Berta.tif"
    qtbot.waitUntil(lambda: group.layer.heat is not None, timeout=PATIENCE_MS)


def test_clusters_are_an_overlay_among_the_others(searched, qtbot):
    _viewer, page, group = searched
    press(qtbot, group.groups._clusters)
    clusters = page.shown.class_controls
    qtbot.waitUntil(clusters.isVisible, timeout=PATIENCE_MS)
    assert page.overlay.layer is None
    known = page.shown.known
    assert known.currentText() == "clusters drawn"
    assert "cluster&nbsp;1" in clusters.legend.text()
    assert page.open_newest(), "attention, not clusters"
    assert page.overlay.layer is not None
    assert page.classes.layer is None
    assert not clusters.isVisible()
    page.shown.choose(known.itemData(known.findText("clusters drawn")))
    assert page.classes.layer is not None
    assert page.overlay.layer is None
    clusters.opacity.setValue(25)
    assert page.classes.layer.opacity == 0.25
    press(qtbot, page.shown.take_off)
    assert page.classes.layer is None
    assert known.currentText() == "none shown: choose one"


def test_a_price_is_of_the_weights_that_are_chosen(searched, tmp_path, qtbot):
    from napari_histossl.resources import sample_file

    _viewer, page, group = searched
    group.compute.refresh()
    press(qtbot, group.compute.ask_button)
    qtbot.waitUntil(
        lambda: "128 numbers" in group.compute._price.text(), timeout=PATIENCE_MS
    )
    path = tmp_path / "my simclr.safetensors"
    shutil.copy(sample_file("simclr_sample.safetensors"), path)
    page.runs.form.weights.choose(path)
    assert not group.compute._answer.isVisible()
    press(qtbot, group.compute.ask_button)
    qtbot.waitUntil(
        lambda: "numbers each" in group.compute._price.text(), timeout=PATIENCE_MS
    )
    assert group.compute.plan.out.endswith("my simclr.zarr")
