"""Masks against the truth: counted right, whatever the values, told in many numbers."""

import numpy as np
import pytest

from napari_histossl.errors import DataSetError
from napari_histossl.metrics import Confusion, confusion_matrix
from napari_histossl.metrics import confusion as counting

VALUES = {
    "published": (4, 4, 0),
    "ignored": (4, 255, 0),
    "none excluded": (5, None, 0),
    "labels": (5, 0, 1),
    "many": (40, 255, 0),
    "just too many": (16, 16, 0),
    "just few enough": (15, 15, 0),
    "just few enough to ignore": (15, 255, 0),
    "odd": (4, 200, 0),
    "labels to ignore": (4, 255, 1),
}


def masks(n_classes, none, first, shape=(37, 53)):
    rng = np.random.default_rng(n_classes)
    values = [*range(first, first + n_classes), *([] if none is None else [none])]
    return tuple(rng.choice(values, shape).astype(np.uint8) for _ in range(2))


def slow(prediction, truth, n_classes, none, first):
    counts = np.zeros((n_classes, n_classes), int)
    unassigned = np.zeros(n_classes, int)
    for guess, true in zip(prediction.ravel(), truth.ravel(), strict=True):
        if none is not None and true == none:
            continue
        if none is not None and guess == none:
            unassigned[true - first] += 1
        else:
            counts[true - first, guess - first] += 1
    return counts, unassigned


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("block_px", [53, 300, 1 << 20])
def test_counts_as_one_would_by_hand(name, block_px, monkeypatch):
    n_classes, none, first = VALUES[name]
    prediction, truth = masks(n_classes, none, first)
    monkeypatch.setattr(counting, "_BLOCK_PX", block_px)
    found = confusion_matrix(
        prediction, truth, n_classes, exclude_index=none, first=first
    )
    counts, unassigned = slow(prediction, truth, n_classes, none, first)
    assert np.array_equal(found.counts, counts)
    assert np.array_equal(found.unassigned, unassigned)


def test_a_single_pixel_and_none():
    one = np.array([[2]], np.uint8)
    assert confusion_matrix(one, one, 3).counts.tolist() == [
        [0] * 3,
        [0] * 3,
        [0, 0, 1],
    ]
    empty = np.zeros((0, 7), np.uint8)
    found = confusion_matrix(empty, empty, 3)
    assert found.counts.sum() == 0
    numbers = found.mean_iou, found.weighted_iou, found.accuracy, found.kappa
    assert np.isnan([*numbers, *found.iou, *found.dice]).all()


def test_memory_mapped_masks(tmp_path):
    prediction, truth = masks(4, 4, 0, (301, 200))
    for name, mask in (("p.npy", prediction), ("t.npy", truth)):
        np.save(tmp_path / name, mask)
    mapped = [np.load(tmp_path / name, mmap_mode="r") for name in ("p.npy", "t.npy")]
    found = confusion_matrix(*mapped, 4, exclude_index=4)
    inside = truth != 4
    assert found.support.sum() == inside.sum()
    assert found.accuracy == pytest.approx((prediction == truth)[inside].mean())


@pytest.mark.parametrize(
    ("value", "n_classes", "none", "first"),
    [(5, 4, 4, 0), (14, 4, 255, 0), (200, 4, 255, 0), (0, 4, None, 1), (99, 40, 50, 0)],
)
@pytest.mark.parametrize("which", ["prediction", "truth"])
def test_a_value_that_is_no_class(value, n_classes, none, first, which):
    good = np.full((8, 8), first, np.uint8)
    if none is not None:
        good[0] = none
    bad = good.copy()
    bad[3, 3:5] = value
    pair = {"prediction": good, "truth": good, which: bad}
    with pytest.raises(DataSetError, match=f"{which} holds the value {value} in 2 px"):
        confusion_matrix(**pair, n_classes=n_classes, exclude_index=none, first=first)


def test_masks_that_cannot_be_compared():
    mask = np.zeros((8, 8), np.uint8)
    with pytest.raises(DataSetError, match=r"shape \(8, 8\), the truth \(8, 7\)"):
        confusion_matrix(mask, mask[:, :7], 2)
    with pytest.raises(DataSetError, match="int64"):
        confusion_matrix(mask.astype(int), mask, 2)


def test_numbers_by_hand():
    """Three classes, of which the last is nowhere; one pixel left to no class."""
    found = Confusion(np.array([[6, 2, 0], [1, 7, 0], [0, 0, 0]]), np.array([0, 2, 0]))
    assert found.support.tolist() == [8, 10, 0]
    np.testing.assert_allclose(found.iou, [6 / 9, 7 / 12, np.nan])
    np.testing.assert_allclose(found.dice, [12 / 15, 14 / 19, np.nan])
    assert found.mean_iou == pytest.approx((6 / 9 + 7 / 12) / 2)
    assert found.weighted_iou == pytest.approx(8 / 18 * 6 / 9 + 10 / 18 * 7 / 12)
    assert found.accuracy == pytest.approx(13 / 18)
    by_chance = 8 / 18 * 7 / 18 + 10 / 18 * 9 / 18
    assert found.kappa == pytest.approx((13 / 18 - by_chance) / (1 - by_chance))


def test_numbers_agree_with_scikit_learn():
    metrics = pytest.importorskip("sklearn.metrics")
    prediction, truth = masks(5, None, 0)
    found = confusion_matrix(prediction, truth, 5)
    flat = truth.ravel(), prediction.ravel()
    assert np.array_equal(found.counts, metrics.confusion_matrix(*flat))
    np.testing.assert_allclose(found.iou, metrics.jaccard_score(*flat, average=None))
    np.testing.assert_allclose(found.dice, metrics.f1_score(*flat, average=None))
    assert found.kappa == pytest.approx(metrics.cohen_kappa_score(*flat))


def test_tables_add_up():
    prediction, truth = masks(4, 4, 0)
    whole = confusion_matrix(prediction, truth, 4, exclude_index=4)
    parts = Confusion.empty(4)
    for rows in (slice(0, 10), slice(10, 37)):
        parts += confusion_matrix(prediction[rows], truth[rows], 4, exclude_index=4)
    assert np.array_equal(parts.counts, whole.counts)
    assert np.array_equal(parts.unassigned, whole.unassigned)
