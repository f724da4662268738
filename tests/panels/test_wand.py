"""The wand on a drawn slide: levels, outlines, and what reaches the mask."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box
from napari_histossl.panels.wand import (
    Grown,
    WandChoice,
    grow_at,
    level_on_screen,
)
from napari_histossl.slide import ArraySlide

WHOLE = Box(0, 0, 1200, 1600)
CHOICE = WandChoice(tolerance=10, smoothing_px=1)


@pytest.fixture
def slide():
    """Glass with a pink rectangle, rows 400 to 560 and columns 600 to 760."""
    picture = np.full((1200, 1600, 3), 243, np.uint8)
    picture[400:560, 600:760] = (226, 160, 190)
    return ArraySlide(picture, mpp_yx=(0.25, 0.25), name="drawn")


@pytest.mark.parametrize(
    ("px0", "level"), [(0.2, 0), (1, 0), (1.5, 1), (4, 2), (99, 2)]
)
def test_the_level_is_that_of_the_screen(slide, px0, level):
    assert level_on_screen(slide, px0) == level


@pytest.mark.parametrize("level", [1, 2])
def test_what_it_finds_is_where_it_was_drawn_whatever_the_zoom(slide, level, tmp_path):
    grown = grow_at(slide, level, (480.0, 680.0), WHOLE, CHOICE)
    mask_shape = (600, 800)  # half as fine as the slide
    with MaskStore.create(tmp_path / "m.ome.zarr", mask_shape, 0.5) as mask:
        found = grown.on_mask((2.0, 2.0), len(mask.levels), class_index=3)
        assert found.level == level - 1
        receipt = mask.paint(found)
        held = mask.read(Box(0, 0, *mask_shape))
    truth = np.zeros(mask_shape, np.uint8)
    truth[200:280, 300:380] = 3
    corners = 4 * 4 ** (level - 1)  # one pixel of the screen each
    assert (held != truth).sum() <= corners
    assert receipt.entry.tool == "wand"


def test_nothing_beyond_the_view_and_the_reach(slide):
    view = Box(0, 0, 450, 1600)
    grown = grow_at(slide, 0, (440.0, 610.0), view, CHOICE)
    rows, columns = np.nonzero(grown.found)
    assert rows.max() + grown.box_px.y < 450
    assert columns.max() + grown.box_px.x <= 610 + 100


@pytest.mark.parametrize("at", [(-3.0, 10.0), (10.0, 1600.5), (900.0, 900.0)])
def test_a_place_outside_the_slide_or_the_view_is_told(slide, at):
    with pytest.raises(AnnotationError, match="outside it"):
        grow_at(slide, 0, at, Box(0, 0, 800, 1600), CHOICE)


def test_what_a_drag_finds_is_joined():
    one = Grown(np.ones((2, 3), bool), Box(0, 0, 2, 3), 2.0)
    other = Grown(np.ones((1, 1), bool), Box(4, 5, 1, 1), 2.0)
    joined = one.joined(other)
    assert joined.box_px == Box(0, 0, 5, 6)
    assert joined.found.sum() == 7
    assert joined.found[4, 5]


def test_the_outline_is_the_edges_of_the_pixels():
    found = np.zeros((4, 4), bool)
    found[1:3, 1] = True
    edges = Grown(found, Box(10, 20, 4, 4), 4.0).outline_px0()
    assert len(edges) == 6
    assert edges.min(axis=(0, 1)).tolist() == [44, 84]
    assert edges.max(axis=(0, 1)).tolist() == [52, 88]
    lengths = np.abs(edges[:, 0] - edges[:, 1]).sum(axis=1)
    assert (lengths == 4).all()


def test_what_is_finer_than_the_mask_still_is_a_pixel_of_it():
    grown = Grown(np.ones((1, 1), bool), Box(13, 21, 1, 1), 1.0)
    found = grown.on_mask((8.0, 8.0), 3, class_index=1)
    assert (found.box_px, found.level) == (Box(1, 2, 1, 1), 0)
    assert found.found.all()
