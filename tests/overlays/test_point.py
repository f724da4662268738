"""Attention from a point: which token, which values, and what is computed for it."""

import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box
from napari_histossl.overlays.point import PointPredictor
from napari_histossl.overlays.questions import attention_from_point
from napari_histossl.slide import ArraySlide, open_slide

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def predictor(small_slide, make_plan):
    with PointPredictor(small_slide.source, make_plan()) as made:
        yield made


def test_it_is_the_row_of_the_token(predictor, picture, make_plan):
    from napari_histossl.models import load_model

    found = predictor.at(70.0, 45.9)
    assert found.tile_ij == (2, 1)
    assert found.token_ij == (0, 1)
    assert found.tile_px0 == Box(64, 32, 32, 32)
    assert found.token_px0 == Box(64, 40, 8, 8)
    model, _ = load_model(make_plan().weights)
    image = torch.from_numpy(picture[64:96, 32:64].copy()).permute(2, 0, 1)[None]
    with torch.no_grad():
        weights = model.attention((image / 255 - 0.5) / 0.5)[0]
    expected = weights[:, 1 + 1, 1:].reshape(3, 4, 4) * 17
    np.testing.assert_allclose(found.values, expected, rtol=2e-3, atol=1e-6)
    assert found.values.dtype == np.float16


def test_a_tile_is_computed_once(predictor, monkeypatch):
    reads = []
    read = predictor.read
    monkeypatch.setattr(
        predictor, "read", lambda tiles: reads.append(tiles) or read(tiles)
    )
    for y, x in [(1, 1), (30, 30), (5, 17), (40, 1), (1, 2)]:
        predictor.at(y, x)
    assert reads == [((0, 0),), ((1, 0),)]


def test_memory_of_tiles_is_bounded(predictor, monkeypatch):
    from napari_histossl.overlays import point

    one = 3 * 17 * 17 * 4
    monkeypatch.setattr(point, "KEPT_BYTES", 3 * one)
    for column in range(6):
        predictor.at(0, 32 * column)
    assert list(predictor._kept) == [(0, 3), (0, 4), (0, 5)]


def test_choices_of_the_plan_hold(small_slide, make_plan):
    plain = make_plan()
    with PointPredictor(small_slide.source, plain) as one:
        relative = one.at(10, 10).values.astype(float)
    for options, expected in {
        ("values", "softmax"): relative / 17,
        ("mean_of_heads", True): np.concatenate([relative, relative.mean(0)[None]]),
    }.items():
        with PointPredictor(small_slide.source, make_plan(**dict([options]))) as other:
            np.testing.assert_allclose(other.at(10, 10).values, expected, rtol=3e-3)
    with PointPredictor(small_slide.source, make_plan(values="rank")) as ranked:
        values = ranked.at(10, 10).values
    for head, ranks in zip(relative, values, strict=True):
        assert np.argmax(head) == np.argmax(ranks)
        assert ranks.max() == 100
    with PointPredictor(small_slide.source, make_plan(block=0)) as first:
        assert not np.allclose(first.at(10, 10).values, relative, rtol=0.05)


def test_where_tiles_overlap_the_one_around_the_point_is_taken(small_slide, make_plan):
    plan = make_plan(overlap=0.5)
    with PointPredictor(small_slide.source, plan) as predictor:
        for y, x in [(0, 0), (23, 25), (24, 40), (75, 101), (149, 201)]:
            box = predictor.at(y, x).tile_px0
            assert box.y <= y < box.y1
            assert box.x <= x < box.x1
            if 16 <= y < 130 and 16 <= x < 180:
                assert min(y - box.y, box.y1 - 1 - y) >= 7
                assert min(x - box.x, box.x1 - 1 - x) >= 7


@pytest.mark.parametrize("point", [(-1, 5), (5, -0.5), (150, 5), (5, 202)])
def test_a_point_off_the_slide(predictor, point):
    with pytest.raises(GeometryError, match="is not on small"):
        predictor.at(*point)


def test_another_process_answers(tiny_tiff, make_plan):
    with open_slide(tiny_tiff) as slide:
        plan = make_plan(slide=slide)
        source = slide.source
    assert len(pickle.dumps(plan.bare())) < 3000
    with PointPredictor(source, plan) as here:
        expected = here.at(300, 400)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = pool.submit(attention_from_point, source, plan.bare(), 300, 400)
        assert found.result().token_px0 == expected.token_px0
        np.testing.assert_array_equal(found.result().values, expected.values)


def test_a_slide_smaller_than_a_tile(make_plan):
    small = ArraySlide(
        np.full((20, 11, 3), 120, np.uint8), mpp_yx=(0.5, 0.5), name="tiny"
    )
    with PointPredictor(small.source, make_plan(slide=small)) as predictor:
        assert predictor.at(19, 10).token_ij == (2, 1)
