"""What was looked at: whole cells, share of the tissue, kept in a file."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.annotate.looked import CELL_UM, LookedAt, looked_path
from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box
from napari_histossl.slide.tissue import TissueMap

EXTENT = (CELL_UM * 10, CELL_UM * 20 - 5)


@pytest.fixture
def looked(tmp_path):
    return LookedAt(tmp_path / "m.looked.npz", EXTENT)


def box_um(*cells):
    return tuple(value * CELL_UM for value in cells)


def test_cells_count_that_were_wholly_on_the_screen(looked):
    assert looked.mark(box_um(1.5, 2, 4.5, 5)) == Box(2, 2, 2, 3)
    assert np.count_nonzero(looked.cells) == 6
    assert looked.mark(box_um(2, 2, 4, 5)) is None  # nothing new
    assert looked.mark(box_um(0.2, 0.2, 0.9, 0.9)) is None  # no whole cell


def test_the_edge_of_the_slide_is_seen_with_it(looked):
    assert looked.mark((-50, -50, EXTENT[0] + 50, EXTENT[1])) == Box(0, 0, 10, 20)
    assert looked.cells.all()


def test_the_share_is_that_of_the_tissue(looked):
    labels = np.full((10, 20), 2, np.uint8)
    labels[:, :8] = 1
    tissue = TissueMap(labels, CELL_UM / 0.5)
    assert looked.share(tissue, 0.5) == 0
    looked.mark(box_um(0, 0, 5, 12))
    assert looked.share(tissue, 0.5) == 0.5
    assert looked.share(TissueMap(np.full((10, 20), 2, np.uint8), 64.0), 0.5) is None


def test_it_is_there_after_a_restart_and_of_this_slide_only(looked):
    looked.mark(box_um(0, 0, 5, 5))
    looked.save()
    again = LookedAt(looked.path, EXTENT)
    np.testing.assert_array_equal(again.cells, looked.cells)
    with pytest.raises(StoreError, match="cells"):
        LookedAt(looked.path, (EXTENT[0] * 2, EXTENT[1]))
    looked.path.write_bytes(b"nothing")
    with pytest.raises(StoreError, match="delete the file"):
        LookedAt(looked.path, EXTENT)


def test_it_lies_beside_the_mask(tmp_path):
    assert looked_path(tmp_path / "a.ome.zarr").name == "a.looked.npz"
