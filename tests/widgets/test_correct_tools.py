"""Tools of the Correct page in a real window, with real mouse and key events."""

from __future__ import annotations

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS, settle, world_to_canvas

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.geometry import Box

pytestmark = pytest.mark.gui

SHAPE = (400, 500)
WHOLE = Box(0, 0, *SHAPE)
PINK, GLASS = (226, 160, 190), (243, 243, 243)


@pytest.fixture
def slide_path(tmp_path):
    """Glass with a pink rectangle, rows 100 to 200, columns 150 to 300; 0.5 um/px."""
    from PIL import Image

    picture = np.full((*SHAPE, 3), GLASS, np.uint8)
    picture[100:200, 150:300] = PINK
    path = tmp_path / "drawn.png"
    Image.fromarray(picture).save(path)
    return path


@pytest.fixture
def page(make_napari_viewer, slide_path, tmp_path):
    """The Correct page with the slide and no mask; `make_mask` opens one."""
    from napari_histossl.widgets.dock import Dock

    viewer = make_napari_viewer(show=True)
    dock = Dock(viewer, ("Correct",), tmp_path / "results")
    viewer.window.add_dock_widget(dock, name="HistoSSL", area="right")
    viewer.window._qt_window.resize(1100, 800)
    dock.bench.open_path(slide_path, 0.5)
    made = dock.pages["Correct"]
    made.viewer = viewer
    yield made
    made.close_mask()
    dock.bench.close()


@pytest.fixture
def mask(page):
    """The page with an empty mask open, as fine as the slide."""
    folder = page.bench.shown.folder / "masks"
    folder.mkdir(parents=True)
    MaskStore.create(folder / "m.ome.zarr", SHAPE, 0.5).close()
    page.open_mask(folder / "m.ome.zarr")
    settle(0.2)  # until the window has its size
    page.viewer.reset_view()
    settle(0.1)
    return page


@pytest.fixture
def said():
    """Sentences that the person was shown since the test began."""
    from napari.utils.notifications import notification_manager

    before = len(notification_manager.records)
    return lambda: [
        str(note.message) for note in list(notification_manager.records)[before:]
    ]


@pytest.fixture
def mouse(mask):
    return Mouse(mask)


class Mouse:
    """Presses, moves and releases over pixels of the slide."""

    def __init__(self, page):
        self.page, self.viewer = page, page.viewer
        self.canvas = self.viewer.window._qt_viewer.canvas.native

    def place(self, px):
        world = self.page.bench.shown.layer.data_to_world(px)
        return world_to_canvas(self.viewer, world)

    def do(self, what, px, *, alt=False, right=False):
        from qtpy.QtCore import Qt
        from qtpy.QtTest import QTest

        keys = Qt.KeyboardModifier
        button = Qt.MouseButton.RightButton if right else Qt.MouseButton.LeftButton
        held = keys.AltModifier if alt else keys.NoModifier
        getattr(QTest, f"mouse{what}")(self.canvas, button, held, self.place(px))
        settle(0.02)

    def move(self, px):
        from qtpy.QtTest import QTest

        QTest.mouseMove(self.canvas, self.place(px))
        settle(0.02)

    def drag(self, *stops, alt=False, release=True):
        self.move(stops[0])
        self.do("Press", stops[0], alt=alt)
        for stop in stops[1:]:
            self.move(stop)
        if release:
            self.do("Release", stops[-1], alt=alt)

    def click(self, px, **options):
        self.move(px)
        self.do("Click", px, **options)

    def key(self, name):
        from qtpy.QtTest import QTest

        QTest.keySequence(self.canvas, name)
        settle(0.02)


def saved(page, qtbot, steps):
    """Wait until so many steps are durable; return the mask."""
    store = page.session.store
    qtbot.waitUntil(
        lambda: store.steps >= steps and not page.session.editor.waiting,
        timeout=PATIENCE_MS,
    )
    assert store.steps == steps
    return store.read(WHOLE)


def newest(page):
    return list(page.session.store.entries())[-1]


def test_a_polygon_is_filled_by_enter_or_a_double_click(mask, mouse, qtbot):
    mouse.key("3")
    assert mask.tools.hand.info.name == "Polygon"
    for corner in ((50, 50), (50, 150), (110, 110)):
        mouse.click(corner)
    mouse.key("Backspace")
    mouse.click((150, 150))
    mouse.click((150, 50))
    assert len(mask.tools.hand.work.outline.points) == 6  # corners, mouse, the first
    mouse.key("Return")
    labels = saved(mask, qtbot, 1)
    truth = np.zeros(SHAPE, np.uint8)
    truth[50:151, 50:151] = 1
    assert (labels != truth).sum() < 4 * 101 * 2
    assert newest(mask).tool == "polygon"
    assert not len(mask.tools.hand.work.outline.points)
    # a second one is given up, a third one closed by a double click
    for corner in ((250, 50), (250, 150)):
        mouse.click(corner)
    mouse.key("Escape")
    assert not mask.tools.hand.tool.is_busy
    for corner in ((250, 50), (250, 150), (350, 150)):
        mouse.click(corner)
    mouse.do("DClick", (350, 150))
    labels = saved(mask, qtbot, 2)
    assert (labels[270, 120], labels[330, 70]) == (1, 0)


