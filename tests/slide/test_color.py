"""Colour profiles: found, applied to what is shown, never to what is computed on."""

from __future__ import annotations

import io
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from napari_histossl.errors import SlideReadError
from napari_histossl.geometry import Box
from napari_histossl.slide import ArraySlide, open_slide
from napari_histossl.slide.color import (
    ColourManagedSlide,
    ColourTransform,
    colour_managed,
    colour_transform,
)
from napari_histossl.slide.tiles import open_tiles

sys.path.insert(0, str(Path(__file__).parent))
from icc_for_tests import WIDE, write_profile


@pytest.fixture
def profile() -> bytes:
    return write_profile()


@pytest.fixture
def scanned(tmp_path, profile, tissue_picture):
    """A tiled TIFF of two levels with a profile that is not sRGB."""
    path = tmp_path / "scanned.tif"
    options = {"tile": (128, 128), "photometric": "rgb", "compression": "deflate"}
    half = np.ascontiguousarray(tissue_picture[::2, ::2])
    with tifffile.TiffWriter(path) as writer:
        for level in (tissue_picture, half):
            writer.write(level, iccprofile=profile, metadata=None, **options)
    return path


def by_littlecms(profile: bytes, picture: np.ndarray) -> np.ndarray:
    """What Pillow makes of a whole picture, in one call."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    shown = ImageCms.profileToProfile(
        Image.fromarray(picture), source, ImageCms.createProfile("sRGB")
    )
    return np.asarray(shown)


def by_hand(picture: np.ndarray) -> np.ndarray:
    """The same by the formula of the standard: gamma, matrix, matrix, gamma."""
    xyz = (picture / 255.0) ** 2.2 @ np.transpose(WIDE)
    to_srgb = np.linalg.inv(
        [
            [0.43607, 0.38515, 0.14307],
            [0.22249, 0.71687, 0.06061],
            [0.01392, 0.09708, 0.71410],
        ]
    )
    linear = (xyz @ to_srgb.T).clip(0, 1)
    return 255 * np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055
    )


def test_the_profile_is_applied_as_the_standard_says(profile, tissue_picture):
    shown = ColourTransform(profile)(tissue_picture)
    assert shown.dtype == np.uint8
    assert shown.flags.c_contiguous
    assert np.abs(shown.astype(int) - tissue_picture).max() > 8, "nothing was changed"
    assert np.abs(shown - by_hand(tissue_picture)).max() <= 2
    np.testing.assert_array_equal(shown, by_littlecms(profile, tissue_picture))


def test_white_stays_white_and_black_black(profile):
    ends = np.array([[[255, 255, 255], [0, 0, 0]]], np.uint8)
    assert np.abs(ColourTransform(profile)(ends).astype(int) - ends).max() <= 1


def test_a_profile_that_is_srgb_changes_nothing(array_slide):
    array_slide.icc_profile = ImageCms.ImageCmsProfile(
        ImageCms.createProfile("sRGB")
    ).tobytes()
    assert colour_transform(array_slide).is_srgb
    assert colour_managed(array_slide) is array_slide


def test_a_slide_without_a_profile_is_left_alone(array_slide):
    assert array_slide.icc_profile is None
    assert colour_transform(array_slide) is None
    assert colour_managed(array_slide) is array_slide


@pytest.mark.parametrize("kind", ["text", "cut", "grey"])
def test_a_profile_that_cannot_be_used_is_told_and_not_used(array_slide, profile, kind):
    array_slide.icc_profile = {
        "text": b"not a profile",
        "cut": profile[:200],
        "grey": write_profile(space=b"CMYK"),
    }[kind]
    with pytest.raises(SlideReadError, match="colours are shown as scanned"):
        colour_transform(array_slide)
    assert colour_managed(array_slide) is array_slide


def test_tiff_and_png_tell_their_profile(scanned, tmp_path, profile, tissue_picture):
    png = tmp_path / "picture.png"
    Image.fromarray(tissue_picture).save(png, icc_profile=profile)
    for path in (scanned, png):
        with open_slide(path) as slide:
            assert slide.icc_profile == profile
            assert colour_transform(slide).name == "Drawn scanner"


def test_only_what_is_shown_is_converted(scanned, profile, tissue_picture):
    with open_slide(scanned) as slide:
        managed = colour_managed(slide)
        box = Box(200, 300, 90, 110)
        raw = tissue_picture[box.slices]
        assert isinstance(managed, ColourManagedSlide)
        assert (managed.levels, managed.mpp_yx) == (slide.levels, slide.mpp_yx)
        np.testing.assert_array_equal(managed.read(box, 0), by_littlecms(profile, raw))
        np.testing.assert_array_equal(slide.read(box, 0), raw)
        with managed.source.open() as opened:
            np.testing.assert_array_equal(opened.read(box, 0), raw)
        assert managed.read(Box(-5, -5, 3, 3), 0).min() == 255


def test_tiles_are_those_of_the_file_converted(scanned, profile):
    with open_slide(scanned) as slide:
        managed = colour_managed(slide)
        with open_tiles(slide) as raw, open_tiles(managed) as tiles:
            assert (tiles.levels, tiles.tile_size) == (raw.levels, raw.tile_size)
            for where in ((0, 2, 3), (1, 1, 1)):
                np.testing.assert_array_equal(
                    tiles.read_tile(*where),
                    by_littlecms(profile, raw.read_tile(*where)),
                )


def test_it_travels_to_another_process(scanned):
    with open_slide(scanned) as slide:
        managed = colour_managed(slide)
        box = Box(300, 400, 20, 20)
        with pickle.loads(pickle.dumps(managed)) as copy:
            np.testing.assert_array_equal(copy.read(box, 0), managed.read(box, 0))


def test_many_threads_share_one_transform(profile, rng):
    transform = ColourTransform(profile)
    pictures = [rng.integers(0, 256, (64, 96, 3), np.uint8) for _ in range(40)]
    with ThreadPoolExecutor(4) as pool:
        shown = list(pool.map(transform, pictures))
    for picture, result in zip(pictures, shown, strict=True):
        np.testing.assert_array_equal(result, by_littlecms(profile, picture))


def test_a_real_slide_tells_its_profile_and_its_further_pictures(real_data):
    with open_slide(real_data("slides/TCGA-CR-7395-01A-01-TS1.svs")) as slide:
        assert colour_transform(slide).is_srgb
    with open_slide(real_data("slides/CMU-1-Small-Region.svs")) as slide:
        assert colour_transform(slide) is None
        assert slide.associated == ("label", "macro", "thumbnail")
        label = slide.read_associated("label")
        assert label.shape == (463, 387, 3)
        assert label.std() > 5
        with pytest.raises(SlideReadError, match="label, macro, thumbnail"):
            slide.read_associated("barcode")


def test_a_picture_has_no_further_pictures():
    slide = ArraySlide(np.zeros((4, 4, 3), np.uint8), mpp_yx=None, name="drawn")
    with pytest.raises(SlideReadError, match="it has: none"):
        slide.read_associated("label")
