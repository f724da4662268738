"""Probes find planted lines, and what scikit-learn finds."""

import numpy as np
import pytest

from napari_histossl.metrics import fit_classes, fit_number


def _features(seed=0, count=120, width=6):
    rng = np.random.default_rng(seed)
    return rng.normal(3, [1, 5, 0.2, 1, 1, 1][:width], (count, width))


def test_classes_agree_with_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    features = _features()
    rng = np.random.default_rng(1)
    labels = np.array([4, 7, 9])[
        (features[:, 0] + 0.5 * rng.normal(size=120) > 3).astype(int)
        + (features[:, 2] > 3)
    ]
    mine = fit_classes(features, labels, penalty=0.5)
    standard = (features - features.mean(0)) / features.std(0)
    theirs = linear_model.LogisticRegression(C=2.0, tol=1e-8, max_iter=5000)
    theirs.fit(standard, labels)
    np.testing.assert_array_equal(mine.classes, [4, 7, 9])
    np.testing.assert_allclose(
        mine.probabilities(features), theirs.predict_proba(standard), atol=2e-3
    )
    np.testing.assert_array_equal(mine.predict(features), theirs.predict(standard))


def test_a_planted_number_is_found():
    features = _features()
    numbers = features @ np.array([1.0, -2, 0, 0, 3, 0]) + 11
    probe = fit_number(features, numbers, penalty=0)
    other = _features(seed=5)
    np.testing.assert_allclose(
        probe.predict(other), other @ np.array([1.0, -2, 0, 0, 3, 0]) + 11
    )


def test_a_penalty_is_that_of_ridge():
    linear_model = pytest.importorskip("sklearn.linear_model")
    features = _features(count=20)
    numbers = np.random.default_rng(2).normal(size=20)
    standard = (features - features.mean(0)) / features.std(0)
    theirs = linear_model.Ridge(alpha=3.0).fit(standard, numbers)
    mine = fit_number(features, numbers, penalty=3.0)
    np.testing.assert_allclose(mine.predict(features), theirs.predict(standard))


def test_a_feature_that_never_changes_does_no_harm():
    features = np.column_stack([np.arange(10.0), np.full(10, 7.0)])
    labels = np.arange(10) > 4
    assert (fit_classes(features, labels).predict(features) == labels).all()


def test_a_feature_that_hardly_changes_is_not_blown_up():
    """One known picture shows a trace of it; a tested one shows much."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=100)
    rare = np.zeros(100)
    rare[0] = 1e-4
    probe = fit_number(np.column_stack([numbers, rare]), numbers)
    told = probe.predict(np.array([[0.5, 0.01]]))
    assert abs(told[0] - 0.5) < 0.1
    same = fit_number(np.ones((5, 2)), np.arange(5.0))
    assert same.predict(np.ones((1, 2)))[0] == pytest.approx(2)


def test_what_cannot_be_fitted():
    features = _features(count=10)
    with pytest.raises(ValueError, match="1 classes"):
        fit_classes(features, np.zeros(10))
    with pytest.raises(ValueError, match=r"\(9,\)"):
        fit_classes(features, np.arange(9))
    with pytest.raises(ValueError, match="penalty 0"):
        fit_classes(features, np.arange(10), penalty=0)
    with pytest.raises(ValueError, match="penalty -1"):
        fit_number(features, np.arange(10), penalty=-1)
