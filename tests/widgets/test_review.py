"""Reviewing objects in a real window: keys, list, decisions, undo, comments."""

from __future__ import annotations

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS, settle

from napari_histossl.annotate import MaskStore
from napari_histossl.classes import Origin
from napari_histossl.geometry import Box
from napari_histossl.panels import review
from napari_histossl.panels.tissue import save_tissue, tissue_path
from napari_histossl.slide import TissueMap

pytestmark = pytest.mark.gui

SHAPE = (400, 500)
NESTS = (Box(60, 60, 40, 50), Box(60, 300, 50, 60), Box(250, 200, 60, 40))
"""What a model said: tumour, stroma, tumour."""


@pytest.fixture
def page(make_napari_viewer, tmp_path):
    """The Correct page with a slide and a mask in which a model said three nests."""
    from PIL import Image

    from napari_histossl.widgets._form import scrolled
    from napari_histossl.widgets._workbench import Workbench
    from napari_histossl.widgets.correct_page import CorrectPage

    picture = np.full((*SHAPE, 3), (243, 243, 243), np.uint8)
    labels = np.zeros(SHAPE, np.uint8)
    for number, box in enumerate(NESTS):
        picture[box.slices], labels[box.slices] = (226, 160, 190), 1 + number % 2
    Image.fromarray(picture).save(tmp_path / "drawn.png")
    viewer = make_napari_viewer(show=True)
    bench = Workbench(viewer, tmp_path / "results")
    made = CorrectPage(bench)
    viewer.window.add_dock_widget(scrolled(made), name="Correct", area="right")
    viewer.window._qt_window.resize(1000, 700)
    bench.open_path(tmp_path / "drawn.png", 0.5)
    folder = bench.shown.folder / "masks"
    folder.mkdir(parents=True)
    tissue = np.full((20, 25), 2, np.uint8)
    tissue[2:18, 2:20] = 1
    place = tissue_path(bench.shown.folder)
    save_tissue(place, TissueMap(tissue, 20.0), bench.shown.slide, corrected=True)
    MaskStore.create(folder / "m.ome.zarr", SHAPE, 0.5, base=labels).close()
    made.open_mask(folder / "m.ome.zarr")
    made.viewer = viewer
    settle(0.1)
    yield made
    made.close_mask()
    bench.close()


@pytest.fixture
def listed(page):
    """The page with the list of what the model said."""
    group = page.review
    plan = group.form.plan(page.session)
    list(review.find_objects(plan))  # the worker's part, here in this process
    assert group.load(group.form.source)
    return page


def saved(page, qtbot):
    qtbot.waitUntil(lambda: page.session.editor.waiting == 0, timeout=PATIENCE_MS)
    settle(0.1)


def canvas(page):
    return page.viewer.window._qt_viewer.canvas.native


def press(page, qtbot, key, on=None):
    """Press a key where the focus is: on the canvas, or on a widget of the page."""
    from qtpy.QtCore import Qt

    modifier = Qt.KeyboardModifier.NoModifier
    if key.startswith("Shift+"):
        key, modifier = key[6:], Qt.KeyboardModifier.ShiftModifier
    target = canvas(page) if on is None else on
    target.setFocus()
    qtbot.keyClick(target, getattr(Qt.Key, f"Key_{key}"), modifier)
    settle(0.05)


def texts(page, column):
    model = page.review.view.objects
    return [model.data(model.index(place, column)) for place in range(model.rowCount())]


def wait_for_state(page, qtbot, place, state):
    qtbot.waitUntil(lambda: texts(page, 3)[place] == state, timeout=PATIENCE_MS)


def test_the_worker_lists_and_the_page_shows_what_was_found(page, qtbot):
    page.review.list_objects()
    qtbot.waitUntil(lambda: page.review.list is not None, timeout=PATIENCE_MS)
    assert texts(page, 0) == ["stroma", "tumour", "tumour"]
    assert texts(page, 1) == ["0.00075", "0.0006", "0.0005"]
    assert set(texts(page, 3)) == {"open"}


