"""Painting on a mask of a whole slide with napari's own tools in a real window."""

from __future__ import annotations

import numpy as np
import pytest
from conftest_gui import settle, world_to_canvas

from napari_histossl.annotate import MaskStore
from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.geometry import Box

pytestmark = pytest.mark.gui

WHOLE = Box(0, 0, 1400, 1600)
WORLD = (0, 0, 700, 800)
"""The same in micrometres."""


@pytest.fixture
def store(tmp_path):
    return MaskStore.create(tmp_path / "m.ome.zarr", WHOLE.shape, 0.5)


class Window:
    """A mask in a window; what was saved of it, and what not."""

    def __init__(self, viewer, store):
        from napari_histossl.widgets._mask_editor import MaskEditor
        from napari_histossl.widgets._mask_layer import MaskLayer

        self.viewer, self.store = viewer, store
        self.editor = MaskEditor(store, "ada")
        self.receipts, self.errors = [], []
        self.editor.saved.connect(self.receipts.append)
        self.editor.failed.connect(self.errors.append)
        self.layer = MaskLayer(self.editor, (0.5, 0.5), opacity=1.0)
        viewer.add_layer(self.layer)
        viewer.reset_view()
        self.layer.brush_size = 60
        self.layer.selected_label = 2
        if self.layer.editable:
            self.layer.mode = "paint"
        settle(0.3)

    def wait(self, qtbot, told):
        """Wait until so many changes were told of, and are in the picture."""
        both = self.receipts, self.errors
        qtbot.waitUntil(lambda: sum(map(len, both)) == told, timeout=20_000)
        (drawing,) = self.editor._canvas.drawings(self.editor.tiles)
        loader = drawing._loader
        qtbot.waitUntil(
            lambda: not loader.outdated & drawing._drawing.used, timeout=20_000
        )
        settle(0.05)

    def colour(self, world_yx):
        """The colour of the canvas at a place, red, green, blue."""
        picture = self.viewer.screenshot(canvas_only=True, flash=False)
        canvas = self.viewer.window._qt_viewer.canvas.native
        place = world_to_canvas(self.viewer, world_yx)
        ratio = picture.shape[0] / canvas.height()
        return tuple(picture[round(place.y() * ratio), round(place.x() * ratio), :3])

    def held(self):
        return self.store.read(WHOLE)


@pytest.fixture
def window(make_napari_viewer, store):
    from napari_histossl.widgets.canvas import install_canvas

    install_canvas()
    made = Window(make_napari_viewer(show=True), store)
    yield made
    made.editor.close()


def colour_of(label):
    return tuple(DEFAULT_CLASSES[label].colour) if label else (0, 0, 0)


def test_a_drag_is_on_the_screen_at_once_and_one_durable_stroke(window, drag, qtbot):
    from qtpy.QtCore import Qt
    from qtpy.QtTest import QTest

    drag(window.viewer, [(100, 100), (100, 300), (200, 300)], release=False)
    assert not window.receipts
    assert window.colour((100, 200)) == colour_of(2)  # the mouse is still down
    canvas = window.viewer.window._qt_viewer.canvas.native
    QTest.mouseRelease(
        canvas,
        Qt.MouseButton.LeftButton,
        pos=world_to_canvas(window.viewer, (200, 300)),
    )
    for _look in range(6):  # never the old pixels between released and saved
        assert window.colour((100, 200)) == colour_of(2)
    window.wait(qtbot, 1)
    assert window.colour((100, 200)) == colour_of(2)
    assert window.colour((150, 100)) == colour_of(0)
    assert [receipt.seq for receipt in window.receipts] == [1]
    held = window.held()
    assert held[200, 400] == 2  # world 100, 200 is pixel 200, 400
    assert held[300, 600] == 2
    assert held[260, 300] == 0
    np.testing.assert_array_equal(np.asarray(window.layer.data[0]), held)
    entry = list(window.store.entries())[-1]
    assert (entry.tool, entry.author) == ("brush", "ada")


