"""What is drawn where, without a window."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_for_tests import ArrayTiles

from napari_histossl.geometry import Box, Level
from napari_histossl.widgets.canvas._corners import corners_of
from napari_histossl.widgets.canvas._plan import (
    ROUNDED,
    STRICT,
    Target,
    choose_level,
    draw_plan,
    find_target,
    squares_from_centre,
)
from napari_histossl.widgets.canvas._slots import SlotTable

LEVELS = [Level((4096 >> k, 4096 >> k), 2.0**k) for k in range(4)]


@pytest.fixture
def source():
    return ArrayTiles(np.zeros((3000, 4100), np.uint8), "labels")


def never(_key):
    return False


@pytest.mark.parametrize(
    ("px0_per_pixel", "strict", "rounded"),
    [
        (0.1, 0, 0),
        (1.0, 0, 0),
        (1.3, 0, 0),
        (1.5, 0, 1),
        (2.0, 1, 1),
        (3.85, 1, 2),
        (100, 3, 3),
    ],
)
def test_level(px0_per_pixel, strict, rounded):
    assert choose_level(LEVELS, px0_per_pixel, STRICT) == strict
    assert choose_level(LEVELS, px0_per_pixel, ROUNDED) == rounded


def test_target_is_cut_at_the_edges(source):
    corners = np.array([[-500, -500], [-500, 600], [300, 600], [300, -500]], float)
    target = find_target(source, corners, 0, or_finer=False)
    assert target == Target(0, False, Box(0, 0, 2, 3))
    assert find_target(source, corners - 1e6, 0, or_finer=False) is None


def test_the_middle_comes_first():
    squares = squares_from_centre(Box(3, 3, 3, 5))
    assert squares[0] == (4, 5)
    assert len(squares) == len(set(squares)) == 15


def test_the_best_tile_that_is_there(source):
    top = len(source.levels) - 1
    square = Target(1, False, Box(2, 3, 1, 1))
    key = (source, 1, 2, 3)
    coarsest = (source, top, 2 >> (top - 1), 3 >> (top - 1))
    finer = [(source, 0, y, x) for y in (4, 5) for x in (6, 7)]

    drawing = draw_plan(source, square, {coarsest}, never)
    assert drawing.pieces == [(1, 2, 3, coarsest, False)]
    assert drawing.missing == [key]

    drawing = draw_plan(source, square, {coarsest, *finer}, never)
    assert {piece[3] for piece in drawing.pieces} == set(finer)
    assert drawing.missing == [key]

    drawing = draw_plan(source, square, {coarsest, key, *finer}, never)
    assert drawing.pieces == [(1, 2, 3, key, False)]
    assert not drawing.missing

    sharper = Target(1, True, square.box_ij)
    drawing = draw_plan(source, sharper, {coarsest, key, *finer}, never)
    assert {piece[3] for piece in drawing.pieces} == set(finer)

    assert draw_plan(source, square, set(), never).holes == 1


def test_unreadable_tiles_are_marked_and_not_waited_for(source):
    top = len(source.levels) - 1
    target = Target(0, False, Box(0, 0, 1, 1))
    there = {(source, top, 0, 0)}
    drawing = draw_plan(source, target, there, lambda _key: True)
    assert drawing.pieces == [(0, 0, 0, (source, top, 0, 0), True)]
    assert not drawing.missing


def test_random_states_never_leave_a_hole(source, rng):
    """Whatever has been decoded, the squares of a view are covered exactly once."""
    top = len(source.levels) - 1
    every = [
        (source, level, y, x)
        for level in range(top + 1)
        for y, x in source.grid(level).covering(source.levels[level].box)
    ]
    base = {key for key in every if key[1] == top}
    for _ in range(40):
        there = base | {key for key in every if rng.random() < 0.4}
        level = int(rng.integers(0, top + 1))
        rows, columns = source.grid(level).shape_ij
        target = Target(level, bool(rng.random() < 0.5), Box(0, 0, rows, columns))
        drawing = draw_plan(source, target, there, never)
        assert not drawing.holes
        assert drawing.used <= there
        table = SlotTable(32, 32)
        for key in drawing.used:
            table.take(key, ())
        corners = corners_of(source, drawing, table.place)
        corners = corners.places[:, :2].reshape(-1, 6, 2)
        sizes = corners.max(1) - corners.min(1)
        height, width = source.levels[0].shape
        assert (sizes > 0).all()
        assert sizes.prod(1).sum() == height * width
        assert corners.max((0, 1)).tolist() == [width, height]


def test_texels_of_a_coarser_tile(source):
    """A quarter of a coarser tile stands in for one that is missing."""
    coarser = (source, 1, 1, 2)
    target = Target(0, False, Box(3, 5, 1, 1))
    table = SlotTable(4, 4)
    table.take((source, 0, 0, 0), ())
    place = table.take(coarser, ())
    drawing = draw_plan(source, target, {coarser}, never)
    corners = corners_of(source, drawing, table.place)
    row, column = place
    texels = corners.places[:, 2:]
    low, high = texels.min(0), texels.max(0)
    assert low.tolist() == [column * 256 + 128, row * 256 + 128]
    assert high.tolist() == [column * 256 + 256, row * 256 + 256]
    assert corners.places[:, :2].min(0).tolist() == [5 * 256, 3 * 256]


def test_slots_are_taken_from_the_oldest_that_nobody_keeps():
    table = SlotTable(1, 2)
    first, second, third = (("s", 0, 0, x) for x in range(3))
    table.take(first, ())
    table.take(second, ())
    table.use([first])
    assert table.take(third, {first}) is not None
    assert second not in table
    assert table.take(second, {first, third}) is None
    assert len(table) == table.capacity == 2
