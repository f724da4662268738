"""Labels from maps of classes: by hand, box by box, at every level."""

import numpy as np
import pytest

from napari_histossl.classes import ClassInfo, ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays.class_labels import ClassLabels
from napari_histossl.store import Pyramid

CLASSES = ClassTable(
    [ClassInfo(3, "stroma", (0, 255, 0)), ClassInfo(7, "tumour", (255, 0, 0))]
)
TILE = 8
"""Pixels of the maps along a tile."""


@pytest.fixture
def write(tmp_path, write_class_maps):
    """Write maps of 4 slide pixels a pixel, gated by what `presence` says."""

    def make(name, values, pixel_px0=4.0, **told):
        path = tmp_path / f"{name}.ome.zarr"
        return Pyramid.open(
            write_class_maps(path, values, pixel_px0, CLASSES, epsilon=0.25, **told)
        )

    return make


@pytest.fixture
def maps(write, rng):
    """Maps of 40 x 50 px of two classes and background, NaN in a corner."""
    values = rng.random((3, 40, 50)).astype(np.float16)
    values[:, :5, :9] = np.nan
    return write("maps", values, presence="presence.ome.zarr")


@pytest.fixture
def presence(write, rng):
    return write("presence", rng.random((2, 5, 7)), 4.0 * TILE)


def _by_hand(maps, box, presence=None, epsilon=0.0, threshold=0.0, level=0):
    values = maps.read(box, level).astype(np.float32)
    labels = np.zeros(box.shape, np.uint8)
    for y, x in np.ndindex(*box.shape):
        best = -1.0
        if np.isnan(values[0, y, x]) or values[2, y, x] > 0.5:
            continue
        for channel, info in enumerate(CLASSES):
            row, column = (
                int((place + 0.5) * 2**level // TILE)
                for place in (box.y + y, box.x + x)
            )
            if presence is not None:
                there = presence.read(Box(row, column, 1, 1))[channel, 0, 0]
                if not there > epsilon:
                    continue
            strength = values[channel, y, x]
            if strength >= threshold and strength > best:
                best, labels[y, x] = strength, info.index
    return labels


@pytest.mark.parametrize("threshold", [0.0, 0.6])
@pytest.mark.parametrize("level", [0, 1])
def test_the_strongest_class_of_those_that_are_there(maps, presence, level, threshold):
    labels = ClassLabels(maps, CLASSES, presence, 0.4, threshold)
    box = Box(3, 2, 15, 19)
    expected = _by_hand(maps, box, presence, 0.4, threshold, level)
    assert set(np.unique(expected)) == {0, 3, 7}
    np.testing.assert_array_equal(labels.read(box, level), expected)


def test_without_a_classifier_every_class_may_be_there(maps):
    box = maps.levels[0].box
    labels = ClassLabels(maps, CLASSES).read(box)
    np.testing.assert_array_equal(labels, _by_hand(maps, box))
    assert not labels[:5, :9].any()  # not computed


def test_classes_that_are_not_there_are_zero_in_the_maps(maps, presence):
    labels = ClassLabels(maps, CLASSES, presence, 0.4)
    box = maps.levels[0].box
    strengths, values = labels.strengths(box), maps.read(box)[:2]
    is_zero = strengths == 0
    np.testing.assert_array_equal(strengths[~is_zero], values[~is_zero])
    tiles = ~(presence.read(Box(0, 0, 5, 7)) > 0.4).repeat(TILE, 1).repeat(TILE, 2)
    known = np.isfinite(values)
    np.testing.assert_array_equal(is_zero & known, tiles[:, :40, :50] & known)


def test_of_equal_ones_the_first_of_the_table(write):
    maps = write("equal", np.full((2, 4, 4), 0.5))
    assert (ClassLabels(maps, CLASSES).read(Box(0, 0, 4, 4)) == 3).all()


def test_opened_by_what_is_written_down(maps, presence):
    box = maps.levels[0].box
    opened = ClassLabels.open(maps.path)
    assert (opened.epsilon, opened.classes) == (0.25, CLASSES)
    expected = ClassLabels(maps, CLASSES, presence, 0.25).read(box)
    np.testing.assert_array_equal(opened.read(box), expected)
    assert ClassLabels.open(maps.path, epsilon=0.7, threshold=0.1).epsilon == 0.7


def test_other_overlays_and_other_tables_are_refused(tmp_path, maps):
    with Pyramid.create(
        tmp_path / "heads.ome.zarr", shape=(3, 8, 8), dtype=np.float16
    ) as heads:
        pass
    with pytest.raises(PlanError, match=r"heads\.ome\.zarr holds no maps of classes"):
        ClassLabels.open(heads.path)
    with pytest.raises(PlanError, match="maps of 2 classes; got a table of 1"):
        ClassLabels(maps, ClassTable([CLASSES[3]]))
