"""The table of weak supervision: one seed, several, and what counts nowhere."""

import csv

import numpy as np
import pytest

from napari_histossl.classes import BCSS_CLASSES
from napari_histossl.errors import PlanError
from napari_histossl.metrics.segmentation import Confusion

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def _score(right, wrong):
    from napari_histossl.training.weak_comparison import Score

    counts = np.full((4, 4), wrong) + (right - wrong) * np.eye(4, dtype=int)
    return Score("everything", "test", Confusion(counts, np.zeros(4, int)))


def test_one_seed_and_three():
    from napari_histossl.training.weak_table import table

    one = table({0: [_score(9, 1)]}, BCSS_CLASSES, {"it": [0.97]})
    assert "| everything | test | 0.600 | 0.600 | 0.750 | 0.600 |" in one
    assert one.endswith("it: macro AUC 0.970 on test\nseed 0")
    runs = {seed: [_score(9, wrong)] for seed, wrong in enumerate((0, 1, 2))}
    text = table(runs, BCSS_CLASSES, {"it": [0.9, 1.0, 0.95]})
    assert "| everything | test | 0.676 (0.429 to 1.000) | 0.676 |" in text
    assert "0.950 (0.900 to 1.000) on test" in text
    assert text.endswith("seeds 0, 1, 2")


def test_every_number_is_written(tmp_path):
    from napari_histossl.training.weak_table import write_rows

    runs = {0: [_score(9, 1)], 3: [_score(9, 0)]}
    write_rows(tmp_path / "a.csv", runs, BCSS_CLASSES)
    with (tmp_path / "a.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["seed"] for row in rows] == ["0", "3"]
    assert [float(row["IoU tumour"]) for row in rows] == [0.6, 1.0]
    with pytest.raises(PlanError, match="name another file"):
        write_rows(tmp_path / "no" / "a.csv", runs, BCSS_CLASSES)


def test_bright_background_counts_nowhere(drawn_patches):
    from napari_histossl.training.patch_items import true_mask
    from napari_histossl.training.weak_comparison import without_background

    patches = drawn_patches(2)
    patches._images[0][20:, :20] = 255  # a lumen: its mask says a class
    read, truth = without_background(patches), true_mask(patches)
    assert (truth(0)[20:, :20] != patches.exclude_index).all()
    assert (read(0)[20:, :20] == patches.exclude_index).all()
    np.testing.assert_array_equal(read(0)[4:20], truth(0)[4:20])
