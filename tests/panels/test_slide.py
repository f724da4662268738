"""Lengths, areas, positions and facts in words."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageCms

from napari_histossl.panels.slide import (
    describe_colours,
    describe_position,
    describe_slide,
    ellipse_area,
    magnification_zoom,
    path_length,
    polygon_area,
    private_pictures,
    readable_area,
    readable_length,
)


@pytest.mark.parametrize(("power", "um_per_pixel"), [(1.25, 8), (10, 1), (40, 0.25)])
def test_a_magnification_is_micrometres_per_screen_pixel(power, um_per_pixel):
    assert magnification_zoom(power) == pytest.approx(1 / um_per_pixel)


def test_length_of_a_line_with_corners():
    assert path_length([(0, 0), (3, 4), (3, 10)]) == pytest.approx(11)
    assert path_length([(5, 5)]) == 0


def test_area_does_not_depend_on_where_or_which_way_round(rng):
    corners = np.array([(0, 0), (0, 30), (10, 30), (10, 10), (40, 10), (40, 0)])
    assert polygon_area(corners) == pytest.approx(600)
    assert polygon_area(corners[::-1]) == pytest.approx(600)
    far = corners + np.array([1e7, 3e7])  # a large slide far from its corner
    assert polygon_area(far) == pytest.approx(600, abs=1e-6)
    assert polygon_area([(0, 0), (5, 5)]) == 0


def test_area_of_an_ellipse_from_its_box():
    box = [(0, 0), (0, 20), (10, 20), (10, 0)]
    assert ellipse_area(box) == pytest.approx(np.pi * 10 * 5)


@pytest.mark.parametrize(
    ("length", "in_um", "text"),
    [
        (0.25, True, "0.2 µm"),
        (999.4, True, "999 µm"),
        (1000, True, "1.000 mm"),
        (12.5, False, "12.5 px"),
        (40_000, False, "40,000 px"),
    ],
)
def test_lengths_in_words(length, in_um, text):
    assert readable_length(length, in_um=in_um) == text


@pytest.mark.parametrize(
    ("area", "in_um", "text"),
    [
        (12.34, True, "12.3 µm²"),
        (99_999, True, "99,999 µm²"),
        (1e5, True, "0.100 mm²"),
        (1234, False, "1,234 px²"),
    ],
)
def test_areas_in_words(area, in_um, text):
    assert readable_area(area, in_um=in_um) == text


def test_position_without_a_scale_is_in_pixels_alone():
    text = describe_position((20.9, 10.1), None, None)
    assert text == "pixel 10, 20   RGB …"


def test_a_slide_is_called_by_the_name_that_is_given(array_slide):
    assert describe_slide(array_slide)["Name"] == "drawn"
    masked = describe_slide(array_slide, "Slide 3")
    assert masked["Name"] == "Slide 3"
    assert "drawn" not in " ".join(masked.values())


def test_colours_are_told(array_slide):
    assert describe_colours(array_slide) == (
        "No colour profile; colours as scanned.",
        False,
    )
    array_slide.icc_profile = ImageCms.ImageCmsProfile(
        ImageCms.createProfile("sRGB")
    ).tobytes()
    sentence, can_choose = describe_colours(array_slide)
    assert "nothing to convert" in sentence
    assert not can_choose
    array_slide.icc_profile = b"nonsense"
    sentence, can_choose = describe_colours(array_slide)
    assert sentence.startswith("The colour profile (8 bytes) cannot be used")
    assert not can_choose


def test_only_pictures_of_the_glass_are_private(array_slide):
    array_slide.associated = ("label", "thumbnail")
    assert private_pictures(array_slide) == ("label",)
