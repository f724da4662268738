"""The fast rasteriser against slow ones: rational numbers, and pixel by pixel."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histossl.annotate._blocks import BLOCK_PX
from napari_histossl.annotate._raster import rasterise, stroke_boxes
from napari_histossl.annotate.strokes import Stroke
from napari_histossl.geometry import Box

on_grid = st.integers(-10 * 4, 40 * 4).map(lambda n: n / 4)
anywhere = st.floats(-10, 40, allow_nan=False)


def slow_rasterise(points, radius, box):
    """One pixel and one segment at a time, in rational numbers without rounding."""
    covered = np.zeros(box.shape, bool)
    exact = [(Fraction(float(y)), Fraction(float(x))) for y, x in points]
    pairs = list(pairwise(exact)) or [(exact[0], exact[0])]
    for i, j in np.ndindex(box.shape):
        centre = (Fraction(box.y + i), Fraction(box.x + j))
        covered[i, j] = any(
            distance2(centre, a, b) <= Fraction(radius) ** 2 for a, b in pairs
        )
    return covered


def distance2(p, a, b):
    uy, ux = b[0] - a[0], b[1] - a[1]
    dy, dx = p[0] - a[0], p[1] - a[1]
    length2 = uy**2 + ux**2
    t = Fraction(0)
    if length2:
        t = min(max((dy * uy + dx * ux) / length2, Fraction(0)), Fraction(1))
    return (dy - t * uy) ** 2 + (dx - t * ux) ** 2


@settings(max_examples=60, deadline=None)
@given(
    points=st.lists(st.tuples(on_grid, on_grid), min_size=1, max_size=4),
    radius=st.integers(0, 48).map(lambda n: n / 4),
)
def test_equals_exact_arithmetic(points, radius):
    box = Box(-3, 2, 21, 17)
    stroke = Stroke(points, radius, 1)
    np.testing.assert_array_equal(
        rasterise(stroke.points_px0, radius, box),
        slow_rasterise(stroke.points_px0, radius, box),
    )


@settings(max_examples=150, deadline=None)
@given(
    points=st.lists(st.tuples(anywhere, anywhere), min_size=1, max_size=6),
    radius=st.floats(0.01, 30),
)
def test_equals_the_condition_at_every_pixel(points, radius):
    box = Box(0, 0, 30, 30)
    points = Stroke(points, radius, 1).points_px0
    ends = points if len(points) > 1 else np.repeat(points, 2, axis=0)
    expected = np.zeros(box.shape, bool)
    grid = np.moveaxis(np.indices(box.shape), 0, -1).astype(np.float64)
    for a, b in pairwise(ends.astype(float)):
        u = b - a
        t = np.clip((grid - a) @ u / max(u @ u, 1e-300), 0, 1)[..., None]
        distance = np.linalg.norm(grid - a - t * u, axis=-1)
        expected |= distance <= radius
        # the two ways round differently only where the distance is the radius
        expected |= (np.abs(distance - radius) < 1e-9) & rasterise(points, radius, box)
    np.testing.assert_array_equal(rasterise(points, radius, box), expected)


def test_a_point_is_a_disc_around_a_pixel_centre():
    covered = rasterise(np.array([[5, 5]], np.float32), 2, Box(0, 0, 11, 11))
    y, x = np.indices((11, 11))
    np.testing.assert_array_equal(covered, (y - 5) ** 2 + (x - 5) ** 2 <= 4)


def test_many_runs_in_batches_equal_the_union_of_single_segments():
    rng = np.random.default_rng(7)
    points = rng.uniform(0, 900, (400, 2)).astype(np.float32)
    box = Box(100, 50, 800, 900)
    whole = rasterise(points, 12.5, box)
    single = np.zeros(box.shape, bool)
    for i in range(len(points) - 1):
        single |= rasterise(points[i : i + 2], 12.5, box)
    np.testing.assert_array_equal(whole, single)


@pytest.mark.parametrize("radius", [0.5, 30, 700])
def test_boxes_hold_every_pixel_of_a_stroke_and_stay_small(radius):
    shape = (3000, 2500)
    points = np.array([[-50, 10], [2900, 2450], [2900, 100]], np.float32)
    whole = rasterise(points, radius, Box(0, 0, *shape))
    pieced = np.zeros(shape, bool)
    boxes = stroke_boxes(points, radius, shape)
    for box in boxes:
        assert box.height <= BLOCK_PX
        assert box.width <= BLOCK_PX
        assert not pieced[box.slices].any(), "boxes overlap"
        pieced[box.slices] |= rasterise(points, radius, box)
    np.testing.assert_array_equal(pieced, whole)


def test_a_long_stroke_touches_only_blocks_on_its_way():
    points = np.array([[0, 0], [99_999, 99_999]], np.float32)
    boxes = stroke_boxes(points, 10, (100_000, 100_000))
    assert len(boxes) < 400  # 98 blocks long, of 9,604 in all


def test_a_stroke_wholly_outside_has_no_box():
    points = np.array([[-100, -100], [-50, 500]], np.float32)
    assert stroke_boxes(points, 20, (1000, 1000)) == []
