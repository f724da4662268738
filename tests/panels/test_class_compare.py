"""Labels of a model against a mask: counted by hand, and where they differ."""

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore
from napari_histossl.classes import ClassInfo, ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.metrics.confusion import confusion_matrix
from napari_histossl.overlays.class_proposal import LabelChoice
from napari_histossl.panels.class_compare import Differences, compare
from napari_histossl.store.masks import write_mask_png

CLASSES = ClassTable(
    [ClassInfo(3, "stroma", (0, 255, 0)), ClassInfo(7, "tumour", (255, 0, 0))]
)
OTHERS = ClassTable(
    [ClassInfo(1, "Tumour", (255, 0, 0)), ClassInfo(2, "glass", (9, 9, 9)),
     ClassInfo(4, "stroma", (0, 255, 0))]
)  # fmt: skip
SLIDE = 120, 160
PX = 4
"""Slide pixels a pixel of the maps; the mask has one for each of the slide."""


@pytest.fixture
def maps(tmp_path, rng, write_class_maps):
    """Computed but for the left fifth."""
    values = rng.random((2, 30, 40)).astype(np.float16)
    values[:, :, :8] = np.nan
    return write_class_maps(tmp_path / "maps.ome.zarr", values, PX, CLASSES), values


@pytest.fixture
def truth(rng):
    """Values of `OTHERS` in squares of 10 px, some unlabelled."""
    return (
        rng.choice([0, 1, 2, 4], (12, 16)).astype(np.uint8).repeat(10, 0).repeat(10, 1)
    )


@pytest.fixture
def mask(tmp_path, truth):
    path = tmp_path / "mask.ome.zarr"
    with MaskStore.create(path, SLIDE, 0.5, OTHERS, base=truth):
        return path


def _expected(values, truth):
    """Return labels and truth in places from 1, 0 where nothing counts."""
    labels = 1 + (values[1] > values[0]).repeat(PX, 0).repeat(PX, 1)
    true = np.array([0, 2, 0, 0, 1], np.uint8)[truth]
    true[:, : 8 * PX] = 0
    return labels.astype(np.uint8), true


def test_counted_at_the_resolution_of_the_mask(maps, mask, truth):
    path, values = maps
    labels, true = _expected(values, truth)
    found = compare(LabelChoice(path), mask, SLIDE)
    by_hand = confusion_matrix(labels, true, 2, exclude_index=0, first=1)
    np.testing.assert_array_equal(found.confusion.counts, by_hand.counts)
    assert found.classes == CLASSES
    known = np.isin(truth, (1, 4))
    assert found.share == np.count_nonzero(true) / np.count_nonzero(known)


def test_what_the_threshold_leaves_open_is_wrong(maps, mask):
    sure = compare(LabelChoice(maps[0], threshold=0.8), mask, SLIDE).confusion
    assert sure.unassigned.all()
    every = compare(LabelChoice(maps[0]), mask, SLIDE).confusion
    np.testing.assert_array_equal(sure.support, every.support)


def test_a_picture_of_another_resolution(maps, truth, tmp_path):
    path, values = maps
    picture = np.array([0, 7, 0, 0, 3], np.uint8)[truth]
    write_mask_png(tmp_path / "truth.png", picture[::2, ::2])
    labels, true = _expected(values, truth)
    found = compare(LabelChoice(path), tmp_path / "truth.png", SLIDE)
    by_hand = confusion_matrix(
        labels[::2, ::2], true[::2, ::2], 2, exclude_index=0, first=1
    )
    np.testing.assert_array_equal(found.confusion.counts, by_hand.counts)


def test_labels_in_the_red_of_a_tiff(maps, truth, tmp_path):
    import tifffile

    path, values = maps
    picture = np.zeros((*SLIDE, 3), np.uint8)
    picture[..., 0] = np.array([0, 7, 0, 0, 3], np.uint8)[truth]
    options = {"photometric": "rgb", "compression": "deflate", "tile": (32, 32)}
    tifffile.imwrite(tmp_path / "a_mask.tiff", picture, **options)
    labels, true = _expected(values, truth)
    found = compare(LabelChoice(path), tmp_path / "a_mask.tiff", SLIDE)
    by_hand = confusion_matrix(labels, true, 2, exclude_index=0, first=1)
    np.testing.assert_array_equal(found.confusion.counts, by_hand.counts)


@pytest.mark.parametrize("kind", ["mask", "picture"])
def test_where_they_differ_in_the_colour_of_the_mask(maps, mask, truth, kind, tmp_path):
    path, values = maps
    if kind == "picture":
        mask = tmp_path / "truth.png"
        write_mask_png(mask, np.array([0, 7, 0, 0, 3], np.uint8)[truth])
    differences = Differences(LabelChoice(path), mask, SLIDE)
    box = Box(2, 5, 20, 30)
    shown = differences.read(box)
    true = np.array([0, 7, 0, 0, 3])[truth][2::PX, 2::PX]  # at the middle of a pixel
    labels = np.where(values[1] > values[0], 7, 3)
    expected = np.where(labels != true, true, 0)
    expected[:, :8] = 0
    np.testing.assert_array_equal(shown, expected[box.slices])
    assert set(np.unique(shown)) == {0, 3, 7}
    hanging = differences.read(Box(28, 38, 6, 6))
    assert not hanging[2:].any()
    assert not hanging[:, 2:].any()


def test_a_mask_of_another_size_than_the_slide(maps, truth, tmp_path):
    path, _ = maps
    with MaskStore.create(tmp_path / "big.ome.zarr", (120, 170), 0.5, OTHERS):
        pass
    write_mask_png(tmp_path / "wide.png", truth[:60])
    for name, size in (("big.ome.zarr", "120 x 170"), ("wide.png", "60 x 160")):
        with pytest.raises(PlanError, match=rf"{size} px .* a slide of 120 x 160 px"):
            compare(LabelChoice(path), tmp_path / name, SLIDE)


def test_nothing_to_compare_is_said(maps, tmp_path, truth):
    path, _ = maps
    glass = ClassTable([ClassInfo(1, "glass", (9, 9, 9))])
    with MaskStore.create(tmp_path / "glass.ome.zarr", SLIDE, 0.5, glass):
        pass
    with pytest.raises(PlanError, match="none of the classes stroma, tumour"):
        compare(LabelChoice(path), tmp_path / "glass.ome.zarr", SLIDE)
    with MaskStore.create(tmp_path / "empty.ome.zarr", SLIDE, 0.5, OTHERS):
        pass
    with pytest.raises(PlanError, match="labels no pixel that was computed"):
        compare(LabelChoice(path), tmp_path / "empty.ome.zarr", SLIDE)
    with pytest.raises(PlanError, match="is no mask of a slide"):
        compare(LabelChoice(path), path, SLIDE)
