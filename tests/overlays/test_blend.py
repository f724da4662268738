"""Tiles that overlap: seams fade, and the order in which tiles came is not seen."""

import numpy as np
import pytest

from napari_histossl.geometry import Box
from napari_histossl.jobs import Orders
from napari_histossl.overlays import AttentionPredictor, run
from napari_histossl.overlays.blend import blend_into, ramp
from napari_histossl.store import Pyramid

torch = pytest.importorskip("torch")


@pytest.mark.parametrize(("edge", "overlap"), [(8, 4), (16, 4), (16, 12), (7, 3)])
def test_weights_of_two_neighbours_have_one_sum(edge, overlap):
    weights = ramp(edge, overlap)
    assert weights.min() >= 1
    assert (weights == np.round(weights)).all()
    if 2 * overlap <= edge:  # one neighbour on each side
        line = weights[0]
        shared = line[edge - overlap :] + line[:overlap]
        assert np.ptp(shared) == 0


def test_no_overlap_changes_nothing():
    assert (ramp(8, 0) == 1).all()
    picture = np.full((2, 8, 8), np.nan, np.float16)
    values = np.random.default_rng(0).random((2, 8, 8)).astype(np.float16)
    blend_into(picture, Box(8, 8, 8, 8), [(Box(8, 8, 8, 8), values)], ramp(8, 0))
    np.testing.assert_array_equal(picture, values)


def test_the_sum_is_exact_in_any_order():
    rng = np.random.default_rng(3)
    scales = 10.0 ** rng.uniform(-6, 3, (16, 1, 1, 1))
    parts = [
        (Box(4 * (k // 4), 4 * (k % 4), 16, 16), value.astype(np.float16))
        for k, value in enumerate(rng.exponential(1, (16, 2, 16, 16)) * scales)
    ]
    pictures = []
    for _ in range(8):
        rng.shuffle(parts)
        picture = np.full((2, 20, 20), np.nan)
        blend_into(picture, Box(3, 3, 20, 20), parts, ramp(16, 12))
        pictures.append(picture)
    for picture in pictures[1:]:
        np.testing.assert_array_equal(picture, pictures[0])


@pytest.mark.torch
def test_a_run_equals_the_plain_way(small_slide, make_plan):
    """Every tile computed by itself, weighed and averaged here in a loop."""
    plan = make_plan(overlap=0.5)
    assert plan.grid.step_px == 16
    list(run(small_slide.source, plan))
    height, width = plan.shape[1:]
    total = np.zeros((3, height + 8, width + 8))
    weight = np.zeros((height + 8, width + 8))
    ramp_ = np.minimum(np.arange(4), 3 - np.arange(4)).clip(max=2) + 1.0
    with AttentionPredictor(small_slide.source, plan) as predictor:
        for tile in plan.tiles_ij:
            values = predictor.compute(predictor.read((tile,)))[0][0]
            place = plan.token_box(*tile).slices
            total[(..., *place)] += values.astype(np.float16) * np.outer(ramp_, ramp_)
            weight[place] += np.outer(ramp_, ramp_)
    inside = np.s_[:height, :width]
    expected = total[(slice(None), *inside)] / weight[inside]
    np.testing.assert_allclose(_pixels(plan), expected, rtol=2e-3)


@pytest.mark.torch
def test_neither_order_nor_resuming_is_seen(small_slide, make_plan):
    whole, moved, broken = (
        make_plan(overlap=0.5, name=name, batch=1) for name in ("w", "m", "b")
    )
    list(run(small_slide.source, whole))
    orders = Orders()
    orders.look_at(Box(80, 120, 30, 30))
    list(run(small_slide.source, moved, orders=orders))
    for stop in (10, 25):
        work = run(small_slide.source, broken)
        while next(work).done < stop:
            pass
        work.close()
    list(run(small_slide.source, broken))
    np.testing.assert_array_equal(_pixels(whole), _pixels(moved))
    np.testing.assert_array_equal(_pixels(whole), _pixels(broken))
    with Pyramid.open(whole.out) as one, Pyramid.open(broken.out) as other:
        for level in range(len(one.levels)):
            box = one.levels[level].box
            np.testing.assert_array_equal(one.read(box, level), other.read(box, level))


@pytest.mark.torch
def test_a_wider_extent_is_blended_with_what_was_there(small_slide, make_plan):
    tissue = np.zeros((15, 20), bool)
    tissue[:6, :6] = True
    few = make_plan(
        overlap=0.5, batch=1, is_tissue=tissue, tissue_downsample=10.0
    )  # fmt: skip
    list(run(small_slide.source, few))
    list(run(small_slide.source, make_plan(overlap=0.5, batch=1)))
    whole = make_plan(overlap=0.5, batch=1, name="whole")
    list(run(small_slide.source, whole))
    np.testing.assert_array_equal(_pixels(few), _pixels(whole))


def _pixels(plan):
    with Pyramid.open(plan.out) as pyramid:
        return pyramid.read(pyramid.levels[0].box)