def test_a_lasso_adds_with_alt_takes_away_and_is_given_up(mask, mouse, qtbot, said):
    mouse.key("O")
    mouse.drag((50, 50), (50, 250), (250, 250), (250, 50))
    labels = saved(mask, qtbot, 1)
    assert labels[150, 150] == 1
    mouse.drag((100, 100), (100, 200), (200, 200), (200, 100), alt=True)
    labels = saved(mask, qtbot, 2)
    assert (labels[150, 150], labels[70, 70]) == (0, 1)
    assert newest(mask).tool == "lasso"
    mouse.drag((50, 50), (50, 250), (250, 250), release=False)
    assert len(mask.tools.hand.work.outline.points) > 3
    mouse.key("Escape")
    mouse.do("Release", (250, 250))
    settle(0.1)
    assert mask.session.store.steps == 2
    assert not said()


def test_the_wand_takes_the_tissue_under_it(mask, mouse, qtbot):
    mouse.key("W")
    mouse.drag((150, 170), (150, 220), (150, 280))
    labels = saved(mask, qtbot, 1)
    truth = np.zeros(SHAPE, np.uint8)
    truth[100:200, 150:300] = 1
    assert (labels != truth).sum() < 0.02 * truth.sum()
    assert newest(mask).tool == "wand"


def test_the_wand_outside_the_slide_says_so(mask, mouse, said, qtbot):
    mask.viewer.scene.camera.zoom *= 0.6
    settle(0.2)
    mouse.key("W")
    mouse.click((-20, 100))
    qtbot.waitUntil(lambda: bool(said()), timeout=PATIENCE_MS)
    assert "outside it" in said()[0]
    assert mask.session.store.steps == 0


def test_fill_stays_in_the_region(mask, mouse, qtbot):
    from qtpy.QtWidgets import QPushButton

    mask.session.draw(Stroke([(100, 100)], 20, 2))
    saved(mask, qtbot, 1)
    mouse.key("F")
    mask.tools._layer.selected_label = 3
    mouse.click((100, 100))
    labels = saved(mask, qtbot, 2)
    assert (labels[100, 100], labels[50, 50]) == (3, 0)
    buttons = mask.tools.options.findChildren(QPushButton)
    next(one for one in buttons if one.text() == "Draw region").click()
    mouse.drag((200, 200), (250, 260))
    settle(0.1)
    assert mask.tools.hand.info.name == "Fill"
    mouse.click((220, 220))
    labels = saved(mask, qtbot, 3)
    assert (labels[205:245, 205:255] == 3).all()
    assert labels[190, 220] == labels[260, 220] == 0


def test_holes_of_the_object_that_is_clicked(mask, mouse, qtbot, said):
    ring = [(50, 50), (50, 150), (150, 150), (150, 50), (50, 50)]
    other = [(250, 250), (250, 350), (350, 350), (350, 250), (250, 250)]
    for points in (ring, other):
        mask.session.draw(Stroke(points, 6, 4))
    saved(mask, qtbot, 2)
    mouse.key("U")
    mouse.click((100, 100))
    assert "no object here" in said()[0]
    mouse.click((50, 100))
    labels = saved(mask, qtbot, 3)
    assert (labels[100, 100], labels[300, 300]) == (4, 0)
    mask.tools.pick_class(4)
    mask.tools.hand.take(next(t for t in tools() if t.name == "Holes"))
    mask.tools.options.fill_all.click()
    assert saved(mask, qtbot, 4)[300, 300] == 4


def test_take_from_another_mask_and_take_it_back(mask, mouse, qtbot, said):
    mouse.key("A")
    mouse.drag((100, 100), (100, 200))
    assert "nothing to take from" in said()[0]
    assert mask.session.store.steps == 0
    other = mask.session.path.with_name("model.ome.zarr")
    with MaskStore.create(other, SHAPE, 0.5) as proposal:
        proposal.paint(Stroke([(100, 100), (100, 300)], 15, 3))
    mouse.key("A")
    qtbot.waitUntil(
        lambda: mask.tools.options.proposal.proposed is not None, timeout=PATIENCE_MS
    )
    assert "proposal: model" in mask.viewer.layers
    assert mask.viewer.layers.selection.active is mask.session.layer
    mouse.drag((100, 120), (100, 200), (100, 250))
    labels = saved(mask, qtbot, 1)
    assert (labels[100, 200], labels[140, 200], labels[100, 60]) == (3, 0, 0)
    mouse.drag((100, 180), (100, 200), alt=True)
    labels = saved(mask, qtbot, 2)
    assert (labels[100, 190], labels[100, 240]) == (0, 3)
    mouse.key("P")
    assert "proposal: model" not in mask.viewer.layers


