import numpy as np
import pytest
from PIL import Image

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.annotate.formats import png
from napari_histossl.classes import DEFAULT_CLASSES, ClassInfo, ClassTable
from napari_histossl.errors import AnnotationError, StoreError
from napari_histossl.geometry import Box


@pytest.fixture
def mask(tmp_path):
    with MaskStore.create(tmp_path / "a.ome.zarr", (900, 1100), 0.5) as store:
        store.paint(Stroke([(100, 100)], 50, 1))
        store.paint(Stroke([(140, 100)], 30, 4))
        yield store


@pytest.mark.parametrize(
    ("box", "level"),
    [(None, 0), (None, 1), (Box(90, 80, 99, 77), 0), (Box(-9, -9, 99, 99), 1)],
)
def test_pixels_are_classes(mask, tmp_path, box, level):
    png.write(mask, tmp_path / "a.png", box=box, level=level)
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.mode == "P"
        values = np.asarray(picture)
    expected = mask.read(box or Box(0, 0, *mask.levels[level].shape), level)
    np.testing.assert_array_equal(values, expected)


def test_a_mask_of_16_bits_is_written_as_classes_of_8(tmp_path):
    classes = ClassTable([ClassInfo(255, "last", (1, 2, 3))])
    with MaskStore.create(
        tmp_path / "a.ome.zarr", (300, 300), 0.5, classes, dtype=np.uint16
    ) as mask:
        mask.paint(Stroke([(100, 100)], 9, 255))
        png.write(mask, tmp_path / "a.png")
        labels = mask.read(mask.levels[0].box)
    with Image.open(tmp_path / "a.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), labels)


def test_colours_are_those_of_the_classes(mask, tmp_path):
    png.write(mask, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        rgba = np.asarray(picture.convert("RGBA"))
    assert tuple(rgba[100, 100]) == (*DEFAULT_CLASSES[1].colour, 255)
    assert tuple(rgba[150, 100]) == (*DEFAULT_CLASSES[4].colour, 255)
    assert rgba[0, 0, 3] == 0


def test_a_picture_too_large_is_refused_with_a_way_out(mask, tmp_path):
    with pytest.raises(AnnotationError, match="coarser level"):
        png.write(mask, tmp_path / "a.png", box=Box(0, 0, 100_000, 100_000))


def test_a_folder_that_is_missing_is_one_sentence(mask, tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        png.write(mask, tmp_path / "no" / "a.png")
