import numpy as np
import pytest
import tifffile

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.annotate.formats import tiff
from napari_histossl.classes import RADBOUD_CLASSES
from napari_histossl.errors import AnnotationError, StoreError
from napari_histossl.geometry import Box
from napari_histossl.slide import open_slide


@pytest.fixture
def mask(tmp_path):
    with MaskStore.create(
        tmp_path / "a.ome.zarr", (2100, 3300), (0.5, 0.48), RADBOUD_CLASSES
    ) as store:
        store.paint(Stroke([(100, 100), (2000, 3200)], 60, 3))
        store.paint(Stroke([(1500, 500)], 200, 5))
        yield store


def test_classes_stand_in_the_red_channel_of_three_pages(mask, tmp_path):
    list(tiff.write(mask, tmp_path / "a_mask.tiff"))
    with tifffile.TiffFile(tmp_path / "a_mask.tiff") as file:
        assert len(file.pages) == 2, "the mask itself has no coarser level than 4"
        for page, level in zip(file.pages, (0, 2), strict=True):
            values = page.asarray()
            np.testing.assert_array_equal(
                values[..., 0], mask.read(mask.levels[level].box, level)
            )
            assert not values[..., 1:].any()
            x, _unit = page.tags["XResolution"].value
            per_cm = x / page.tags["XResolution"].value[1]
            assert 1e4 / per_cm == pytest.approx(0.48 * 2**level, rel=1e-6)


def test_it_opens_as_a_slide_of_its_scale(mask, tmp_path):
    list(tiff.write(mask, tmp_path / "a_mask.tiff"))
    with open_slide(tmp_path / "a_mask.tiff") as slide:
        assert slide.levels[0].shape == (2100, 3300)
        assert slide.mpp_yx == pytest.approx((0.5, 0.48), rel=1e-6)
        got = slide.read(Box(1400, 400, 200, 200), 0)[..., 0]
    np.testing.assert_array_equal(got, mask.read(Box(1400, 400, 200, 200)))


def test_a_part_is_refused_with_a_way_out(mask, tmp_path):
    with pytest.raises(AnnotationError, match="write a PNG"):
        list(tiff.write(mask, tmp_path / "a.tiff", box=Box(0, 0, 5, 5)))


def test_a_folder_that_is_missing_is_one_sentence(mask, tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        list(tiff.write(mask, tmp_path / "no" / "a.tiff"))
