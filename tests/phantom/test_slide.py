"""A drawn slide is a slide like any other, from a small picklable record."""

import math
import pickle

import numpy as np
import pytest

from napari_histossl.errors import GeometryError, HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.phantom import PhantomSlide, PhantomSource
from napari_histossl.slide.base import Slide, SlideSource


def test_levels_halve_down_to_512_px():
    slide = PhantomSlide(1, 5001, 3000, 0.5)
    assert isinstance(slide, Slide)
    for number, level in enumerate(slide.levels):
        assert level.downsample == 2**number
        expected = (math.ceil(5001 / 2**number), math.ceil(3000 / 2**number))
        assert level.shape == expected
    assert max(slide.levels[-1].shape) <= 512 < max(slide.levels[-2].shape)


def test_a_small_slide_has_one_level():
    assert len(PhantomSlide(1, 512, 400, 0.5).levels) == 1


def test_the_source_survives_a_pickle_and_draws_the_same():
    slide = PhantomSlide(5, 3000, 4000, 0.46, setting="v1")
    source = pickle.loads(pickle.dumps(slide.source))
    assert isinstance(source, SlideSource)
    assert source == slide.source == PhantomSource(5, 3000, 4000, 0.46)
    again = source.open()
    assert again.mpp_yx == (0.46, 0.46)
    box = Box(1400, 1900, 70, 80)
    np.testing.assert_array_equal(again.read(box, 0), slide.read(box, 0))
    np.testing.assert_array_equal(again.truth(box, 0), slide.truth(box, 0))


def test_the_fingerprint_changes_with_everything_that_decides_the_content():
    base = PhantomSource(5, 3000, 4000, 0.5)
    others = [
        PhantomSource(6, 3000, 4000, 0.5),
        PhantomSource(5, 3001, 4000, 0.5),
        PhantomSource(5, 3000, 4001, 0.5),
        PhantomSource(5, 3000, 4000, 0.5001),
        PhantomSource(5, 3000, 4000, 0.5, "v2"),
    ]
    prints = {source.fingerprint for source in [base, *others]}
    assert len(prints) == 6
    assert base.fingerprint == PhantomSource(5, 3000, 4000, 0.5).fingerprint


def test_the_name_can_be_a_file_name():
    assert not set(PhantomSource(5, 3000, 4000, 0.5).name) & set('/\\:*?"<>| ')


@pytest.mark.parametrize(
    "wrong",
    [(1, 0, 10, 0.5), (1, 10, 10, 0.0), (1, 10, 10, 99.0), (-1, 10, 10, 0.5)],
)
def test_a_slide_that_cannot_be_is_refused(wrong):
    with pytest.raises(GeometryError, match="a drawn slide has"):
        PhantomSlide(*wrong)


def test_an_unknown_setting_is_refused_by_name():
    with pytest.raises(HistoSSLError, match=r"'v0'.*known: v1"):
        PhantomSlide(1, 100, 100, 0.5, setting="v0")


def test_a_level_that_is_not_there_is_refused():
    slide = PhantomSlide(1, 1000, 1000, 0.5)
    for ask in (slide.read, slide.truth, slide.nuclei_mask):
        with pytest.raises(GeometryError, match="levels 0 to 1; got level 2"):
            ask(Box(0, 0, 10, 10), 2)


def test_slides_of_other_seeds_differ_in_layout_and_dye():
    box = Box(100, 100, 250, 250)
    slides = [PhantomSlide(seed, 20_000, 20_000, 0.5) for seed in range(20, 26)]
    truths = {slide.truth(box, 5).tobytes() for slide in slides}
    assert len(truths) == 6
    colours = np.array([slide.read(box, 5)[200, 200] for slide in slides], float)
    assert colours.std(axis=0).max() > 8


def test_a_slide_of_100000_px_needs_no_file():
    slide = PhantomSlide(9, 100_000, 100_000, 0.25)
    tile = slide.read(Box(50_000, 50_000, 128, 128), 0)
    assert tile.shape == (128, 128, 3)
    assert tile.std() > 5


def test_the_scale_changes_the_picture_not_the_tissue():
    """The same place on the glass has the same class at any scale."""
    fine = PhantomSlide(3, 16_000, 16_000, 0.5)
    coarse = PhantomSlide(3, 8000, 8000, 1.0)
    at = fine.truth(Box(7000, 7000, 600, 600), 0)[1::2, 1::2]
    same = coarse.truth(Box(3500, 3500, 300, 300), 0) == at
    assert same.mean() > 0.99


def test_tissue_is_centred_on_the_glass():
    slide = PhantomSlide(1, 6000, 9000, 0.5)
    level = len(slide.levels) - 1
    tissue = slide.truth(slide.levels[level].box, level) != 5
    height, width = tissue.shape
    assert tissue[height // 3 : -height // 3, width // 3 : -width // 3].mean() > 0.9
    corners = tissue[:: height - 1, :: width - 1]
    assert not corners.any()
    assert 0.2 < tissue.mean() < 0.9
