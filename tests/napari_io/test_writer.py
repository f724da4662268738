from __future__ import annotations

import dask.array as da
import numpy as np
import pytest

from napari_histossl.errors import StoreError
from napari_histossl.napari_io.writer import write_labels_png
from napari_histossl.store.masks import read_mask_png


@pytest.mark.parametrize("multiscale", [False, True])
def test_labels_become_a_png_of_indices(tmp_path, rng, multiscale):
    labels = rng.integers(0, 9, (40, 50))
    data = [da.from_array(labels), da.from_array(labels[::2, ::2])]
    path = str(tmp_path / "a.png")
    assert write_labels_png(path, data if multiscale else labels, {}) == [path]
    assert np.array_equal(read_mask_png(path), labels)


@pytest.mark.parametrize(
    "labels", [np.full((5, 5), 300), np.zeros((2, 5, 5), int), np.full((5, 5), -1)]
)
def test_what_a_png_cannot_hold_is_refused(tmp_path, labels):
    with pytest.raises(StoreError, match="cannot be written as PNG"):
        write_labels_png(str(tmp_path / "a.png"), labels, {"name": "cells"})
    assert not list(tmp_path.iterdir())


def test_a_slide_sized_mask_is_refused_before_it_is_read(tmp_path):
    labels = da.zeros((200_000, 200_000), dtype=np.uint8, chunks=4096)
    with pytest.raises(StoreError, match="too large"):
        write_labels_png(str(tmp_path / "a.png"), labels, {"name": "mask"})
