"""Sizes of brushes, places of masks, keys of classes."""

from __future__ import annotations

import pytest

from napari_histossl.classes import (
    DEFAULT_CLASSES,
    RADBOUD_CLASSES,
    ClassInfo,
    ClassTable,
)
from napari_histossl.geometry import Box
from napari_histossl.panels.brush_size import BrushSize
from napari_histossl.panels.class_keys import class_keys
from napari_histossl.panels.mask_place import Place


def test_a_size_follows_the_zoom_or_stays_on_the_glass():
    on_screen, on_glass = BrushSize(40, "screen"), BrushSize(40, "um")
    assert [on_screen.px0(zoom, 0.5) for zoom in (4, 1, 0.25)] == [20, 80, 320]
    assert [on_glass.px0(zoom, 0.5) for zoom in (4, 1, 0.25)] == [80, 80, 80]
    assert BrushSize(1, "screen").px0(100, 0.5) == 1


def test_another_unit_is_as_wide_now():
    size = BrushSize(40, "screen").in_unit("um", zoom=0.5)
    assert (size.diameter, size.unit) == (80, "um")
    assert size.in_unit("screen", zoom=0.5).diameter == pytest.approx(40)


def test_steps_change_a_size_at_least_by_one_and_stay_in_bounds():
    assert BrushSize(1).stepped(1).diameter == 2
    assert BrushSize(2).stepped(-1).diameter == 1
    assert BrushSize(1).stepped(-1).diameter == 1
    assert BrushSize(5000).stepped(1).diameter == 5000
    assert BrushSize(40).stepped(1).diameter == 48


def test_a_size_set_elsewhere_is_taken_over():
    assert BrushSize(40, "screen").measured(30, zoom=2, pixel_um=0.5).diameter == 30
    assert BrushSize(40, "um").measured(30, zoom=2, pixel_um=0.5).diameter == 15


class Scale:
    def __init__(self, mpp, downsample=1.0):
        self.mpp_yx = None if mpp is None else (mpp, mpp)
        self.downsample = downsample


def test_mask_and_slide_share_the_outer_edge():
    place = Place.of(Scale(0.5), Scale(0.25))
    assert place.downsample_yx == (2.0, 2.0)
    assert place.box_px0(Box(3, 4, 4, 2)) == Box(1, 2, 3, 1)
    assert Place.of(Scale(None, 8.0), Scale(None)).downsample_yx == (8.0, 8.0)


def test_keys_of_classes_never_mean_a_tool():
    assert class_keys(DEFAULT_CLASSES, "PEFW") == {
        1: "T",
        2: "S",
        3: "I",
        4: "D",
        5: "G",
    }
    keys = class_keys(RADBOUD_CLASSES, "BFPE")
    assert keys[3] == "C"
    assert not set(keys.values()) & set("BFPE")
    assert len(set(keys.values())) == len(RADBOUD_CLASSES)


def test_classes_of_a_file_get_keys_too():
    table = ClassTable([ClassInfo(i, f"Ä {i}", (0, 0, 0)) for i in range(1, 41)])
    keys = class_keys(table, "AB")
    assert len(keys) == 24
    assert len(set(keys.values())) == 24
