"""Painting on a mask with napari's own tools in a real window."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore
from napari_histossl.geometry import Box

pytestmark = pytest.mark.gui

WHOLE = Box(0, 0, 400, 500)


@pytest.fixture
def store(tmp_path):
    with MaskStore.create(tmp_path / "m.ome.zarr", WHOLE.shape, 0.5) as made:
        yield made


@pytest.fixture
def layer(make_napari_viewer, store):
    from napari_histossl.widgets._mask_layer import MaskLayer

    viewer = make_napari_viewer(show=True)
    receipts, errors = [], []
    made = MaskLayer(store, WHOLE, (0.5, 0.5), "ada", receipts.append, errors.append)
    viewer.add_layer(made)
    viewer.reset_view()
    made.brush_size = 30
    made.selected_label = 2
    made.mode = "paint"
    made.viewer, made.receipts, made.errors = viewer, receipts, errors
    return made


def test_a_drag_is_one_durable_stroke_and_the_layer_shows_the_store(layer, store, drag):
    drag(layer.viewer, [(50, 50), (50, 150), (100, 150)])
    assert [receipt.seq for receipt in layer.receipts] == [1]
    held = store.read(WHOLE)
    assert held[100, 200] == 2  # world 50, 100 is pixel 100, 200
    assert held[150, 300] == 2
    assert held[130, 150] == 0
    np.testing.assert_array_equal(layer.data, held)
    entry = list(store.entries())[-1]
    assert (entry.tool, entry.author) == ("brush", "ada")


def test_undo_and_redo_are_those_of_the_store(layer, store, drag):
    drag(layer.viewer, [(50, 50), (50, 150)])
    drag(layer.viewer, [(120, 50), (120, 150)])
    both = layer.data.copy()
    layer.undo()
    assert layer.data[240, 200] == 0
    assert layer.data[100, 200] == 2
    layer.undo()
    assert not layer.data.any()
    layer.undo()  # nothing left: nothing happens
    layer.redo()
    layer.redo()
    np.testing.assert_array_equal(layer.data, both)
    np.testing.assert_array_equal(store.read(WHOLE), both)
    assert not layer.errors


def test_ctrl_z_in_the_window_undoes(layer, store, drag, qtbot):
    from qtpy.QtCore import Qt

    drag(layer.viewer, [(50, 50), (50, 150)])
    canvas = layer.viewer.window._qt_viewer.canvas.native
    qtbot.keyClick(canvas, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not store.read(WHOLE).any()
    assert not layer.data.any()


def test_the_eraser_takes_labels_away(layer, store, drag):
    drag(layer.viewer, [(50, 50), (50, 150)])
    layer.mode = "erase"
    drag(layer.viewer, [(50, 80), (50, 90)])
    held = store.read(WHOLE)
    assert held[100, 170] == 0
    assert held[100, 280] == 2
    np.testing.assert_array_equal(layer.data, held)


def test_fill_and_preserved_labels_are_saved_as_they_look(layer, store, drag):
    drag(layer.viewer, [(50, 50), (50, 150)])
    layer.preserve_labels = True
    layer.selected_label = 3
    drag(layer.viewer, [(20, 100), (90, 100)])
    assert store.read(WHOLE)[100, 200] == 2
    assert store.read(WHOLE)[150, 200] == 3
    np.testing.assert_array_equal(layer.data, store.read(WHOLE))
    layer.preserve_labels = False
    layer.mode = "fill"
    layer.selected_label = 4
    drag(layer.viewer, [(180, 20)])
    assert store.read(WHOLE)[390, 10] == 4
    np.testing.assert_array_equal(layer.data, store.read(WHOLE))
    layer.undo()
    assert store.read(WHOLE)[390, 10] == 0


def test_what_cannot_be_saved_is_not_shown(layer, store, drag):
    store.close()
    drag(layer.viewer, [(50, 50), (50, 150)])
    assert len(layer.errors) == 1
    assert not layer.receipts
    assert not layer.data.any()


def test_it_is_an_ordinary_labels_layer(layer):
    _data, options, kind = layer.as_layer_data_tuple()
    assert kind == "labels"
    assert options["scale"] == (0.5, 0.5) or list(options["scale"]) == [0.5, 0.5]


def test_a_window_of_a_large_mask_is_placed_on_the_glass(tmp_path):
    from napari_histossl.widgets._mask_layer import MaskLayer, window_around

    with MaskStore.create(tmp_path / "g.ome.zarr", (30_000, 40_000), 0.5) as large:
        window = window_around(large.shape, (20_000, 39_900))
        assert window == Box(17_952, 35_904, 4096, 4096)
        layer = MaskLayer(large, window, (0.25, 0.25), None, print, print)
        first_pixel_um = (17_952 + 0.5) * 0.5 - 0.5 * 0.25
        assert layer.translate[0] == pytest.approx(first_pixel_um)
    assert window_around((300, 200), (0, 0)) == Box(0, 0, 300, 200)
