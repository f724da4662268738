"""Tiles whose pixels change while they are on the screen."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_for_tests import ArrayTiles, Window, with_tiles
from conftest_gui import PATIENCE_MS, settle

pytestmark = pytest.mark.gui


@pytest.fixture
def window(rng, tile_canvas, make_napari_viewer, qtbot):
    from napari.layers import Image

    source = ArrayTiles(np.full((1500, 1800), 0.2, np.float32), "values")
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(900, 650)
    window = Window(viewer, tile_canvas, qtbot)
    options = with_tiles({"colormap": "gray", "contrast_limits": (0, 1)}, source)
    window.add_layer(Image(source.arrays, multiscale=True, **options))
    window.wait_sharp()
    window.source = source
    return window


def fill(source, value, rows=slice(None), columns=slice(None)):
    source.arrays[0][rows, columns] = value  # coarser arrays are views of it


def tell(window, keys):
    window.canvas.service.invalidate(window.source, keys)
    window.drawing.on_change(keys)
    window.qtbot.waitUntil(lambda: window.drawing.is_sharp, timeout=PATIENCE_MS)
    settle(0.1)


def all_keys(source):
    return [
        (source, level, ty, tx)
        for level in range(len(source.levels))
        for ty in range(source.grid(level).shape_ij[0])
        for tx in range(source.grid(level).shape_ij[1])
    ]


@pytest.mark.parametrize("zoom", [1.0, 0.25])
def test_what_has_changed_is_drawn_at_once(window, zoom):
    window.look((100, 100), zoom)
    assert np.abs(window.shot()[:100, :100] - 51).max() <= 1
    fill(window.source, 0.8)
    assert np.abs(window.shot()[:100, :100] - 51).max() <= 1  # nobody told it
    tell(window, all_keys(window.source))
    assert np.abs(window.shot()[:100, :100] - 204).max() <= 1


def test_only_what_was_told_is_read_again(window, monkeypatch):
    source, read = window.source, []
    plainly = source.read_tile
    monkeypatch.setattr(
        source, "read_tile", lambda *at: read.append(at) or plainly(*at)
    )
    window.look((0, 0))
    settle(0.3)
    before = set(window.canvas.service._cache.keys_of(source))
    read.clear()
    fill(source, 0.6, slice(0, 256), slice(0, 256))
    tell(window, [(source, 0, 0, 0)])
    again = [at for at in read if (source, *at) in before]
    assert again == [(0, 0, 0)]  # others are tiles around the view
    shot = window.shot()
    assert np.abs(shot[:250, :250] - 153).max() <= 1
    assert np.abs(shot[:250, 260:500] - 51).max() <= 1


def test_the_old_picture_stays_until_the_new_one_is_there(window):
    window.look((0, 0))
    fill(window.source, 0.6)
    keys = all_keys(window.source)
    window.canvas.service.invalidate(window.source, keys)
    window.drawing.on_change(keys)
    covered = []
    for _draw in range(30):
        settle(0.01)
        shot = window.shot()[:100, :100]
        covered.append(shot.min() >= 50)
    assert all(covered), "the canvas was empty in between"
    window.wait_sharp()
    assert np.abs(window.shot()[:100, :100] - 153).max() <= 1


def test_a_change_out_of_sight_is_there_when_the_view_comes(window):
    window.look((0, 0))
    window.look((900, 1200))
    fill(window.source, 0.6)
    tell(window, all_keys(window.source))
    window.look((0, 0), wait=False)
    for _draw in range(30):
        settle(0.01)
        assert np.abs(window.shot()[:100, :100] - 51).min() > 10, (
            "an old tile was shown"
        )
    window.wait_sharp()
    assert np.abs(window.shot()[:100, :100] - 153).max() <= 1


def test_a_change_while_it_is_hidden(window):
    window.look((0, 0))
    window.layer.visible = False
    settle(0.1)
    fill(window.source, 0.6)
    keys = all_keys(window.source)
    window.canvas.service.invalidate(window.source, keys)
    window.drawing.on_change(keys)
    settle(0.1)
    window.layer.visible = True
    settle(0.2)
    window.wait_sharp()
    assert np.abs(window.shot()[:100, :100] - 153).max() <= 1