@pytest.mark.parametrize("zoom", [8.0, 2.0, 0.25])
def test_what_is_shown_while_painting_is_what_is_saved(window, drag, qtbot, zoom):
    """From 16 pixels of the screen a pixel of the mask to 8 pixels of the mask."""
    window.viewer.scene.camera.center = (350, 400)
    window.viewer.scene.camera.zoom = zoom
    window.layer.brush_size = max(1, round(60 / zoom))
    window.layer.selected_label = 3
    settle(0.4)
    step = 60 / zoom
    drag(window.viewer, [(350, 400 - step), (350 + step / 2, 400 + step)])
    before = window.viewer.screenshot(canvas_only=True, flash=False)
    window.wait(qtbot, 1)
    after = window.viewer.screenshot(canvas_only=True, flash=False)
    assert window.colour((350, 400 - step)) == colour_of(3)
    assert window.held()[700, round(800 - 2 * step)] == 3
    # coarse edges follow the rule of the classes once the store has them
    assert (before != after).any(-1).mean() < (0.002 if zoom < 1 else 1e-4)


def test_a_thin_line_at_low_power_is_there(window, drag, qtbot):
    window.viewer.scene.camera.zoom = 0.2
    window.layer.brush_size = 3
    settle(0.4)
    drag(window.viewer, [(350, 200), (350, 600)])
    window.wait(qtbot, 1)
    rows = window.held()[:, 500:1100].any(axis=1)
    assert 3 <= rows.sum() <= 4
    assert rows[690:711].sum() == rows.sum()
    rows = [window.colour((350 + 5 * row, 400)) for row in range(-2, 3)]
    assert rows.count(colour_of(2)) in (1, 2)


def test_undo_and_redo_are_those_of_the_store(window, drag, qtbot):
    drag(window.viewer, [(100, 100), (100, 300)])
    drag(window.viewer, [(300, 100), (300, 300)])
    window.layer.undo()
    window.wait(qtbot, 3)
    assert window.colour((300, 200)) == colour_of(0)
    assert window.colour((100, 200)) == colour_of(2)
    window.layer.undo()
    window.layer.undo()  # nothing left: nothing happens
    window.wait(qtbot, 5)
    assert not window.held().any()
    assert "nothing" in window.receipts[-1].message
    window.layer.redo()
    window.layer.redo()
    window.wait(qtbot, 7)
    assert window.held()[600, 400] == window.held()[200, 400] == 2
    assert window.colour((300, 200)) == colour_of(2)
    assert not window.errors


def test_ctrl_z_in_the_window_undoes(window, drag, qtbot):
    from qtpy.QtCore import Qt

    drag(window.viewer, [(100, 100), (100, 300)])
    canvas = window.viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    window.wait(qtbot, 2)  # in turn: first saved, then undone
    assert not window.held().any()
    assert window.colour((100, 200)) == colour_of(0)


def test_the_eraser_takes_labels_away(window, drag, qtbot):
    drag(window.viewer, [(100, 100), (100, 300)])
    window.layer.mode = "erase"
    drag(window.viewer, [(100, 160), (100, 180)])
    assert window.colour((100, 170)) == colour_of(0)
    window.wait(qtbot, 2)
    held = window.held()
    assert held[200, 340] == 0
    assert held[200, 560] == 2
    assert list(window.store.entries())[-1].tool == "eraser"


def test_preserved_labels_stay(window, drag, qtbot):
    drag(window.viewer, [(100, 100), (100, 300)])
    window.layer.preserve_labels = True
    window.layer.selected_label = 3
    drag(window.viewer, [(40, 200), (180, 200)])
    assert window.colour((100, 200)) == colour_of(2)
    assert window.colour((160, 200)) == colour_of(3)
    window.wait(qtbot, 2)
    assert window.held()[200, 400] == 2
    assert window.held()[320, 400] == 3


def test_the_bucket_fills_what_is_on_the_screen(window, drag, qtbot):
    drag(window.viewer, [(20, 400), (690, 400)])  # from top to bottom
    window.viewer.scene.camera.zoom = 2
    window.viewer.scene.camera.center = (350, 400)
    window.layer.mode = "fill"
    window.layer.selected_label = 4
    settle(0.4)
    drag(window.viewer, [(350, 440)])
    window.wait(qtbot, 2)
    held = window.held()
    assert held[700, 880] == 4
    assert held[700, 720] == 0  # the other side
    assert held[10, 880] == 0  # off the screen
    assert window.colour((350, 440)) == colour_of(4)
    window.layer.contiguous = False
    window.layer.selected_label = 3
    drag(window.viewer, [(350, 440)])
    window.wait(qtbot, 3)
    assert window.held()[700, 720] == 0  # it was not of the class that was clicked
    assert window.held()[700, 880] == 3
    window.layer.mode = "pick"
    window.layer.selected_label = 1
    drag(window.viewer, [(350, 440)])
    assert window.layer.selected_label == 3


