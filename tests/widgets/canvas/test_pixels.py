"""What is on the canvas is what is in the slide."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_for_tests import Watched, difference, with_overviews, with_tiles
from conftest_gui import settle

from napari_histossl.geometry import Box
from napari_histossl.slide import ArraySlide, open_slide, virtual_levels
from napari_histossl.slide.levels import read_virtual
from napari_histossl.slide.tiles import SlideTileSource

pytestmark = pytest.mark.gui


@pytest.mark.parametrize("first", [(300, 401), (0, 0), (777, 1111)])
def test_level_0_pixel_for_pixel(show, noise, first):
    window = show(ArraySlide(noise))
    window.look(first)
    height, width = window.size
    y, x = first
    shown = noise[y : y + height, x : x + width]
    assert difference(window.shot()[: len(shown), : shown.shape[1]], shown) <= 0.02


@pytest.mark.parametrize("level", [1, 2])
def test_coarser_levels_pixel_for_pixel(show, noise_slide, level):
    window = show(noise_slide)
    factor = 2**level
    window.look((8, 16), zoom=1 / factor)
    assert window.drawing.target.level == level
    shape = virtual_levels(noise_slide)[level].shape
    y, x = 8 // factor, 16 // factor
    height, width = np.minimum(window.size, np.array(shape) - (y, x))
    expected = read_virtual(noise_slide, Box(y, x, int(height), int(width)), level)
    assert difference(window.shot()[:height, :width], expected) <= 0.02


def test_a_scale_in_micrometres_and_a_file(show, tiny_tiff, tissue_picture):
    window = show(open_slide(tiny_tiff))
    window.look((50, 60))
    height, width = np.minimum(window.size, np.array((700, 900)) - (50, 60))
    expected = tissue_picture[50 : 50 + height, 60 : 60 + width]
    assert difference(window.shot()[:height, :width], expected) <= 0.02


def test_real_slide(real_slide, show):  # no window where there are no data
    window = show(real_slide)
    window.look((1200, 900))
    height, width = map(int, window.size)
    expected = real_slide.read(Box(1200, 900, height, width), 0)
    assert difference(window.shot(), expected) <= 0.02


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_rotated_by_quarters(show, noise, turns):
    """The layer is turned about the world's origin: compare with numpy's turn."""
    window = show(ArraySlide(noise), rotate=-90 * turns)
    world = np.rot90(noise, -turns)  # clockwise on the screen
    low = np.round(window.layer.extent.world[0]).astype(int)
    window.look(low + np.array((400, 300)))
    height, width = window.size
    expected = world[400 : 400 + height, 300 : 300 + width]
    assert difference(window.shot(), expected) <= 0.02


def test_turned_while_open(show, noise):
    window = show(ArraySlide(noise))
    window.layer.affine = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # a quarter
    settle(0.1)
    low = np.round(window.layer.extent.world[0]).astype(int)
    window.look(low + np.array((500, 400)))
    height, width = window.size
    expected = np.rot90(noise, -1)[500 : 500 + height, 400 : 400 + width]
    assert difference(window.shot(), expected) <= 0.02


def test_transposed_axes(show, noise):
    window = show(ArraySlide(noise))
    window.viewer.dims.transpose()
    settle(0.1)
    window.look((300, 200))
    height, width = window.size
    expected = noise.swapaxes(0, 1)[300 : 300 + height, 200 : 200 + width]
    assert difference(window.shot(), expected) <= 0.02


def test_limits_and_gamma_as_napari_has_them(show, noise):
    window = show(ArraySlide(noise))
    window.look((300, 401))
    window.layer.contrast_limits = (20, 180)
    window.layer.gamma = 0.7
    settle(0.1)
    height, width = window.size
    part = noise[300 : 300 + height, 401 : 401 + width].astype(float)
    expected = np.clip((part - 20) / 160, 0, 1) ** 0.7 * 255
    assert difference(window.shot(), expected.round()) <= 0.3


@pytest.mark.parametrize("opacity", [0.3, 1.0])
def test_half_transparent_is_not_drawn_twice(show, opacity):
    window = show(ArraySlide(np.full((1500, 2100, 3), 200, np.uint8)))
    window.look((300, 401))
    window.layer.opacity = opacity
    settle(0.1)
    assert np.abs(window.shot() - 200 * opacity).max() <= 1.5


@pytest.mark.parametrize("blending", ["additive", "minimum", "opaque"])
def test_blending_is_that_of_the_layer(show, blending, make_napari_viewer):
    """Compare with a stock layer of the same picture, drawn by napari alone."""
    picture = np.full((1200, 1500, 3), (40, 90, 200), np.uint8)
    below = np.full((1200, 1500, 3), (120, 60, 30), np.uint8)
    window = show(ArraySlide(below), name="below")
    window.add(ArraySlide(picture), blending=blending)
    window.look((100, 100))
    ours = window.shot()
    stock = make_napari_viewer(show=True)
    stock.window._qt_window.resize(900, 650)
    stock.add_image(below, rgb=True)
    stock.add_image(picture, rgb=True, blending=blending)
    stock.scene.camera.zoom = 1
    stock.scene.camera.center = window.viewer.scene.camera.center
    settle(0.2)
    theirs = stock.screenshot(canvas_only=True, flash=False)[..., :3].astype(int)
    assert difference(ours[:400, :400], theirs[:400, :400]) <= 0.02


def test_a_tile_that_cannot_be_read_is_hatched(show, noise):
    white = ArraySlide(np.full_like(noise, 240))
    slide = with_overviews(Watched(white, [(0, Box(600, 600, 4, 4))]))
    window = show(slide)
    window.look((450, 450))
    shot = window.shot()
    tile = shot[512 - 450 : 768 - 450, 512 - 450 : 768 - 450]
    stripes = (np.abs(tile - (115, 0, 89)) < 3).all(-1)
    assert 0.2 < stripes.mean() < 0.5
    assert not (tile > 230).all(-1).any(), "some of it looks like white tissue"
    around = shot[:50, :50]
    assert (around == 240).all()
    assert window.canvas.service.health(window.drawing.source).failed >= 1


def test_values_by_a_colour_map(show_values):
    window, values = show_values
    window.look((100, 100))
    layer = window.layer
    height, width = np.minimum(window.size, np.array(values.shape) - 100)
    part = values[100 : 100 + height, 100 : 100 + width]
    low, high = layer.contrast_limits
    share = np.clip((part - low) / (high - low), 0, 1)
    colours = layer.colormap.map(np.nan_to_num(share).ravel()).reshape(*share.shape, 4)
    expected = colours[..., :3] * 255
    expected[np.isnan(part)] = 0  # nothing of the background's black is covered
    assert difference(window.shot()[:height, :width], expected.round()) <= 0.5


@pytest.fixture
def show_values(show, rng, tile_canvas, make_napari_viewer, qtbot):
    from canvas_for_tests import ArrayTiles, Window
    from napari.layers import Image

    values = rng.random((1100, 1300)).astype(np.float32)
    values[300:400, 350:500] = np.nan
    source = ArrayTiles(values, "values")
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(900, 650)
    window = Window(viewer, tile_canvas, qtbot)
    window.add_layer(
        Image(
            source.arrays,
            multiscale=True,
            **with_tiles(
                {"colormap": "viridis", "contrast_limits": (0.1, 0.8)}, source
            ),
        )
    )
    window.wait_sharp()
    return window, values


def test_labels_by_a_colour_table(rng, tile_canvas, make_napari_viewer, qtbot):
    from canvas_for_tests import ArrayTiles, Window
    from napari.layers import Labels

    labels = rng.integers(0, 5, (150, 200), np.uint8).repeat(8, 0).repeat(8, 1)
    source = ArrayTiles(labels, "labels")
    viewer = make_napari_viewer(show=True)
    viewer.window._qt_window.resize(900, 650)
    window = Window(viewer, tile_canvas, qtbot)
    table = {None: "transparent", 1: "red", 2: (0, 1, 0), 3: "blue", 4: "white"}
    options = with_tiles({"colormap": table, "opacity": 1.0}, source)
    window.add_layer(Labels(source.arrays, multiscale=True, **options))
    window.wait_sharp()
    window.look((200, 300))
    height, width = window.size
    colours = np.array(
        [(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)]
    )
    expected = colours[labels[200 : 200 + height, 300 : 300 + width]]
    assert difference(window.shot(), expected) <= 0.02


def test_smooth_or_square_pixels(show, noise):
    window = show(ArraySlide(noise))
    window.look((300, 401), zoom=8.0)
    squares = window.shot()[:80, :80]
    expected = noise[300:310, 401:411].repeat(8, 0).repeat(8, 1)
    assert difference(squares, expected) <= 0.02
    window.layer.interpolation2d = "linear"
    settle(0.1)
    assert difference(window.shot()[:80, :80], expected) > 2


def test_tiles_of_another_shape_are_not_drawn(tile_canvas, make_napari_viewer, noise):
    from napari.layers import Image

    source = SlideTileSource(ArraySlide(noise))
    viewer = make_napari_viewer(show=True)
    smaller = [noise[:1000, :1000], noise[:1000:2, :1000:2]]
    viewer.add_layer(
        Image(smaller, multiscale=True, rgb=True, **with_tiles({}, source))
    )
    assert not tile_canvas.drawings()
