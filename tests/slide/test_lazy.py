from __future__ import annotations

import numpy as np

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
