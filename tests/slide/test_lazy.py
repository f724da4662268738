from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Level
from napari_histossl.slide import ArraySlide, lazy_pyramid, read_virtual, virtual_levels


def test_every_level_holds_the_pixels_of_its_virtual_level(array_slide):
    arrays = lazy_pyramid(array_slide)
    levels = virtual_levels(array_slide)
    assert len(arrays) == len(levels)
    for index, (array, level) in enumerate(zip(arrays, levels, strict=True)):
        assert array.shape == (*level.shape, 3)
        assert array.dtype == np.uint8
        assert np.array_equal(
            np.asarray(array), read_virtual(array_slide, level.box, index)
        )


def test_chunks_are_512_px_with_all_colours():
    (array, *_) = lazy_pyramid(ArraySlide(np.zeros((1200, 512, 3), np.uint8)))
    assert array.chunks == ((512, 512, 176), (512,), (3,))


def test_nothing_is_read_before_it_is_asked_for(latency_slide):
    arrays = lazy_pyramid(latency_slide)
    assert latency_slide.reads == []
    np.asarray(arrays[0][600:610, 520:530])
    assert len(latency_slide.reads) == 1  # the one chunk, nothing else


def test_two_openings_share_no_names(array_slide):
    first, second = lazy_pyramid(array_slide), lazy_pyramid(array_slide)
    assert not {a.name for a in first} & {b.name for b in second}


def test_a_whole_huge_level_is_refused_but_not_its_parts():
    class White(ArraySlide):
        def _read_inside(self, box, level):
            return np.full((*box.shape, 3), 255, np.uint8)

    slide = White(np.zeros((1, 1, 3), np.uint8))
    slide.levels = (Level((60_000, 50_000), 1.0),)
    (fine, *_) = lazy_pyramid(slide)
    for pull in (np.asarray, lambda array: array.compute()):
        with pytest.raises(GeometryError, match=r"60000 x 50000 px .* 9\.0 GB"):
            pull(fine)
    assert np.asarray(fine[40_000:40_010, :20]).shape == (10, 20, 3)
    assert np.asarray(fine[::1000, ::1000][:3, :3]).shape == (3, 3, 3)
    assert type(fine[:10]).__name__ == "Array"
