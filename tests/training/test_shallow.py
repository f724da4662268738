"""A head on drawn features: what it learns, what counts, how it is kept."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import PlanError, StoreError, WeightsError
from napari_histossl.training.shallow import (
    fit_head,
    hash_head,
    load_head,
    save_head,
)
from napari_histossl.training.shallow_features import MARGIN, describe_tokens
from napari_histossl.training.shallow_samples import MOST_OF_MODEL, Samples
from napari_histossl.training.shallow_scores import HeldOut, hold_out

sklearn = pytest.importorskip("sklearn")


def drawn(rng, count=600, classes=(1, 3), noise=0.6, features=6) -> Samples:
    """Return corrected samples whose class shows in the features, 40 tiles of them."""
    labels = rng.choice(np.array(classes, np.uint8), count)
    centres = np.random.default_rng(9).normal(size=(5, features))
    values = centres[labels] + rng.normal(scale=noise, size=(count, features))
    tiles = np.stack([rng.integers(0, 8, count) * 5, rng.integers(0, 5, count) * 5], 1)
    return Samples(
        values.astype(np.float32),
        labels,
        np.ones(count, np.float32),
        tiles,
        np.ones(count, bool),
        np.full(count, classes[0], np.uint8),
    )


@pytest.mark.parametrize("classes", [(1, 3), (1, 2, 4)])
def test_a_head_tells_classes_with_probabilities_that_sum_to_one(rng, classes):
    head = fit_head(drawn(rng, classes=classes))
    test = drawn(rng, classes=classes)
    assert head.classes.tolist() == list(classes)
    assert (head.predict(test.features) == test.labels).mean() > 0.9
    told = head.probabilities(test.features.reshape(20, 30, -1))
    assert told.shape == (20, 30, len(classes))
    np.testing.assert_allclose(told.sum(-1), 1, rtol=1e-5)


def test_two_classes_are_told_as_scikit_learn_tells_them(rng):
    from sklearn.linear_model import LogisticRegression

    samples, test = drawn(rng), drawn(rng)
    head = fit_head(samples, strength=0.3)
    standard = (samples.features - head.mean) / head.deviation
    plain = LogisticRegression(C=0.3, tol=1e-6).fit(standard, samples.labels)
    wanted = plain.predict_proba((test.features - head.mean) / head.deviation)
    np.testing.assert_allclose(head.probabilities(test.features), wanted, atol=0.02)


def test_what_weighs_nothing_changes_nothing_and_what_weighs_little_little(rng):
    good, wrong = drawn(rng), drawn(rng)
    wrong = replace(wrong, labels=np.where(wrong.labels == 1, 3, 1).astype(np.uint8))
    test = drawn(rng)

    def right(weight):
        told = replace(wrong, weights=np.full(len(wrong), weight, np.float32))
        head = fit_head(Samples.joined([good, told]))
        return hash_head(head), (head.predict(test.features) == test.labels).mean()

    assert right(0.0)[0] == hash_head(fit_head(good))
    assert right(0.1)[1] > 0.9
    assert right(1.0)[1] < right(0.1)[1]


@pytest.mark.parametrize("classes", [(2,)])
def test_one_class_alone_is_refused(rng, classes):
    with pytest.raises(PlanError, match="correct at least two classes"):
        fit_head(drawn(rng, classes=classes))


def test_a_feature_that_never_varies_does_no_harm(rng):
    samples = drawn(rng)
    samples.features[:, 2] = 7.0
    assert np.isfinite(fit_head(samples).probabilities(samples.features)).all()


# ---- Before and after


def test_held_out_places_show_what_is_learned(rng):
    found = hold_out(drawn(rng), rng)
    assert found.classes == (1, 3)
    assert found.before.iou[1] == 0  # the model had said 1 everywhere
    assert found.after.mean_iou > 0.8 > found.before.mean_iou
    assert found.after.support.sum() == 600


def test_shuffled_classes_teach_nothing(rng):
    samples = drawn(rng)
    mixed = replace(samples, labels=rng.permutation(samples.labels))
    found = hold_out(mixed, rng)
    assert found.after.accuracy < 0.6


def test_neighbours_of_a_place_do_not_give_it_away(rng):
    """Two tiles beside one another share their noise: knowing one is knowing both."""
    samples = drawn(rng, count=400, noise=0.0)
    tiles = np.array([[0, 0], [0, 2], [0, 4], [0, 6]])[np.arange(400) % 4]
    near = replace(
        samples,
        tiles_ij=tiles,
        features=rng.normal(size=samples.features.shape).astype(np.float32),
    )
    # what is in a tile next to a held-out square is not learned from
    found = hold_out(near, rng)
    assert found is None or found.after.accuracy < 0.65


def test_corrections_in_one_place_cannot_be_measured(rng):
    samples = drawn(rng)
    one = replace(samples, tiles_ij=np.zeros_like(samples.tiles_ij))
    assert hold_out(one, rng) is None


def test_a_class_that_the_model_did_not_know_counts_as_missed_before(rng):
    samples = drawn(rng)
    nothing = replace(samples, proposed=np.zeros(len(samples), np.uint8))
    found = hold_out(nothing, rng)
    assert found.before.counts.sum() == 0
    assert found.before.unassigned.sum() == len(samples)


def test_before_and_after_come_back_from_json(rng):
    found = hold_out(drawn(rng), rng)
    again = HeldOut.from_json(found.to_json())
    assert (again.classes, again.places) == (found.classes, found.places)
    np.testing.assert_array_equal(again.after.counts, found.after.counts)
    np.testing.assert_array_equal(again.before.unassigned, found.before.unassigned)


# ---- Samples and features


def test_very_many_samples_are_thinned_each_origin_for_itself(rng):
    samples = drawn(rng, count=9000)
    is_corrected = np.arange(9000) < 500
    kept = replace(samples, is_corrected=is_corrected).thinned(rng)
    assert kept.is_corrected.sum() == 500
    assert (~kept.is_corrected).sum() == MOST_OF_MODEL


def test_features_are_means_of_the_tokens_that_are_there(rng):
    tokens = rng.normal(size=(14, 15, 3)).astype(np.float32)
    is_there = rng.random((14, 15)) < 0.7
    tokens[~is_there] = 0
    found = describe_tokens(tokens, is_there)
    assert found.shape == (14 - 2 * MARGIN, 15 - 2 * MARGIN, 6)
    for y, x in [(0, 0), (3, 5), (5, 6)]:
        for part, reach in ((slice(0, 3), 1), (slice(3, 6), MARGIN)):
            near = (slice(y + MARGIN - reach, y + MARGIN + reach + 1),
                    slice(x + MARGIN - reach, x + MARGIN + reach + 1))  # fmt: skip
            wanted = tokens[near][is_there[near]].mean(0)
            np.testing.assert_allclose(found[y, x, part], wanted, atol=1e-5)


def test_features_are_nothing_where_there_are_no_tokens():
    tokens = np.zeros((20, 20, 2), np.float32)
    assert not describe_tokens(tokens, np.zeros((20, 20), bool)).any()


# ---- On the disk


def test_a_head_comes_back_from_its_file(rng, tmp_path):
    head = fit_head(drawn(rng), facts={"mask": "Käse", "n": [1, 2]})
    path = tmp_path / "heads" / "one.safetensors"
    save_head(head, path)
    again = load_head(path)
    assert again.facts == {"mask": "Käse", "n": [1, 2]}
    assert hash_head(again) == hash_head(head)


def test_files_that_are_no_heads_are_refused(rng, tmp_path):
    from safetensors.numpy import save_file

    head = fit_head(drawn(rng))
    bad = {
        "missing": None,
        "text": b"a head, surely",
        "other": save_file,
        "misfit": replace(head, bias=head.bias[:1]),
        "broken": replace(head, mean=head.mean * np.nan),
    }
    for name, content in bad.items():
        path = tmp_path / f"{name}.safetensors"
        if isinstance(content, bytes):
            path.write_bytes(content)
        elif callable(content):
            content({"mean": head.mean}, path)
        elif content is not None:
            save_head(content, path)
        with pytest.raises(WeightsError, match=name):
            load_head(path)


def test_a_place_where_nothing_can_be_written_is_named(rng, tmp_path):
    (tmp_path / "heads").write_text("a file")
    with pytest.raises(StoreError, match="heads"):
        save_head(fit_head(drawn(rng)), tmp_path / "heads" / "one.safetensors")
