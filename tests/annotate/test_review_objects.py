"""Objects of a proposal: found tile by tile as in one piece, saved, bounded."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.annotate.review_objects import ObjectTable
from napari_histossl.annotate.review_search import ObjectSearch, paired
from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box, Level

SHAPE = (300, 260)


class Plane:
    """Labels in memory."""

    classes, downsample = DEFAULT_CLASSES, 1.0

    def __init__(self, labels):
        self.labels = labels
        self.levels = (Level(labels.shape, 1.0),)

    def read(self, box, level=0):
        return self.labels[box.slices]


@pytest.fixture
def labels():
    rng = np.random.default_rng(3)
    smooth = ndimage.gaussian_filter(rng.random(SHAPE), 4)
    return np.digitize(smooth, np.quantile(smooth, [0.5, 0.8])).astype(np.uint8)


def search(labels, least_px=1, **options):
    found = ObjectSearch(Plane(labels), 0, "drawn", **options)
    list(found.run())
    return found.objects(least_px)


@pytest.mark.parametrize("tile_px", [64, 100, 300, 1024])
def test_objects_are_those_of_the_whole_picture(labels, tile_px, monkeypatch):
    monkeypatch.setattr(
        "napari_histossl.annotate.formats._region_walk._TILE_PX", tile_px
    )
    values = np.random.default_rng(1).random((2, *SHAPE)).astype(np.float32)
    table = search(
        labels,
        measured=("entropy", "margin"),
        measure=lambda box: values[(slice(None), *box.slices)],
    )
    expected = []
    for index in (1, 2):
        numbers, count = ndimage.label(labels == index)
        for number, place in enumerate(ndimage.find_objects(numbers), start=1):
            is_one = numbers == number
            first = int(np.flatnonzero(is_one)[0])
            box = [place[0].start, place[1].start, *numbers[place].shape]
            means = [float(plane[is_one].mean()) for plane in values]
            expected.append((first, index, box, int(is_one.sum()), means))
        assert count
    expected.sort()
    assert len(table) == len(expected) > 20
    for row, (first, index, box, area, means) in enumerate(expected):
        assert table.anchors_px[row].tolist() == list(divmod(first, SHAPE[1]))
        assert (table.classes[row], table.areas_px[row]) == (index, area)
        assert table.boxes_px[row].tolist() == box
        np.testing.assert_allclose(table.measures[:, row], means, rtol=1e-5)


def test_small_objects_are_left_out_and_counted(labels):
    every = search(labels)
    large = search(labels, least_px=30)
    assert large.left_out == len(every) - len(large) > 0
    assert large.areas_px.min() >= 30


def test_nothing_proposed_is_an_empty_table():
    table = search(np.zeros(SHAPE, np.uint8), measured=("entropy",))
    assert len(table) == 0
    assert table.measures.shape == (1, 0)
    assert table.names() == []


def test_where_two_masks_differ_is_an_object_of_two_classes():
    mine, theirs = np.zeros((2, *SHAPE), np.uint8)
    mine[10:20, 10:20], theirs[10:20, 10:20] = 1, 2
    mine[10:20, 20:30] = 1
    mine[50:60, 50:60] = theirs[50:60, 50:60] = 3
    table = search(paired(mine, theirs))
    assert list(zip(table.classes, table.others, strict=True)) == [(1, 2), (1, 0)]
    assert table.name(0) == "drawn:0:1/2:10:10"


def test_a_table_is_saved_and_read(labels, tmp_path):
    table = search(labels, least_px=5)
    table.save(tmp_path / "x.npz")
    again = ObjectTable.load(tmp_path / "x.npz")
    assert again.names() == table.names()
    assert (again.left_out, again.level) == (table.left_out, table.level)
    assert again.box_px0(0) == table.box_px0(0)
    (tmp_path / "x.npz").write_bytes(b"PK\x03\x04 nothing")
    with pytest.raises(StoreError, match="list them again"):
        ObjectTable.load(tmp_path / "x.npz")


def test_a_sparse_gigapixel_mask_is_searched_in_bounded_memory(tmp_path):
    with MaskStore.create(tmp_path / "a.ome.zarr", (100_000, 100_000), 0.5) as mask:
        mask.paint(Stroke([(50_000, 50_000)], 400, class_index=1))
        mask.paint(Stroke([(90_000, 10_000), (90_000, 14_000)], 60, class_index=2))
        mask.paint(Stroke([(99_999, 99_999)], 100, class_index=3))
        tracemalloc.start()
        search = ObjectSearch(mask, 4, "mask")
        list(search.run())
        table = search.objects()
        peak_bytes = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert sorted(table.classes.tolist()) == [1, 2, 3]
    disc = int(table.areas_px[table.classes == 1][0]) * 16**2
    assert disc == pytest.approx(np.pi * 400**2, rel=0.1)
    line = table.box_px0(int(np.flatnonzero(table.classes == 2)[0]))
    assert line.intersection(Box(90_000, 10_000, 1, 4_000)) is not None
    assert peak_bytes < 200e6
