"""Confusion of two memory-mapped masks: at most 1.2 x a bincount of one, 200 MB."""

import tracemalloc

import numpy as np
import pytest

from napari_histossl.metrics import confusion_matrix

MEMORY_MB = 200


@pytest.fixture(scope="module")
def masks(tmp_path_factory, request):
    """Two masks of patches of four classes that differ here and there, and glass."""
    is_timed = request.config.getoption("--benchmark-enable", default=False)
    edge = 20_000 if is_timed else 1_000
    rng = np.random.default_rng(0)
    paths = []
    small = rng.integers(0, 5, (edge // 50, edge // 50), np.uint8)
    for name in ("prediction", "truth"):
        path = tmp_path_factory.mktemp("masks") / f"{name}.npy"
        mask = np.lib.format.open_memmap(path, "w+", np.uint8, (edge, edge))
        differs = rng.random(small.shape) < 0.1
        own = np.where(differs, rng.integers(0, 5, small.shape, np.uint8), small)
        for row in range(len(small)):
            mask[row * 50 : row * 50 + 50] = own[row].repeat(50)
        mask.flush()
        paths.append(path)
    return paths


def test_count_one_mask(benchmark, masks):
    """The yardstick: numpy's bincount over one of the masks, block by block."""
    mask = np.load(masks[1], mmap_mode="r")
    rows = max((1 << 20) // mask.shape[1], 1)

    def count():
        counts = np.zeros(256, np.int64)
        for y in range(0, len(mask), rows):
            counts += np.bincount(mask[y : y + rows].ravel(), minlength=256)
        return counts

    assert benchmark.pedantic(count, rounds=3, warmup_rounds=1).sum() == mask.size


def test_confusion_of_two_masks(benchmark, masks):
    """Both masks, by true and predicted class."""
    prediction, truth = (np.load(path, mmap_mode="r") for path in masks)

    def compare():
        return confusion_matrix(prediction, truth, 4, exclude_index=4)

    found = benchmark.pedantic(compare, rounds=3, warmup_rounds=1)
    assert found.support.sum() == (truth != 4).sum()


def test_memory_beyond_the_masks(benchmark, masks, capsys):
    """What NumPy and Python take; the mapped files are not theirs."""
    prediction, truth = (np.load(path, mmap_mode="r") for path in masks)
    tracemalloc.start()
    try:
        benchmark.pedantic(
            confusion_matrix, (prediction, truth, 4), {"exclude_index": 4}, rounds=1
        )
        held_mb = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    with capsys.disabled():
        print(f"\nheld beyond the masks: {held_mb:.0f} MB")
    assert held_mb < MEMORY_MB
