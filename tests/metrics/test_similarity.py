"""Vectors that point the same way: exact, in order, and what is refused."""

import numpy as np
import pytest

from napari_histossl.metrics.clusters import cluster
from napari_histossl.metrics.similarity import best, cosine_scores, directions


def test_against_cosines_written_out(rng):
    features = rng.normal(size=(500, 24)) * rng.uniform(0.1, 50, (500, 1))
    query = rng.normal(size=24)
    scores = cosine_scores(directions(features), 3 * query)
    lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(query)
    np.testing.assert_allclose(scores, features @ query / lengths, atol=1e-6)
    found = best(scores, 20)
    expected = np.argsort(-scores, kind="stable")[:20]
    np.testing.assert_array_equal(found, expected)


def test_a_vector_is_most_like_itself_and_never_beyond_one(rng):
    bank = directions(rng.normal(size=(200, 384)))
    for row in (0, 77, 199):
        scores = cosine_scores(bank, bank[row])
        assert best(scores, 1)[0] == row
        assert scores.max() <= 1


@pytest.mark.parametrize("count", [1, 3, 5, 9, 10, 12])
def test_equal_scores_come_in_the_order_of_the_bank(count):
    scores = np.array([0.5, 0.9, 0.5, 0.9, 0.1, 0.5, 0.9, 0.1, 0.5, 0.5])
    expected = np.argsort(-scores, kind="stable")[:count]
    np.testing.assert_array_equal(best(scores, count), expected)


def test_a_vector_of_length_zero_is_like_nothing():
    bank = directions(np.array([[0.0, 0.0], [2.0, 0.0]]))
    np.testing.assert_array_equal(cosine_scores(bank, np.array([1.0, 0.0])), [0, 1])
    with pytest.raises(ValueError, match="length 0"):
        cosine_scores(bank, np.zeros(2))


def test_what_is_refused(rng):
    features = rng.normal(size=(4, 3))
    with pytest.raises(ValueError, match="as many numbers as the vectors, 3"):
        cosine_scores(directions(features), np.ones(4))
    with pytest.raises(ValueError, match="at least one"):
        directions(np.empty((0, 3)))
    with pytest.raises(ValueError, match="at least one is asked for"):
        best(np.ones(3), 0)
    features[2, 1] = np.nan
    with pytest.raises(ValueError, match="1 of 4 vectors are not finite"):
        directions(features)


# ---- Clusters ----


def _blobs(rng, sizes, dimension=16):
    middles = np.eye(dimension)[: len(sizes)] * 10
    truth = np.repeat(np.arange(len(sizes)), sizes)
    return middles[truth] + rng.normal(0, 1, (len(truth), dimension)), truth


def test_clusters_are_found_and_numbered_by_size(rng):
    features, truth = _blobs(rng, (20, 90, 50, 140))
    shuffled = rng.permutation(len(truth))
    labels = cluster(features[shuffled], 4, np.random.default_rng(1))
    expected = np.array([3, 1, 2, 0])[truth[shuffled]]
    np.testing.assert_array_equal(labels, expected)


def test_one_seed_one_result(rng):
    features = rng.normal(size=(300, 8))
    first = cluster(features, 6, np.random.default_rng(4))
    again = cluster(features, 6, np.random.default_rng(4))
    np.testing.assert_array_equal(first, again)
    assert sorted(set(first)) == list(range(6))
    assert (np.diff(np.bincount(first)) <= 0).all()


def test_as_many_clusters_as_different_vectors():
    features = np.repeat(np.eye(6) + 0.1, [40, 1, 1, 1, 1, 1], axis=0)
    labels = cluster(features, 6, np.random.default_rng(0))
    assert sorted(np.bincount(labels)) == [1, 1, 1, 1, 1, 40]
    with pytest.raises(ValueError, match="1 to 6 groups"):
        cluster(features, 7, np.random.default_rng(0))
    with pytest.raises(ValueError, match="got 0"):
        cluster(features, 0, np.random.default_rng(0))
