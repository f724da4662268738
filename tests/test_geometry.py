"""Boxes, levels and grids: nothing lost, nothing too large."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box, Level, TileGrid, from_level, to_level

POSITIONS = st.integers(-200_000, 200_000)
EXTENTS = st.integers(1, 5_000)
BOXES = st.builds(Box, POSITIONS, POSITIONS, EXTENTS, EXTENTS)
SMALL_BOXES = st.builds(
    Box, st.integers(-9, 40), st.integers(-9, 40), st.integers(1, 20), st.integers(1, 9)
)
DOWNSAMPLES = st.floats(1, 1024)
TOLERANCE = 1e-5


def drawn(box: Box) -> np.ndarray:
    """Return the box as pixels of a field whose first pixel is at (-50, -50)."""
    field = np.zeros((150, 150), bool)
    field[box.shifted(50, 50).slices] = True
    return field


# ---- Boxes ----


def test_box_knows_its_edges() -> None:
    box = Box(3, 5, 10, 20)
    assert (box.y1, box.x1) == (13, 25)
    assert box.shape == (10, 20)
    assert np.zeros((40, 40))[box.slices].shape == box.shape
    assert box.shifted(-3, 2) == Box(0, 7, 10, 20)
    assert box.padded(2) == Box(1, 3, 14, 24)


@pytest.mark.parametrize("shape", [(0, 1), (1, 0), (-1, 5)])
def test_box_without_pixels_is_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(GeometryError, match="at least one pixel"):
        Box(0, 0, *shape)


@given(SMALL_BOXES, SMALL_BOXES)
def test_intersection_is_the_common_pixels(first: Box, second: Box) -> None:
    common = first.intersection(second)
    expected = drawn(first) & drawn(second)
    if common is None:
        assert not expected.any()
    else:
        np.testing.assert_array_equal(drawn(common), expected)


@given(SMALL_BOXES, SMALL_BOXES)
def test_union_holds_both_and_no_spare_row_or_column(first: Box, second: Box) -> None:
    either = drawn(first) | drawn(second)
    rows, columns = np.flatnonzero(either.any(1)), np.flatnonzero(either.any(0))
    whole = first.union(second).shifted(50, 50)
    assert (whole.y, whole.y1 - 1) == (rows[0], rows[-1])
    assert (whole.x, whole.x1 - 1) == (columns[0], columns[-1])


def test_level_is_checked() -> None:
    assert Level((3, 4), 1.0).box == Box(0, 0, 3, 4)
    with pytest.raises(GeometryError, match="downsample"):
        Level((3, 4), 0.5)
    with pytest.raises(GeometryError, match="shape"):
        Level((0, 4), 2.0)


# ---- Between levels ----


@given(BOXES, DOWNSAMPLES, DOWNSAMPLES)
def test_to_level_covers_and_is_tight(box: Box, down_y: float, down_x: float) -> None:
    level = to_level(box, (down_y, down_x))
    for first, end, level_first, level_end, down in (
        (box.y, box.y1, level.y, level.y1, down_y),
        (box.x, box.x1, level.x, level.x1, down_x),
    ):
        first_px, end_px = first / down, end / down
        assert level_first <= first_px + TOLERANCE
        assert level_end >= end_px - TOLERANCE
        assert level_first + 1 > first_px
        assert level_end - 1 < end_px


@given(BOXES, DOWNSAMPLES, DOWNSAMPLES)
def test_from_level_covers_and_is_tight(box: Box, down_y: float, down_x: float) -> None:
    box_px0 = from_level(box, (down_y, down_x))
    for first, end, first_px0, end_px0, down in (
        (box.y, box.y1, box_px0.y, box_px0.y1, down_y),
        (box.x, box.x1, box_px0.x, box_px0.x1, down_x),
    ):
        assert first_px0 <= first * down + TOLERANCE
        assert end_px0 >= end * down - TOLERANCE
        assert first_px0 + 1 > first * down
        assert end_px0 - 1 < end * down


@given(BOXES, st.integers(1, 256))
def test_there_and_back_with_whole_downsamples(box: Box, downsample: int) -> None:
    pair = (float(downsample), float(downsample))
    assert to_level(from_level(box, pair), pair) == box


@given(st.integers(1, 4_000), st.integers(1, 4_000))
def test_a_ratio_of_shapes_gains_no_pixel(rows0: int, rows: int) -> None:
    """A whole slide of 17 rows read at 17 / 7 has 7 rows, not 8."""
    rows = min(rows, rows0)
    whole = to_level(Box(0, 0, rows0, rows0), (rows0 / rows, rows0 / rows))
    assert whole == Box(0, 0, rows, rows)


@pytest.mark.parametrize("convert", [to_level, from_level])
def test_downsample_below_one_is_refused(convert) -> None:
    with pytest.raises(GeometryError, match="at least 1"):
        convert(Box(0, 0, 1, 1), (1.0, 0.5))


# ---- Tiles ----


@given(SMALL_BOXES, st.integers(1, 60), st.integers(1, 60), st.integers(1, 17))
def test_covering_equals_looking_at_every_tile(
    box: Box, height: int, width: int, tile_px: int
) -> None:
    grid = TileGrid((height, width), tile_px)
    rows, columns = grid.shape_ij
    touched = [
        (row, column)
        for row in range(rows)
        for column in range(columns)
        if grid.box(row, column).intersection(box) is not None
    ]
    assert list(grid.covering(box)) == touched


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 17))
def test_tiles_cover_a_level_once(height: int, width: int, tile_px: int) -> None:
    grid = TileGrid((height, width), tile_px)
    rows, columns = grid.shape_ij
    times = np.zeros((height + tile_px, width + tile_px), int)
    for row in range(rows):
        for column in range(columns):
            times[grid.box(row, column).slices] += 1
    assert (times[:height, :width] == 1).all()
    assert (rows - 1) * tile_px < height
    assert (columns - 1) * tile_px < width


def test_grid_without_tiles_is_refused() -> None:
    with pytest.raises(GeometryError, match="at least one pixel"):
        TileGrid((10, 10), 0)