def test_keys_go_on_accept_reject_and_undo(listed, qtbot):
    page, group = listed, listed.review
    press(page, qtbot, "N")
    assert group.current is None  # only while one reviews
    group.mode.setChecked(True)
    first = group.current
    assert group.view.currentIndex().row() == 0
    press(page, qtbot, "N")
    assert group.view.currentIndex().row() == 1
    press(page, qtbot, "Shift+N")
    assert group.current == first
    box = group.list.table.box_px0(first)
    press(page, qtbot, "Return")
    saved(page, qtbot)
    wait_for_state(page, qtbot, 0, "accepted")
    assert (page.session.store.origin(box) == Origin.MODEL_ACCEPTED).all()
    second = group.current
    assert second != first  # on to the next one
    press(page, qtbot, "Backspace")
    saved(page, qtbot)
    wait_for_state(page, qtbot, 1, "rejected")
    assert not page.session.store.read(group.list.table.box_px0(second)).any()
    page.undo()
    saved(page, qtbot)
    wait_for_state(page, qtbot, 1, "open")
    assert page.session.store.read(group.list.table.box_px0(second)).all()
    group.mode.setChecked(False)
    press(page, qtbot, "Return")
    saved(page, qtbot)
    assert texts(page, 3).count("open") == 2


def test_the_view_goes_to_the_object_and_a_line_goes_around_it(listed, qtbot):
    page, group = listed, listed.review
    group.go_to(int(group.list.rows.visible[0]))
    box = group.list.table.box_px0(group.current)
    seen = page.bench.view_box_px0()
    assert seen.intersection(box) == box
    assert seen.height * seen.width < 40 * box.height * box.width
    outline = group._outline
    qtbot.waitUntil(
        lambda: outline.layer is not None and outline.layer.nshapes > 0,
        timeout=PATIENCE_MS,
    )
    corners = np.array(outline.layer.data[0]) / 0.5
    np.testing.assert_allclose(corners.min(0), (box.y, box.x), atol=1.1)
    np.testing.assert_allclose(corners.max(0), (box.y1, box.x1), atol=1.1)
    assert page.viewer.layers.selection.active is page.session.layer


def test_keys_work_on_the_page_but_not_in_a_field(listed, qtbot):
    page, group = listed, listed.review
    group.mode.setChecked(True)
    place = group.view.currentIndex().row()
    press(page, qtbot, "N", group.view)
    assert group.view.currentIndex().row() == place + 1
    qtbot.keyClicks(group.comment, "Nn")
    press(page, qtbot, "Backspace", group.comment)
    assert group.comment.text() == "N"
    press(page, qtbot, "Return", group.comment)
    saved(page, qtbot)
    qtbot.waitUntil(lambda: texts(page, 4)[place + 1] == "N", timeout=PATIENCE_MS)
    assert set(texts(page, 3)) == {"open"}  # Enter there accepted nothing
    assert page.session.store.comments()[0].text == "N"


def test_states_and_comments_are_there_after_a_restart(listed, qtbot):
    page, group = listed, listed.review
    group.go_to(int(group.list.rows.visible[0]))
    group.accept()
    saved(page, qtbot)
    path = page.session.path
    page.close_mask()
    assert group.list is None
    page.open_mask(path)
    assert group.list is not None  # the list of last time
    wait_for_state(page, qtbot, 0, "accepted")


def test_edit_takes_the_brush_with_the_class(listed):
    page, group = listed, listed.review
    stroma = int(np.flatnonzero(group.list.table.classes == 2)[0])
    group.go_to(stroma)
    group.edit()
    assert page.session.layer.selected_label == 2
    assert str(page.session.layer.mode) == "paint"


def test_fifty_thousand_objects_are_listed_without_being_asked_for(page):
    from napari_histossl.annotate.review_objects import ObjectTable
    from napari_histossl.panels.review_rows import ReviewRows, Shown

    count = 50_000
    rng = np.random.default_rng(1)
    places = rng.integers(0, 5000, (count, 2))
    ones = np.ones(count, np.int64)
    table = ObjectTable(
        "many",
        0,
        ("entropy",),
        (ones * 1).astype(np.uint16),
        np.zeros(count, np.uint16),
        np.hstack([places, np.full((count, 2), 3)]),
        places,
        ones,
        rng.random((1, count)).astype(np.float32),
    )
    view, asked = page.review.view, []
    page.review._found.show()
    rows = ReviewRows(table, page.session.store.classes, 1.0)
    data = view.objects.data
    view.objects.data = lambda *where: asked.append(1) or data(*where)
    view.objects.show(rows)
    settle(0.1)
    assert view.objects.rowCount() == count
    view.objects.arrange(Shown(is_falling=False, measure="entropy"))
    view.select(int(rows.visible[-1]))
    settle(0.1)
    assert len(asked) < 20_000  # what is on the screen, not what is listed