def test_what_cannot_be_saved_is_not_shown(window, drag, qtbot):
    drag(window.viewer, [(100, 100), (100, 300)])
    window.wait(qtbot, 1)
    window.store._journal._database._connection.execute("PRAGMA query_only = 1")
    drag(window.viewer, [(300, 100), (300, 300)])
    window.wait(qtbot, 2)
    assert len(window.errors) == 1
    assert window.colour((300, 200)) == colour_of(0)
    assert window.colour((100, 200)) == colour_of(2)


def test_what_stands_behind_a_failure_is_given_up(window, qtbot):
    """An undo that waits behind a stroke that fails must not undo another one."""
    from napari_histossl.annotate import Stroke

    window.editor.draw(Stroke([(100, 100)], 30, 2))
    window.editor.draw(Stroke([(300, 300)], 30, 77))  # there is no such class
    window.editor.undo()
    window.wait(qtbot, 2)
    settle(0.2)
    assert [receipt.seq for receipt in window.receipts] == [1]
    assert "77" in str(window.errors[0])
    assert window.held()[100, 100] == 2
    assert window.editor.tiles.sketches == ()


def test_closing_waits_for_what_was_drawn_and_opening_shows_it(
    make_napari_viewer, window, store, qtbot
):
    from napari_histossl.annotate import Polygon, Stroke

    window.editor.draw(Polygon([(0, 0), (0, 1300), (1300, 0)], 1))
    for step in range(40):
        window.editor.draw(Stroke([(20 * step, 700)], 25, 2))
    window.editor.close()
    with MaskStore.open(store.path) as again:
        assert again.entries
        assert len(list(again.entries())) >= 41
        assert again.read(Box(780, 700, 1, 1))[0, 0] == 2
    window.viewer.layers.clear()
    shown = Window(window.viewer, MaskStore.open(store.path))
    assert shown.colour((150, 150)) == colour_of(1)
    assert shown.colour((200, 350)) == colour_of(2)
    shown.editor.close()


def test_a_mask_for_looking_cannot_be_painted_on(window, store, drag):
    window.editor.close()
    window.viewer.layers.clear()
    shown = Window(window.viewer, MaskStore.open(store.path, read_only=True))
    assert not shown.layer.editable
    assert shown.layer.mode == "pan_zoom"
    shown.layer.undo()
    shown.editor.close()
    assert not shown.errors


def test_it_is_an_ordinary_labels_layer(window, drag, qtbot):
    drag(window.viewer, [(100, 100), (100, 300)])
    window.wait(qtbot, 1)
    data, options, kind = window.layer.as_layer_data_tuple()
    assert kind == "labels"
    assert data[0].shape == WHOLE.shape
    assert tuple(options["scale"]) == (0.5, 0.5)
    assert window.layer.get_value((100, 200), world=True) == 2
    window.layer.data_setitem((np.array([5, 6]), np.array([7, 8])), 3)
    window.wait(qtbot, 2)
    assert window.held()[5, 7] == window.held()[6, 8] == 3
    qtbot.waitUntil(lambda: window.layer.thumbnail[..., :3].any(), timeout=20_000)
    window.layer.show_selected_label = True
    window.layer.selected_label = 3
    settle(0.1)
    assert window.colour((100, 200)) == colour_of(0)


def test_a_mask_of_one_level_is_shown_too(make_napari_viewer, tmp_path, drag, qtbot):
    from napari_histossl.widgets.canvas import install_canvas

    install_canvas()
    store = MaskStore.create(tmp_path / "small.ome.zarr", (400, 500), 0.5)
    window = Window(make_napari_viewer(show=True), store)
    drag(window.viewer, [(100, 100), (100, 150)])
    window.wait(qtbot, 1)
    assert window.colour((100, 120)) == colour_of(2)
    assert store.read(Box(200, 240, 1, 1))[0, 0] == 2
    window.editor.close()
