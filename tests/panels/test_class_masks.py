"""A mask that starts from labels of several classes."""

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore
from napari_histossl.classes import ClassInfo, ClassTable, Origin
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays.class_proposal import LabelChoice, says_classes
from napari_histossl.panels.correct import MaskChoice, resolve, start_mask
from napari_histossl.slide import ArraySlide
from napari_histossl.store import Pyramid

CLASSES = ClassTable(
    [ClassInfo(3, "stroma", (0, 255, 0), "S"), ClassInfo(7, "tumour", (255, 0, 0), "T")]
)
WHOLE = Box(0, 0, 120, 160)


@pytest.fixture
def slide():
    return ArraySlide(np.zeros((120, 160, 3), np.uint8), mpp_yx=(0.5, 0.5), name="s")


@pytest.fixture
def maps(tmp_path, rng, write_class_maps):
    """30 x 40 px of 4 slide pixels; the right third is background."""
    values = rng.random((3, 30, 40)).astype(np.float16)
    values[2] = np.arange(40) > 26
    path = tmp_path / "segmentation.ome.zarr"
    return write_class_maps(path, values, 4, CLASSES)


def _start(choice, slide, folder):
    plan = resolve(choice, slide, folder)
    assert list(start_mask(plan))[-1].message == "mask made"
    return MaskStore.open(plan.path, read_only=True)


@pytest.mark.parametrize("threshold", [0.0, 0.7])
def test_the_strongest_class_with_who_said_it(slide, maps, tmp_path, threshold):
    choice = MaskChoice(labels=LabelChoice(maps, threshold=threshold))
    with _start(choice, slide, tmp_path) as mask, Pyramid.open(maps) as overlay:
        values = overlay.read(overlay.levels[0].box)[:2]
        expected = np.where(values[1] > values[0], 7, 3)
        expected[(values.max(0) < threshold) | (np.arange(40) > 26)] = 0
        labels, origins = mask.read(WHOLE), mask.origin(WHOLE)
        np.testing.assert_array_equal(labels, expected.repeat(4, 0).repeat(4, 1))
        np.testing.assert_array_equal(origins, (labels > 0) * int(Origin.MODEL))
        assert mask.classes == CLASSES
        assert mask.provenance["overlay"] == "segmentation.ome.zarr"
        assert mask.provenance["threshold"] == threshold
        assert mask.provenance["epsilon"] == 0.1
        made_with = mask.provenance["made_with"]
        assert made_with["weights_sha256"] == "0123abcd" * 8


def test_a_mask_of_another_scale_than_the_slide(rng, tmp_path, write_class_maps):
    pixels = np.zeros((1200, 1600, 3), np.uint8)
    fine = ArraySlide(pixels, mpp_yx=(0.2, 0.2), name="fine")
    values = rng.random((2, 30, 40)).astype(np.float16)
    maps = write_class_maps(tmp_path / "maps.ome.zarr", values, 40, CLASSES, mpp=0.2)
    choice = MaskChoice(mpp=0.4, labels=LabelChoice(maps))
    with _start(choice, fine, tmp_path) as mask:
        assert (mask.shape, mask.downsample) == ((600, 800), 2)
        expected = np.where(values[1] > values[0], 7, 3).repeat(20, 0).repeat(20, 1)
        np.testing.assert_array_equal(mask.read(Box(0, 0, 600, 800)), expected)


def test_labels_that_were_stored_are_taken_as_they_are(slide, tmp_path, rng):
    path, stored = tmp_path / "labels.ome.zarr", rng.choice([0, 3, 7], (30, 40))
    with Pyramid.create(
        path,
        shape=(30, 40),
        dtype=np.uint8,
        pixel_px0_yx=(4.0, 4.0),
        is_label=True,
        classes=CLASSES,
    ) as made:
        made.write(Box(0, 0, 30, 40), stored.astype(np.uint8))
    assert says_classes(path)
    with _start(MaskChoice(labels=LabelChoice(path)), slide, tmp_path) as mask:
        expected = stored.repeat(4, 0).repeat(4, 1)
        np.testing.assert_array_equal(mask.read(WHOLE), expected)
        assert "threshold" not in mask.provenance


def test_an_overlay_without_classes_is_refused(slide, tmp_path):
    with Pyramid.create(
        tmp_path / "heads.ome.zarr",
        shape=(2, 30, 40),
        dtype=np.float16,
        pixel_px0_yx=(4.0, 4.0),
    ) as heads:
        pass
    assert not says_classes(heads.path)
    plan = resolve(MaskChoice(labels=LabelChoice(heads.path)), slide, tmp_path)
    with pytest.raises(PlanError, match="holds no maps of classes"):
        list(start_mask(plan))
    assert not plan.path.exists()
