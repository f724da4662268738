"""Numbers checked by hand."""

import numpy as np
import pytest

from napari_histossl.metrics import (
    attention_lift,
    dice,
    iou,
    knn_accuracy,
    knn_predict,
    knn_votes,
    token_shares,
)


def test_knn_goes_by_direction_alone():
    bank = np.array([[1.0, 0], [10, 1], [0, 1], [0, 20]])
    labels = np.array([7, 7, 3, 3])
    queries = np.array([[5.0, 0.1], [0.01, 0.2]])
    np.testing.assert_array_equal(knn_predict(bank, labels, queries, k=3), [7, 3])
    assert knn_accuracy(bank, labels, queries, np.array([7, 7]), k=1) == 0.5


def test_a_tie_goes_to_the_nearest():
    bank = np.array([[1.0, 0.0], [1.0, 0.5]])
    for order in ([0, 1], [1, 0]):
        labels = np.array([4, 9])[order]
        got = knn_predict(bank[order], labels, np.array([[1.0, 0.1]]), k=2)
        assert got == [4]


def test_knn_agrees_with_scikit_learn():
    neighbours = pytest.importorskip("sklearn.neighbors")
    rng = np.random.default_rng(0)
    bank, queries = rng.normal(size=(60, 8)), rng.normal(size=(40, 8))
    labels = rng.integers(0, 2, 60)
    theirs = neighbours.KNeighborsClassifier(5, metric="cosine").fit(bank, labels)
    np.testing.assert_array_equal(
        knn_predict(bank, labels, queries), theirs.predict(queries)
    )


def test_votes_by_distance_agree_with_scikit_learn():
    neighbours = pytest.importorskip("sklearn.neighbors")
    rng = np.random.default_rng(3)
    bank, queries = rng.normal(5, 1, (90, 4)), rng.normal(5, 2, (1500, 4))
    labels = rng.integers(0, 3, 90) * 2
    theirs = neighbours.KNeighborsClassifier().fit(bank, labels)
    classes, shares, named = knn_votes(bank, labels, queries, nearness="euclidean")
    np.testing.assert_array_equal(classes, [0, 2, 4])
    np.testing.assert_allclose(shares, theirs.predict_proba(queries))
    predicted = knn_predict(bank, labels, queries, nearness="euclidean")
    np.testing.assert_array_equal(named, predicted)
    assert (np.take_along_axis(shares, named[:, None] // 2, 1)[:, 0]
            == shares.max(1)).all()  # fmt: skip


def test_knn_refuses_what_does_not_fit():
    bank, labels = np.ones((3, 2)), np.zeros(3)
    with pytest.raises(ValueError, match="k is 1 to 3"):
        knn_predict(bank, labels, bank, k=4)
    with pytest.raises(ValueError, match=r"\(3, 2\)"):
        knn_predict(bank, labels, np.ones((3, 5)))


def test_lift_of_known_attention():
    mask = np.zeros((1, 4, 4), bool)
    mask[0, :2, :2] = True  # one token of four
    flat = np.ones((2, 2))
    peaked = np.array([[3.0, 1], [1, 1]])  # half of the mass on the mask
    blind = np.array([[0.0, 1], [1, 1]])
    attention = np.stack([flat, peaked, blind])[None] * 5
    np.testing.assert_allclose(attention_lift(attention, mask), [[1, 2, 0]])


def test_lift_without_a_mask_is_unknown():
    assert np.isnan(attention_lift(np.ones((1, 2, 2, 2)), np.zeros((1, 4, 4)))).all()


def test_shares_of_tokens():
    mask = np.zeros((1, 4, 6), bool)
    mask[0, 1, 0] = True
    np.testing.assert_allclose(token_shares(mask, (2, 3)), [[[0.25, 0, 0], [0, 0, 0]]])
    with pytest.raises(ValueError, match="does not divide"):
        token_shares(mask, (3, 3))


def test_overlaps():
    first, second = np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 0], bool)
    assert iou(first, second) == pytest.approx(1 / 3)
    assert dice(first, second) == pytest.approx(1 / 2)
    nothing = np.zeros(4, bool)
    assert iou(nothing, nothing) == dice(nothing, nothing) == 1.0
    assert iou(first, nothing) == dice(first, nothing) == 0.0
