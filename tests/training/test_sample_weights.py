"""The shipped weights do what they are shipped for, on slides they have never seen."""

import numpy as np
import pytest

from napari_histossl.metrics import knn_accuracy
from napari_histossl.models import load_model
from napari_histossl.resources import sample_file
from napari_histossl.training import (
    draw_all,
    drawings,
    evaluate,
    make_sets,
    random_start,
)

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

STARTS = 3
"""Random starts that the weights are compared with; in the README's tables 5."""


@pytest.fixture(scope="module")
def sets():
    """Small sets of patches from 8 slides each."""
    plans = drawings(slides=8, bank=6, validation=2, test=5)
    return make_sets(*map(draw_all, plans))


@pytest.fixture(scope="module")
def judged(sets):
    """The shipped transformer and random ones."""
    model, spec = load_model(sample_file("dino_sample.safetensors"))
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


def _shifted(model, spec, sets, nearness):
    """Return the accuracy of neighbours with the test pictures in another stain."""
    from napari_histossl.training.features import encode_all, model_encoder

    found = []
    for pictures in (sets.bank.images, sets.shifted):
        list(encode_all(model_encoder(model, spec), pictures, found))
    return knn_accuracy(
        found[0], sets.bank.labels, found[1], sets.test.labels, nearness=nearness
    )


@pytest.mark.parametrize("nearness", ["euclidean", "cosine"])
def test_contrastive_features_hold_under_another_stain(sets, nearness):
    model, spec = load_model(sample_file("simclr_sample.safetensors"))
    trained = _shifted(model, spec, sets, nearness)
    starts = [
        _shifted(random_start(spec, n), spec, sets, nearness) for n in range(STARTS)
    ]
    assert trained >= np.mean(starts) + 0.10
    assert trained > max(starts)


@pytest.fixture(scope="module")
def weak_patches(tmp_path_factory):
    """Patches of the first test slides, with masks that nobody has learned from."""
    from napari_histossl.training.patch_sets import open_patch_set
    from napari_histossl.training.weak_set import draw_weak_set

    folder = tmp_path_factory.mktemp("weak")
    list(draw_weak_set(folder, slides=3))
    return open_patch_set(folder, split="test")


def test_classifier_and_segmenter_do_their_work_together(weak_patches):
    from napari_histossl.models.recipe import recipe
    from napari_histossl.training.weak_comparison import (
        Network,
        classifier_auc,
        judge_gated,
    )

    classifier, segmenter = (
        Network(*load_model(sample_file(f"{name}_sample.safetensors")))
        for name in ("classifier", "segmenter")
    )
    assert classifier.spec.classes == segmenter.spec.classes == weak_patches.classes
    assert classifier_auc(classifier, weak_patches) >= 0.9
    rules = recipe(segmenter.spec.recipe)
    found = judge_gated("", segmenter, classifier, weak_patches, rules).confusion
    largest = found.support.max() / found.support.sum()
    assert found.accuracy > max(0.8, largest + 0.05)
    assert found.mean_iou > 0.6
