from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.store import priority_reducer
from napari_histossl.store.reduce import maximum, mean, nearest


def test_the_highest_priority_wins_a_block(rng):
    fine = rng.integers(0, 8, (64, 64)).astype(np.uint8)
    fine[rng.random(fine.shape) < 0.6] = 0
    coarse = priority_reducer(DEFAULT_CLASSES)(fine)
    priority = {info.index: info.priority for info in DEFAULT_CLASSES}
    for row in range(32):
        for column in range(32):
            block = fine[2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            expected = max(block.ravel(), key=lambda v: (v != 0, priority.get(v, -1)))
            if expected in priority:
                assert coarse[row, column] == expected
            else:
                assert (coarse[row, column] == 0) == (block == 0).all()


def test_priority_keeps_empty_blocks_empty():
    assert not priority_reducer(DEFAULT_CLASSES)(np.zeros((3, 8, 8), np.uint8)).any()


def test_mean_rounds_whole_numbers():
    fine = np.array([[1, 2, 0, 0], [2, 1, 0, 1]], np.uint8)
    assert mean(fine).tolist() == [[2, 0]]


@pytest.mark.parametrize("reduce", [mean, maximum, nearest])
def test_type_and_leading_axes_stay(reduce, rng):
    fine = rng.random((2, 3, 8, 6)).astype(np.float32)
    coarse = reduce(fine)
    assert coarse.shape == (2, 3, 4, 3)
    assert coarse.dtype == np.float32
