"""Areas, objects and shares, against what a plain array says."""

import csv
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.annotate.formats import _region_walk
from napari_histossl.annotate.measure import Measuring, write_csv
from napari_histossl.classes import ClassInfo, ClassTable
from napari_histossl.geometry import Box

sys.path.insert(0, str(Path(__file__).parent / "formats"))
from masks_in_memory import ArrayMask


@dataclass
class Tissue:
    is_tissue: np.ndarray
    downsample: float


def measured(mask, tissue=None):
    measuring = Measuring(mask, tissue)
    list(measuring.run())
    return {row.class_index: row for row in measuring.rows()}


@settings(max_examples=150, deadline=None)
@given(
    array=arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)),
                 elements=st.sampled_from([0, 0, 1, 1, 2])),
    tile_px=st.sampled_from([3, 4, 5, 1024]),
)  # fmt: skip
def test_it_is_what_the_whole_array_says_however_it_is_tiled(array, tile_px):
    tissue = Tissue(np.indices((4, 4)).sum(0) % 2 == 0, 4.0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_region_walk, "_TILE_PX", tile_px)
        rows = measured(ArrayMask(array), tissue)
    on_tissue = np.kron(tissue.is_tissue, np.ones((4, 4), bool))
    on_tissue = on_tissue[: array.shape[0], : array.shape[1]]
    for index in range(3):
        row = rows[index]
        assert row.pixels == np.count_nonzero(array == index)
        assert row.area_mm2 == pytest.approx(row.pixels * 0.25e-6)
        assert row.share_of_tissue == pytest.approx(
            np.count_nonzero(on_tissue & (array == index)) / on_tissue.sum()
        )
        if index:
            numbers, count = ndimage.label(array == index)
            assert row.objects == count
            if count:
                largest = np.bincount(numbers.ravel())[1:].max()
                assert row.largest_object_um2 == pytest.approx(largest * 0.25)
                assert row.mean_object_um2 == pytest.approx(row.pixels / count * 0.25)


def test_shares_of_what_is_labelled():
    array = np.zeros((10, 10), np.uint8)
    array[:2], array[2:5, 0] = 1, 3
    rows = measured(ArrayMask(array))
    assert rows[1].share_of_labelled == pytest.approx(20 / 23)
    assert rows[3].share_of_labelled == pytest.approx(3 / 23)
    assert rows[0].share_of_labelled is None
    assert rows[1].share_of_tissue is None


def test_without_scale_there_are_pixels_and_objects_only():
    row = measured(ArrayMask(np.ones((5, 5), np.uint8), mpp_yx=None))[1]
    assert (row.pixels, row.objects) == (25, 1)
    assert (row.area_mm2, row.mean_object_um2, row.largest_object_um2) == (None,) * 3


def test_an_object_across_many_tiles_of_a_store_is_one(tmp_path):
    with MaskStore.create(tmp_path / "a.ome.zarr", (5000, 5000), (0.5, 0.25)) as mask:
        mask.paint(Stroke([(100, 100), (4900, 4800), (200, 4900)], 20, 1))
        mask.paint_region(Box(3000, 500, 10, 10), 2, tool="fill")
        rows = measured(mask)
        expected = np.count_nonzero(mask.read(Box(0, 0, 5000, 5000)) == 1)
    assert (rows[1].objects, rows[2].objects, rows[2].pixels) == (1, 1, 100)
    assert rows[1].pixels == expected
    assert rows[1].area_mm2 == pytest.approx(expected * 0.125e-6)


def test_an_empty_gigapixel_mask_is_measured_at_once(tmp_path):
    with MaskStore.create(tmp_path / "a.ome.zarr", (100_000, 100_000), 0.5) as mask:
        mask.paint(Stroke([(70_000, 30_000)], 40, 4))
        rows = measured(mask)
    assert rows[4].objects == 1
    assert rows[0].pixels + rows[4].pixels == 10**10


def test_the_table(tmp_path):
    mask = ArrayMask(np.ones((1000, 1000), np.uint8))
    mask.classes = ClassTable([ClassInfo(1, '=SUM(A1), "é"', (1, 2, 3))])
    measuring = Measuring(mask)
    list(measuring.run())
    write_csv(measuring.rows(), tmp_path / "a.csv")
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        unlabelled, row = csv.DictReader(file)
    assert unlabelled["name"] == "unlabelled"
    assert row["name"] == '\'=SUM(A1), "é"', "never a formula"
    assert float(row["area_mm2"]) == pytest.approx(0.25)
    assert row["share_of_labelled"] == "1"
    assert row["share_of_tissue"] == ""
    again = measuring.rows()
    assert replace(again[1], name="x").name == "x"
