"""Labelled patches show what they are labelled."""

import numpy as np
import pytest

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box
from napari_histossl.phantom import PhantomSlide, sample_patches
from napari_histossl.phantom.patches import SLIDE_UM, find_patches


@pytest.fixture(scope="module")
def patches():
    return sample_patches([3, 8], 3, patch_px=64)


def test_patches_are_balanced_over_slides_and_classes(patches):
    assert patches.images.shape == (24, 64, 64, 3)
    assert patches.nuclei.shape == (24, 64, 64)
    assert patches.images.dtype == np.uint8
    assert patches.nuclei.dtype == bool
    for seed in (3, 8):
        labels = patches.labels[patches.seeds == seed]
        assert np.bincount(labels).tolist() == [0, 3, 3, 3, 3]


def test_the_same_state_gives_the_same_patches(patches):
    again = sample_patches([8], 3, patch_px=64)
    np.testing.assert_array_equal(again.images, patches.images[patches.seeds == 8])
    other = sample_patches([8], 3, patch_px=64, random_state=1)
    assert not np.array_equal(other.images, again.images)


def test_a_class_covers_its_share_of_a_patch():
    slide = PhantomSlide(8, *[round(SLIDE_UM / 0.5)] * 2, 0.5)
    rng = np.random.default_rng(0)
    found = list(find_patches(slide, 4, 128, 0.75, (1, 2, 3, 4, 5), rng))
    assert len(found) == 20
    for box, label in found:
        assert isinstance(box, Box)
        assert (slide.truth(box, 0) == label).mean() > 0.7


def test_nothing_asked_for_is_refused():
    with pytest.raises(GeometryError, match="0 seeds"):
        sample_patches([], 3)