def test_signing_locks_what_is_on_the_screen_until_it_is_lifted(page, qtbot):
    from napari_histossl.annotate import Stroke
    from napari_histossl.widgets._review_sign import VIEW, WHOLE

    group, session = page.signing, page.session
    errors = []
    session.editor.failed.connect(errors.append)
    group.part.setCurrentText(WHOLE)
    group.name.setText("Dr Ada")
    group.statement.setText("final")
    group.sign()
    qtbot.waitUntil(lambda: group.list.count() == 1, timeout=PATIENCE_MS)
    assert group.list.item(0).text().startswith("final\nDr Ada, ")
    session.draw(Stroke([(20, 20)], 5, class_index=1))
    qtbot.waitUntil(lambda: bool(errors), timeout=PATIENCE_MS)
    assert "Dr Ada signed" in str(errors[0])
    group.list.setCurrentRow(0)
    group.unlock()
    qtbot.waitUntil(lambda: group.list.count() == 0, timeout=PATIENCE_MS)
    group.part.setCurrentText(VIEW)
    assert group.box_px0() == session.view_box_px0()
    session.draw(Stroke([(20, 20)], 5, class_index=1))
    saved(page, qtbot)
    assert session.store.read(Box(20, 20, 1, 1)) == 1
    assert session.store.verify() == 4


def test_comments_on_regions_are_listed_and_taken_back(page, qtbot):
    group = page.comments
    page.viewer.scene.camera.zoom = 8
    settle(0.05)
    seen = page.session.view_box_px0()
    group.text.setFocus()
    qtbot.keyClicks(group.text, "pen mark")
    press(page, qtbot, "Return", group.text)
    qtbot.waitUntil(lambda: group.list.count() == 1, timeout=PATIENCE_MS)
    assert group.list.item(0).text().startswith("pen mark\n")
    assert group.chosen is None
    assert page.session.store.comments()[0].box == seen
    group.list.setCurrentRow(0)
    group.take_back()
    qtbot.waitUntil(lambda: group.list.count() == 0, timeout=PATIENCE_MS)


def test_what_was_looked_at_closely_counts_and_is_kept(page, qtbot):
    group, camera = page.looked, page.viewer.scene.camera
    qtbot.waitUntil(lambda: "tissue was looked" in group.text, timeout=PATIENCE_MS)
    group._timer.stop()
    camera.zoom = 0.9  # not as close as 10x
    group.look()
    group.look()
    assert not group.looked.cells.any()
    camera.zoom = 1.1
    camera.center = (0, 100, 125)
    group.look()
    assert not group.looked.cells.any()  # in passing
    group.look()
    assert group.looked.cells.all()
    assert group.text.startswith("100%")
    page.close_mask()
    assert group.looked is None
    page.open_mask(next((page.bench.shown.folder / "masks").glob("*.ome.zarr")))
    assert group.looked.cells.all()


def test_the_rest_of_the_tissue_is_veiled(page, qtbot):
    group = page.looked
    qtbot.waitUntil(lambda: group.show_rest.isEnabled(), timeout=PATIENCE_MS)
    group.show_rest.setChecked(True)
    layer = page.bench.layer_of_kind("looked")
    assert layer.data.any()
    assert page.viewer.layers.selection.active is page.session.layer
    group._timer.stop()
    page.viewer.scene.camera.zoom = 1.1
    group.look()
    group.look()
    assert not page.bench.layer_of_kind("looked").data.any()
    group.show_rest.setChecked(False)
    assert page.bench.layer_of_kind("looked") is None


def test_a_second_mask_beside_the_first(page, qtbot):
    folder = page.bench.shown.folder / "masks"
    labels = page.session.store.read(Box(0, 0, *SHAPE)).copy()
    labels[NESTS[2].slices] = 3
    MaskStore.create(folder / "other.ome.zarr", SHAPE, 0.5, base=labels).close()
    group = page.second
    group.refresh()
    assert [group.masks.itemText(i) for i in range(group.masks.count())] == ["other"]
    group.compare()
    qtbot.waitUntil(lambda: group.table.rowCount() > 0, timeout=PATIENCE_MS)
    shown = {
        group.table.item(row, 0).text(): [
            group.table.item(row, column).text() for column in (1, 2)
        ]
        for row in range(group.table.rowCount())
    }
    dice = 2 * 2000 / (4400 + 2000)
    assert shown["tumour"] == [f"{dice:.3f}", f"{2000 / 4400:.3f}"]
    assert shown["stroma"] == ["1.000", "1.000"]
    assert shown["lymphocytes"] == ["0.000", "0.000"]
    group.step_button.click()
    assert texts(page, 0) == ["tumour → lymphocytes"]
    page.review.mode.setChecked(True)
    assert page.review.current == 0
    assert not page.review._accept.isEnabled()