def test_what_is_painted_is_protected(mask, mouse, qtbot, said):
    mask.session.draw(Stroke([(100, 100)], 30, 2))
    saved(mask, qtbot, 1)
    mouse.key("B")
    assert mask.tools.protect.isChecked()
    mouse.key("O")
    mouse.drag((50, 50), (50, 200), (200, 200), (200, 50))
    labels = saved(mask, qtbot, 2)
    assert (labels[100, 100], labels[170, 170]) == (2, 1)
    mouse.key("F")
    mouse.click((100, 100))
    assert "protected" in said()[0]
    assert mask.session.store.steps == 2
    mask.tools.protect.setChecked(False)
    assert not mask.session.layer.preserve_labels


def test_sizes_follow_the_zoom_or_stay_on_the_glass(mask, mouse):
    layer, camera = mask.session.layer, mask.viewer.scene.camera
    control = mask.tools.options.size
    camera.zoom = 2.0
    wide = layer.brush_size
    assert wide == 40  # 40 px on the screen: 20 um: 40 px of the mask
    camera.zoom = 4.0
    assert layer.brush_size == wide / 2
    mouse.key("]")
    assert layer.brush_size == wide / 2 * 1.2
    mouse.key("[")
    control._unit.setCurrentIndex(1)
    before = layer.brush_size
    camera.zoom = 1.0
    assert layer.brush_size == before
    layer.brush_size = 30  # napari's own slider
    assert control.size.diameter == 15


def test_keys_of_classes_and_of_napari(mask, mouse):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    layer = mask.session.layer
    mouse.key("I")
    assert (layer.selected_label, str(layer.mode)) == (3, "paint")
    mouse.key("W")
    mouse.key("S")  # the wand heeds classes: it stays in hand
    assert (layer.selected_label, mask.tools.hand.info.name) == (2, "Wand")
    mouse.key("1")
    assert mask.tools.hand.info.name == "Eraser"
    mouse.key("Z")
    assert mask.tools.hand.info.name == "Move"
    mouse.key("3")
    mouse.click((50, 50))
    QTest.keyPress(mouse.canvas, Qt.Key.Key_Space)
    settle(0.05)
    assert str(mask.session.layer.mode) == "pan_zoom"
    QTest.keyRelease(mouse.canvas, Qt.Key.Key_Space)
    settle(0.05)
    assert mask.tools.hand.info.name == "Polygon"
    assert mask.tools.hand.tool.is_busy
    mouse.key("P")
    assert mask.tools.hand.tool is None
    assert not len(mask.tools.hand.work.outline.points)


def test_out_measured_and_in_again(mask, qtbot, tmp_path):
    def wait():
        qtbot.waitUntil(lambda: not mask.bench.worker.is_running, timeout=PATIENCE_MS)

    mask.session.draw(Stroke([(100, 100), (100, 200)], 20, 3))
    before = saved(mask, qtbot, 1)
    out = tmp_path / "out.geojson"
    mask.export(out)
    wait()
    mask.measures.measure()
    wait()
    table = mask.measures.table
    rows = {
        table.item(place, 0).text(): table.item(place, 3).text()
        for place in range(table.rowCount())
    }
    assert (rows["lymphocytes"], rows["tumour"]) == ("1", "0")
    mask.measures.save(tmp_path / "m.csv")
    assert "area_mm2" in (tmp_path / "m.csv").read_text()
    mask.undo()
    assert not saved(mask, qtbot, 2).any()
    qtbot.waitUntil(
        lambda: "2 steps, all saved" in mask.history._status.text(),
        timeout=PATIENCE_MS,
    )
    assert "undo of step 1" in mask.history._steps.text()
    assert "measure again" in mask.measures._said.text()
    path = mask.session.path
    mask.mask.imports.take(out)
    wait()
    assert mask.session.path == path
    assert "painted 1 of 1" in mask.mask.imports._said.text()
    assert (mask.session.store.read(WHOLE) != before).mean() < 0.001


def test_a_mask_for_looking_says_why_and_its_tools_are_grey(mask):
    from napari_histossl.widgets.dock import Dock

    path = mask.session.path
    second = Dock(mask.viewer, ("Correct",), mask.bench.workspace)
    looking = second.pages["Correct"]
    looking.open_mask(path)
    assert looking.session.store.read_only
    assert "For looking only" in looking.mask._hint.text()
    assert not looking.tools.isEnabled()
    assert not looking.history._undo.isEnabled()
    looking.close_mask()
    second.bench.close()


def test_what_a_page_without_slide_and_mask_says(make_napari_viewer, page):
    from napari_histossl.widgets.dock import Dock

    assert "Open a mask" in page.mask._hint.text()
    assert not page.tools.isEnabled()
    other = Dock(make_napari_viewer(), ("Correct",))
    empty = other.pages["Correct"]
    assert "Open a slide" in empty.mask._hint.text()
    assert not empty.mask._create.isEnabled()
    other.bench.close()


def tools():
    from napari_histossl.widgets._tool_table import TOOLS

    return TOOLS
