"""The shipped weights do what they are shipped for, on slides they have never seen."""

import numpy as np
import pytest

from napari_histossl.models import load_model
from napari_histossl.panels import sample_weights
from napari_histossl.training import (
    draw_all,
    drawings,
    evaluate,
    make_sets,
    random_start,
)

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

STARTS = 5
"""Random starts that the weights are compared with."""


@pytest.fixture(scope="module")
def judged():
    """The shipped weights and random ones, on 8 slides each of three sets."""
    model, spec = load_model(sample_weights())
    plans = drawings(slides=8, bank=6, validation=3, test=8, mpp=spec.mpp)
    sets = make_sets(*map(draw_all, plans))
    trained = evaluate(model, spec, sets)
    starts = [evaluate(random_start(spec, n), spec, sets) for n in range(STARTS)]
    return trained, starts


def test_a_head_looks_at_nuclei(judged):
    trained, starts = judged
    assert trained.lift >= 1.5
    assert max(start.lift for start in starts) < 1.5


def test_features_hold_under_another_stain(judged):
    trained, starts = judged
    random = np.mean([start.knn_shifted for start in starts])
    assert trained.knn_shifted >= random + 0.10
    assert trained.knn > max(start.knn for start in starts)
