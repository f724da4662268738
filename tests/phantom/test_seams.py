"""Any box is the crop of a larger one, byte for byte."""

import numpy as np
import pytest

from napari_histossl.geometry import Box
from napari_histossl.phantom import PhantomSlide


def assert_crop_equal(slide, box, inner, level):
    """Draw a box and a part of it (inner is relative to box); compare all three."""
    whole = slide.draw(box, level)
    part = slide.draw(inner.shifted(box.y, box.x), level)
    for name in ("rgb", "truth", "nuclei"):
        crop = getattr(whole, name)[inner.slices]
        np.testing.assert_array_equal(getattr(part, name), crop, err_msg=name)


@pytest.mark.parametrize("level", range(8))
def test_a_box_is_the_crop_of_a_larger_box(level, rng):
    for _ in range(3):
        slide = PhantomSlide(int(rng.integers(1, 99)), 100_000, 100_000, 0.5)
        height, width = slide.levels[level].shape
        y, x = int(height * rng.uniform(0.3, 0.7)), int(width * rng.uniform(0.3, 0.7))
        inner = Box(*rng.integers(0, 90, 2).tolist(), *rng.integers(1, 60, 2).tolist())
        assert_crop_equal(slide, Box(y, x, 150, 160), inner, level)


@pytest.mark.parametrize("mpp", [0.25, 0.37, 0.499, 1.0, 2.0])
def test_odd_scales_have_no_seams_either(mpp, rng):
    slide = PhantomSlide(4, 30_000, 40_000, mpp)
    for level in (0, 2):
        height, width = slide.levels[level].shape
        box = Box(height // 2 - 70, width // 2 - 60, 130, 120)
        assert_crop_equal(slide, box, Box(31, 47, 40, 1), level)


def test_a_box_may_hang_over_the_edge():
    slide = PhantomSlide(2, 700, 900, 0.5)
    whole = slide.read(slide.levels[0].box, 0)
    over = slide.read(Box(-20, 850, 60, 100), 0)
    np.testing.assert_array_equal(over[20:, :50], whole[:40, 850:])
    assert (over[:20] == 255).all()
    assert (over[:, 50:] == 255).all()


def test_the_truth_alone_is_the_truth_of_the_drawing():
    slide = PhantomSlide(3, 20_000, 20_000, 0.5)
    for level in (0, 3):
        side = slide.levels[level].shape[0]
        box = Box(side // 2, side // 2, 90, 110)
        np.testing.assert_array_equal(
            slide.truth(box, level), slide.draw(box, level).truth
        )
