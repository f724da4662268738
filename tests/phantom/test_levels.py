"""Coarse levels look like the averaged level 0, and their classes agree with it."""

from functools import cache

import numpy as np
import pytest

from napari_histossl.geometry import Box
from napari_histossl.phantom import PhantomSlide

SIDE_PX0 = 768
PLACES = [(1, 17000), (3, 20000), (8, 19000), (11, 20000), (14, 21000), (30, 18000)]
"""Seeds, and where their slides are looked at: between them all classes show."""


@cache
def finest(seed, corner):
    slide = PhantomSlide(seed, 40_000, 40_000, 0.5)
    return slide, slide.draw(Box(corner, corner, SIDE_PX0, SIDE_PX0), 0)


def coarse(slide, corner, level):
    factor = 2**level
    corner_px, side = corner // factor, SIDE_PX0 // factor
    return slide.draw(Box(corner_px, corner_px, side, side), level)


def corner_of(place):
    return place // 16 * 16


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_the_mean_colour_is_that_of_the_averaged_level_0(level):
    for seed, place in PLACES:
        slide, fine = finest(seed, corner_of(place))
        drawing = coarse(slide, corner_of(place), level)
        apart = drawing.rgb.mean((0, 1)) - fine.rgb.mean((0, 1))
        assert np.abs(apart).max() < 4, (seed, apart)


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_the_classes_are_those_of_the_point_sampled_level_0(level):
    factor = 2**level
    same = []
    for seed, place in PLACES:
        slide, fine = finest(seed, corner_of(place))
        truth = coarse(slide, corner_of(place), level).truth
        same.append(truth == fine.truth[factor // 2 :: factor, factor // 2 :: factor])
    assert np.mean(same) >= 0.98


def test_the_places_show_every_kind_of_tissue():
    seen = {
        int(label)
        for seed, place in PLACES
        for label in np.unique(finest(seed, corner_of(place))[1].truth)
    }
    assert {1, 2, 3, 4} <= seen


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_nuclei_cover_the_same_area_at_every_level(level):
    """As light that haematoxylin takes: red is what it takes most of."""
    factor = 2**level
    apart = []
    for seed, place in PLACES:
        slide, fine = finest(seed, corner_of(place))
        side = SIDE_PX0 // factor
        red = fine.rgb[..., 0].reshape(side, factor, side, factor).mean((1, 3))
        drawing = coarse(slide, corner_of(place), level)
        cells = np.isin(drawing.truth, (1, 3))
        if cells.mean() > 0.1:
            apart.append(np.mean(drawing.rgb[cells, 0] - red[cells]))
    assert len(apart) > 1
    assert abs(np.mean(apart)) < 3
