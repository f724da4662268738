from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box
from napari_histossl.slide import ArraySlide, read_virtual, virtual_levels
from napari_histossl.slide import levels as levels_module


def picture_of(height, width, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (height, width, 3), dtype=np.uint8)


def area_mean(picture, ratio, shape):
    """Average by brute force: every output pixel on its own, in floats."""
    height, width = picture.shape[:2]
    result = np.empty((*shape, 3))
    for row in range(shape[0]):
        rows = overlap(row * ratio, (row + 1) * ratio, height)
        for column in range(shape[1]):
            columns = overlap(column * ratio, (column + 1) * ratio, width)
            weight = np.outer(rows, columns)
            result[row, column] = (picture * weight[..., None]).sum((0, 1))
            result[row, column] /= weight.sum()
    return result


def overlap(low, high, length):
    cells = np.arange(length)
    return np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0, None)


@pytest.mark.parametrize(
    ("shape", "count"),
    [((1, 1), 1), ((512, 512), 1), ((513, 20), 2), ((1024, 3), 2), ((2967, 2220), 4)],
)
def test_virtual_levels_halve_until_512_px(shape, count):
    slide = ArraySlide(np.zeros((*shape, 3), np.uint8))
    levels = virtual_levels(slide)
    assert len(levels) == count
    for step, level in enumerate(levels):
        assert level.downsample == 2**step
        assert level.shape == tuple(-(-length // 2**step) for length in shape)
    assert max(levels[-1].shape) <= 512


def test_whole_ratio_is_the_exact_mean_also_of_incomplete_blocks():
    picture = picture_of(2061, 610)
    slide = ArraySlide(picture)
    level = virtual_levels(slide)[2]
    got = read_virtual(slide, level.box, 2)
    tail = area_mean(picture[2000:], 4, (16, level.shape[1]))
    assert np.abs(got[500:].astype(float) - tail).max() <= 0.5


@settings(max_examples=60, deadline=None)
@given(
    y=st.integers(-20, 300),
    x=st.integers(-20, 250),
    height=st.integers(1, 90),
    width=st.integers(1, 90),
    level=st.integers(0, 2),
    downsamples=st.sampled_from([(1,), (1, 2), (1, 4), (1, 2.0006), (1, 3.3)]),
)
def test_a_box_is_the_crop_of_a_larger_box(y, x, height, width, level, downsamples):
    slide = slide_with(downsamples)
    whole = virtual_levels(slide)[level].box.padded(150)
    large = read_virtual(slide, whole, level)
    box = Box(y, x, height, width)
    crop = large[box.shifted(-whole.y, -whole.x).slices]
    got = read_virtual(slide, box, level)
    assert got.shape == (height, width, 3)
    assert np.array_equal(got[: crop.shape[0], : crop.shape[1]], crop)


_SLIDES: dict = {}


def slide_with(downsamples):
    if downsamples not in _SLIDES:
        pictures = [
            picture_of(int(1100 / factor), int(1030 / factor)) for factor in downsamples
        ]
        _SLIDES[downsamples] = ArraySlide(pictures, downsamples=downsamples)
    return _SLIDES[downsamples]


def test_cutting_a_large_footprint_changes_nothing(monkeypatch):
    slide = ArraySlide(picture_of(1500, 700))
    whole = read_virtual(slide, Box(0, 0, 375, 175), 2)
    monkeypatch.setattr(levels_module, "_AT_ONCE_PX", 1000)
    assert np.array_equal(read_virtual(slide, Box(0, 0, 375, 175), 2), whole)


def test_a_large_footprint_is_read_in_bounded_pieces(latency_slide, monkeypatch):
    monkeypatch.setattr(levels_module, "_AT_ONCE_PX", 4096)
    read_virtual(latency_slide, Box(0, 0, 350, 450), 1)
    assert max(box.height * box.width for box, _ in latency_slide.reads) <= 4096


def ramp(height, width, downsample):
    """Level of a slide whose red and green are level-0 row and column over 16."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[..., 0] = ((np.arange(height) + 0.5) * downsample / 16)[:, None]
    picture[..., 1] = ((np.arange(width) + 0.5) * downsample / 16)[None]
    return picture


@pytest.mark.parametrize("downsample", [4.0003, 4.03, 3.97, 8.06, 2.9, 5.5])
def test_fractional_downsamples_do_not_drift(downsample):
    """A row of the picture stays where it is on the glass, at the far end as well."""
    height, width = 4000, 3100
    shape = int(height / downsample), int(width / downsample)
    slide = ArraySlide(
        [ramp(height, width, 1), ramp(*shape, downsample)],
        downsamples=(1.0, downsample),
    )
    for index, level in enumerate(virtual_levels(slide)):
        got = read_virtual(slide, level.box, index).astype(float)
        rows = (np.arange(level.shape[0]) + 0.5) * level.downsample / 16
        columns = (np.arange(level.shape[1]) + 0.5) * level.downsample / 16
        slack = 1 + 0.75 * level.downsample / 16
        assert np.abs(got[:-1, :-1, 0] - rows[:-1, None]).max() <= slack
        assert np.abs(got[:-1, :-1, 1] - columns[None, :-1]).max() <= slack


def test_fractional_ratio_is_the_area_mean():
    fine, coarse = picture_of(2000, 1500, 1), picture_of(606, 454)
    slide = ArraySlide([fine, coarse], downsamples=(1.0, 3.3))
    got = read_virtual(slide, Box(0, 0, 40, 30), 1)
    assert np.abs(got - area_mean(fine[:80, :60], 2, (40, 30))).max() <= 0.5
    got = read_virtual(slide, Box(0, 0, 40, 30), 2)
    expected = area_mean(coarse[:60, :60], 4 / 3.3, (40, 30))
    assert np.abs(got - expected).max() <= 0.51


def test_a_level_almost_as_coarse_is_taken_as_it_is():
    slide = slide_with((1, 2.0006))
    got = read_virtual(slide, Box(10, 10, 50, 50), 1)
    assert np.array_equal(got, slide.read(Box(10, 10, 50, 50), 1))


def test_a_level_that_does_not_exist_is_named(array_slide):
    with pytest.raises(GeometryError, match="virtual levels 0 to 1; got level 7"):
        read_virtual(array_slide, Box(0, 0, 1, 1), 7)
