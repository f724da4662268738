"""What a run costs, before and after it was measured; what its numbers mean."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import rankdata

from napari_histossl.models import model_spec
from napari_histossl.overlays.cost import (
    Calibration,
    calibrated,
    choose_batch,
    estimated_tile_s,
    tile_flops,
)
from napari_histossl.overlays.normalise import normalise
from napari_histossl.overlays.plan import MEANINGS, UNITS


@pytest.mark.parametrize("name", ["vit_small_patch16", "vit_sample_patch8"])
def test_a_batch_is_short(name):
    tile_s = estimated_tile_s(model_spec(name))
    batch = choose_batch(tile_s)
    assert batch == 1 or batch * tile_s <= 0.25
    assert batch == 64 or 2 * batch * tile_s > 0.25


def test_measured_times_replace_guesses(make_plan):
    plan = make_plan(batch=None)
    measured = calibrated(plan, Calibration(0.02, "CPU, 2 threads"))
    assert measured.seconds == pytest.approx(0.7)
    assert measured.batch == 8
    assert "computed on CPU, 2 threads, 50 tiles a second" in measured.summary()
    assert calibrated(plan, Calibration(0.02, "x"), keep_batch=True).batch == plan.batch
    slow = calibrated(plan, Calibration(2.5, "CPU, 1 thread"))
    assert slow.batch == 1
    assert "2.5 s a tile" in slow.notes[-1]


@pytest.mark.torch
def test_measuring_loads_the_model_once(small_slide, make_plan):
    pytest.importorskip("torch")
    from napari_histossl.overlays.calibrate import calibrate
    from napari_histossl.overlays.loaded import loaded_model

    plan = make_plan()
    found = calibrate(small_slide.source, plan)
    assert 0 < found.tile_s < 5
    assert found.device == "CPU, 1 thread"
    arguments = plan.spec, plan.weights, plan.weights_sha256, "cpu"
    assert loaded_model(*arguments) is loaded_model(*arguments)


def test_normalisations():
    weights = np.random.default_rng(0).exponential(size=(2, 3, 4, 4))
    weights /= weights.sum((-1, -2), keepdims=True) * 1.1  # the class token has a share
    np.testing.assert_array_equal(normalise(weights, "softmax"), weights)
    np.testing.assert_allclose(normalise(weights, "relative"), weights * 17)
    ranked = normalise(weights, "rank")
    for tile, head in np.ndindex(2, 3):
        expected = rankdata(weights[tile, head]) * 100 / 16
        np.testing.assert_allclose(ranked[tile, head].ravel(), expected)
    assert set(MEANINGS) == set(UNITS) == {"relative", "softmax", "rank"}


def test_equal_attention_shares_its_rank():
    flat = np.full((1, 1, 2, 2), 0.2)
    assert (normalise(flat, "rank") == 62.5).all()


@pytest.mark.parametrize(
    ("name", "options", "flops"),
    [
        ("resnet38", {"width": 1.0}, 199.5e9),
        ("resnet38", {"width": 0.125}, 3.14e9),
        ("deeplabv3plus", {"backbone": "resnet101"}, 33.9e9),
        ("deeplabv3plus", {"backbone": "small"}, 1.41e9),
    ],
)
def test_operations_of_models_that_tell_classes(name, options, flops):
    """Counted by PyTorch on 224 px; a quarter of them on half the edge."""
    spec = model_spec(name, **options)
    assert tile_flops(spec) == pytest.approx(flops, rel=0.03)
    half = tile_flops(replace(spec, tile_px=112))
    assert half == pytest.approx(flops / 4, rel=0.03)
