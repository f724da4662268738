"""The wand against drawn colours."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.annotate.wand import grow
from napari_histossl.errors import AnnotationError

PINK, PURPLE, GLASS = (226, 160, 190), (120, 70, 150), (243, 243, 243)


@pytest.fixture
def picture():
    """Glass, a pink disk of radius 60 at (100, 120), a purple one of 15 inside it."""
    rows, columns = np.mgrid[:200, :260]
    distance = np.hypot(rows - 100, columns - 120)
    drawn = np.full((200, 260, 3), GLASS, np.uint8)
    drawn[distance <= 60] = PINK
    drawn[distance <= 15] = PURPLE
    return drawn


def wand(picture, seed_yx, tolerance=10.0, smoothing_px=0.0, reach_px=400):
    return grow(
        picture,
        seed_yx,
        tolerance=tolerance,
        smoothing_px=smoothing_px,
        reach_px=reach_px,
    )


def is_colour(picture, colour):
    return (picture == np.array(colour, np.uint8)).all(axis=2)


@pytest.mark.parametrize(
    ("seed", "colour"), [((100, 80), PINK), ((100, 120), PURPLE), ((5, 5), GLASS)]
)
def test_it_takes_what_has_the_colour_and_nothing_else(picture, seed, colour):
    np.testing.assert_array_equal(wand(picture, seed), is_colour(picture, colour))


def test_only_what_is_connected(picture):
    picture[20:40, 200:220] = PURPLE
    found = wand(picture, (100, 120))
    assert not found[20:40, 200:220].any()
    assert found[100, 120]


def test_tolerance_is_a_distance_in_lab(picture):
    from skimage.color import rgb2lab

    lab = rgb2lab(np.array([[PINK, PURPLE]], np.uint8))[0]
    apart = float(np.linalg.norm(lab[0] - lab[1]))
    assert not wand(picture, (100, 80), tolerance=apart - 0.1)[100, 120]
    assert wand(picture, (100, 80), tolerance=apart + 0.1)[100, 120]


def test_nothing_beyond_its_reach(picture):
    found = wand(picture, (100, 80), reach_px=25)
    rows, columns = np.nonzero(found)
    assert np.hypot(rows - 100, columns - 80).max() <= 25
    assert found[100, 62]


def test_noise_is_smoothed_away(picture, rng):
    noisy = picture + rng.normal(0, 14, picture.shape)
    noisy = noisy.clip(0, 255).astype(np.uint8)
    truth = is_colour(picture, PINK)
    rough = wand(noisy, (100, 80))
    smooth = wand(noisy, (100, 80), smoothing_px=2)
    assert (smooth != truth).sum() < 0.15 * truth.sum()
    assert (rough != truth).sum() > 3 * (smooth != truth).sum()


def test_smoothing_does_not_make_it_smaller(picture):
    truth = is_colour(picture, PINK)
    assert (
        wand(picture, (100, 80), smoothing_px=3) != truth
    ).sum() < 0.01 * truth.sum()


def test_small_holes_are_closed_and_large_ones_stay(picture):
    picture[60:63, 100:103] = PURPLE
    found = wand(picture, (100, 80), smoothing_px=2)
    assert found[60:63, 100:103].all()
    assert not found[100, 120]


def test_a_seed_in_the_corner_and_a_picture_of_one_pixel(picture):
    assert wand(picture, (0, 0), smoothing_px=3)[0, 0]
    assert wand(picture[:1, :1], (0, 0), smoothing_px=3).all()


@pytest.mark.parametrize("seed", [(-1, 0), (0, 260), (200, 0)])
def test_a_seed_outside_is_refused(picture, seed):
    with pytest.raises(AnnotationError, match="starts inside the picture"):
        wand(picture, seed)


@pytest.mark.parametrize(
    "option",
    [{"tolerance": -1}, {"tolerance": np.nan}, {"smoothing_px": -1}, {"reach_px": 0}],
)
def test_numbers_out_of_bounds_are_refused(picture, option):
    with pytest.raises(AnnotationError, match="at least"):
        wand(picture, (100, 100), **option)
