"""Agreement of two masks, against what scikit-learn says of plain arrays."""

import sys
from pathlib import Path

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore, Stroke, compare
from napari_histossl.annotate.compare import Comparing
from napari_histossl.classes import ClassInfo, ClassTable
from napari_histossl.errors import AnnotationError

sys.path.insert(0, str(Path(__file__).parent / "formats"))
from masks_in_memory import ArrayMask


def compared(first, second):
    comparing = Comparing(first, second)
    list(comparing.run())
    return {row.class_index: row for row in comparing.rows()}, comparing.confusion()


@pytest.mark.parametrize("tile_px", [7, 1024])
def test_numbers_are_those_of_scikit_learn(rng, monkeypatch, tile_px):
    sklearn = pytest.importorskip("sklearn.metrics")
    monkeypatch.setattr(compare, "_TILE_PX", tile_px)
    truth = rng.integers(0, 4, (40, 30)).astype(np.uint8)
    guess = np.where(
        rng.random(truth.shape) < 0.7, truth, rng.integers(0, 4, truth.shape)
    )
    rows, confusion = compared(ArrayMask(guess.astype(np.uint8)), ArrayMask(truth))
    a, b = guess.ravel(), truth.ravel()
    for index in (1, 2, 3):
        row = rows[index]
        mine, theirs = a == index, b == index
        assert row.pixels == mine.sum()
        assert row.reference_pixels == theirs.sum()
        assert row.iou == pytest.approx(sklearn.jaccard_score(theirs, mine))
        assert row.dice == pytest.approx(sklearn.f1_score(theirs, mine))
        assert row.kappa == pytest.approx(sklearn.cohen_kappa_score(theirs, mine))
    assert confusion.kappa == pytest.approx(sklearn.cohen_kappa_score(b, a))
    assert np.isnan(rows[4].dice)
    assert np.isnan(rows[4].kappa)


def test_two_gigapixel_masks(tmp_path):
    with (
        MaskStore.create(tmp_path / "a.ome.zarr", (60_000, 60_000), 0.5) as first,
        MaskStore.create(tmp_path / "b.ome.zarr", (60_000, 60_000), 0.5) as second,
    ):
        for mask, x in ((first, 30_000), (second, 30_100)):
            mask.paint(Stroke([(20_000, x)], 200, 1))
        rows, confusion = compared(first, second)
    assert confusion.counts.sum() == 60_000**2
    assert rows[1].pixels == rows[1].reference_pixels
    assert 0.5 < rows[1].iou < rows[1].dice < 0.9


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (ArrayMask(np.zeros((5, 6), np.uint8)), "5 x 5 px of 1 slide px"),
        (ArrayMask(np.zeros((5, 5), np.uint8), 2.0), "5 x 5 px of 2"),
    ],
)
def test_masks_of_different_sizes_are_refused(other, words):
    with pytest.raises(AnnotationError, match=words):
        Comparing(ArrayMask(np.zeros((5, 5), np.uint8)), other)


def test_masks_of_different_classes_are_refused():
    other = ArrayMask(np.zeros((5, 5), np.uint8))
    other.classes = ClassTable([ClassInfo(1, "benign", (0, 0, 0))])
    with pytest.raises(AnnotationError, match=r"'tumour' in the first .* 'benign'"):
        Comparing(ArrayMask(np.zeros((5, 5), np.uint8)), other)
