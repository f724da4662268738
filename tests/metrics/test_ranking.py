"""Areas under curves and taus: by hand, and against the libraries."""

import numpy as np
import pytest

from napari_histossl.metrics import (
    class_aucs,
    kendall_tau,
    prediction_probability,
    roc_auc,
)


def test_auc_agrees_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 4, 200)
    scores = rng.integers(0, 6, (200, 4)) + 2.0 * np.eye(4)[truth]  # many ties
    scores /= scores.sum(1, keepdims=True)
    mine = class_aucs(scores, np.arange(4), truth)
    for index in range(4):
        theirs = metrics.roc_auc_score(truth == index, scores[:, index])
        assert mine[index] == pytest.approx(theirs)
    macro = metrics.roc_auc_score(truth, scores, multi_class="ovr")
    assert np.mean(mine) == pytest.approx(macro)


def test_auc_of_one_class_only_is_unknown():
    assert np.isnan(roc_auc(np.arange(3), np.ones(3, bool)))
    assert np.isnan(roc_auc(np.arange(3), np.zeros(3, bool)))
    some = class_aucs(np.ones((4, 3)), np.arange(3), np.array([0, 0, 1, 1]))
    np.testing.assert_array_equal(some, [0.5, 0.5, np.nan])


def test_prediction_probability_counts_every_pair_once():
    rng = np.random.default_rng(1)
    truth, said = rng.integers(0, 5, 300), rng.integers(0, 7, 300)
    right = ties = pairs = 0
    for i in range(300):
        for j in range(300):
            if truth[i] > truth[j]:
                pairs += 1
                right += said[i] > said[j]
                ties += said[i] == said[j]
    assert prediction_probability(truth, said) == (right + ties / 2) / pairs
    assert prediction_probability(truth, truth) == 1.0
    assert np.isnan(prediction_probability(np.ones(4), np.arange(4)))


def test_tau():
    assert kendall_tau(np.arange(5), np.arange(5) ** 3) == pytest.approx(1)
    assert kendall_tau(np.arange(5), -np.arange(5)) == pytest.approx(-1)
    assert np.isnan(kendall_tau(np.arange(5), np.ones(5)))
