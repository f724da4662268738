"""Tissue is judged strip by strip: the same map as from the whole picture at once."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage

from napari_histossl.phantom import PhantomSlide
from napari_histossl.slide import ArraySlide, find_tissue, virtual_levels
from napari_histossl.slide import _stain_colour as colour
from napari_histossl.slide import _tissue_masks as masks
from napari_histossl.slide import _tissue_signs as signs
from napari_histossl.slide.levels import read_virtual
from napari_histossl.slide.tissue import GLASS, PEN, TISSUE, _sizes


@pytest.fixture(params=[1 << 20, 5000, 1])
def strip_px(request, monkeypatch):
    """Pixels judged at once: all, a few rows, one row."""
    monkeypatch.setattr(signs, "_STRIP_PX", request.param)
    monkeypatch.setattr(signs, "_READ_PX", 3 * request.param)
    monkeypatch.setattr(masks, "_ROWS", max(request.param >> 10, 1))
    return request.param


def smooth(planes):
    return ndimage.gaussian_filter(planes, (0, 1, 1), truncate=3)


def parts_of(mask, keep):
    """Return the connected parts of which `keep`, given their pixels, says so."""
    parts, count = ndimage.label(mask)
    kept = np.zeros(count + 1, bool)
    for part in range(1, count + 1):
        kept[part] = keep(parts == part)
    return kept[parts]


def is_inside(part):
    return not (
        part[0].any() or part[-1].any() or part[:, 0].any() or part[:, -1].any()
    )


def closed(mask, radius):
    size = (2 * radius + 1,) * 2
    wide = np.pad(mask, radius)
    wide = ndimage.binary_dilation(wide, np.ones(size))
    wide = ndimage.binary_erosion(wide, np.ones(size), border_value=1)
    return wide[radius:-radius, radius:-radius] | mask


def plain_labels(picture, sizes):
    """The map of a picture, all of it at once, with the slow way to count parts."""
    speck, hole, gap = sizes.speck_px, sizes.hole_px, sizes.gap_px
    planes = smooth(np.moveaxis(picture, -1, 0).astype(np.float32))
    every = colour.sample_step(picture[..., 0].size)
    glass = colour.find_glass(planes[:, ::every, ::every])
    density = colour.densities(planes, glass)
    stained = colour.find_stained(density, glass)
    certain, possible = colour.find_ink(smooth(density))
    ink = parts_of(possible, lambda part: (part & certain).any())
    ink = closed(parts_of(ink & stained, lambda part: part.sum() >= speck), gap)
    around = ndimage.binary_dilation(ink, np.ones((2 * gap + 1,) * 2))
    ink = around & stained | ink
    tissue = stained & ~ink & ~colour.find_grey(density)
    tissue = closed(tissue, gap) & ~ink
    tissue = parts_of(tissue, lambda part: part.sum() >= speck)
    if tissue.any():
        lumens = parts_of(
            ~(tissue | ink), lambda part: part.sum() < hole and is_inside(part)
        )
        tissue = (tissue | lumens) & ~ink
    labels = np.full(tissue.shape, GLASS, np.uint8)
    labels[tissue], labels[ink] = TISSUE, PEN
    return labels


def inked(slide, level):
    """The low-power picture of a drawn slide with a green mark across it, and dirt."""
    picture = read_virtual(slide, virtual_levels(slide)[level].box, level).copy()
    picture[20:28, 10:-10] = picture[40:-30, 60:67] = (20, 140, 90)
    picture[-20:-16, 30:40] = 60
    return picture


@pytest.mark.parametrize("seed", [2, 5])
def test_strips_give_the_map_of_the_whole_picture(strip_px, seed):
    picture = inked(PhantomSlide(seed, 4096, 5000, 0.5), 4)
    slide = ArraySlide(picture, mpp_yx=(8.0, 8.0))
    found = find_tissue(slide)
    sizes = _sizes(slide, 1.0, picture.shape[:2])
    np.testing.assert_array_equal(found.labels, plain_labels(picture, sizes))
    assert {GLASS, PEN, TISSUE} == set(np.unique(found.labels))


def test_memory_is_some_bytes_a_pixel_of_the_map(monkeypatch, rng):
    monkeypatch.setattr(signs, "_STRIP_PX", 1 << 16)
    picture = rng.integers(150, 245, (250, 250, 3), dtype=np.uint8)
    picture = picture.repeat(8, 0).repeat(8, 1)
    slide = ArraySlide(picture, mpp_yx=(8.0, 8.0))
    find_tissue(ArraySlide(picture[:64, :64], mpp_yx=(8.0, 8.0)))  # what it imports
    tracemalloc.start()
    find_tissue(slide)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak / picture[..., 0].size < 14
