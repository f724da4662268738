"""Which level is read, and pixels at a scale that no level has."""

import numpy as np
import pytest
import tifffile

from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box, Level
from napari_histossl.overlays.grid import StepGrid
from napari_histossl.overlays.reading import TileReader
from napari_histossl.overlays.scale import reading_scale, shape_at
from napari_histossl.slide import ArraySlide, open_slide

LEVELS = tuple(Level((4000 // 2**k, 6000 // 2**k), 2.0**k) for k in range(4))


@pytest.mark.parametrize(
    ("mpp", "wanted", "level", "downsample"),
    [
        (0.25, 0.5, 1, 2.0),
        (0.2381, 0.5, 1, 2.0),  # 4.97 % too fine
        (0.2370, 0.5, 1, 0.5 / 0.2370),  # 5.2 %: averaged
        (0.2625, 0.5, 1, 2.0),
        (0.2635, 0.5, 0, 0.5 / 0.2635),
        (0.499, 0.5, 0, 1.0),
        (0.6, 0.5, 0, 1.0),  # never enlarged
        (0.25, 40.0, 3, 160.0),
        (0.25, None, 0, 1.0),
    ],
)
def test_the_rule(mpp, wanted, level, downsample):
    found = reading_scale(LEVELS, (mpp, mpp), wanted)
    assert found.level == level
    assert found.downsample == pytest.approx(downsample)
    assert found.is_resampled == (downsample not in (1.0, 2.0))


def test_pixels_that_are_not_square_count_by_their_mean():
    assert reading_scale(LEVELS, (0.2, 0.3125), 0.5).downsample == 2.0


def _slow_mean(picture, ratio, row, column):
    """Mean of the square of a pixel, border pixels by their share."""
    weights = []
    for start, length in ((row, picture.shape[0]), (column, picture.shape[1])):
        low, high = start * ratio, min((start + 1) * ratio, length)
        cells = np.arange(length)
        weights.append(
            np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0, 1)
        )
    area = np.outer(*weights)
    return (picture * area[..., None]).sum((0, 1)) / area.sum()


@pytest.mark.parametrize("ratio", [1.3, 2.196, 2.5])
def test_an_area_filter_to_the_exact_scale(ratio, picture):
    slide = ArraySlide(picture, mpp_yx=(0.5, 0.5))
    rows, columns = shape_at(picture.shape[:2], ratio)
    with TileReader(slide.source) as reader:
        got = reader.read_scaled(Box(0, 0, rows, columns), ratio)
        part = reader.read_scaled(Box(7, 11, 20, 30), ratio)
        hanging = reader.read_scaled(Box(rows - 5, columns - 4, 10, 10), ratio)
    for row, column in [(0, 0), (3, 7), (20, 31), (rows - 1, columns - 1)]:
        expected = _slow_mean(picture, ratio, row, column)
        # level 1 is averaged and rounded before where the ratio is above 2
        assert np.abs(got[row, column] - expected).max() <= (1 if ratio > 2 else 0.501)
    np.testing.assert_array_equal(part, got[7:27, 11:41])
    np.testing.assert_array_equal(hanging[:5, :4], got[-5:, -4:])
    assert (hanging[5:] == 255).all()


@pytest.mark.parametrize("level", [0, 1])
def test_tiles_of_a_file_give_what_its_reader_gives(tmp_path, level):
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 255, (700, 900, 3), np.uint8)
    path = tmp_path / "noise.tif"
    tifffile.imwrite(path, noise, tile=(256, 256), photometric="rgb")
    from napari_histossl.slide import read_virtual

    with open_slide(path) as slide, TileReader(slide.source) as reader:
        for box in (Box(0, 0, 128, 128), Box(200, 250, 60, 20), Box(330, 400, 90, 90)):
            np.testing.assert_array_equal(
                reader.read_scaled(box, 2.0**level), read_virtual(slide, box, level)
            )


def test_decoded_tiles_that_are_kept_are_bounded(tmp_path):
    picture = np.zeros((4096, 4096, 3), np.uint8)
    slide = ArraySlide(picture, mpp_yx=(0.5, 0.5))
    with TileReader(slide.source) as reader:
        for row in range(0, 4096, 256):
            for column in range(0, 4096, 256):
                reader.read_scaled(Box(row, column, 256, 256), 1.0)
        held = sum(tile.nbytes for tile in reader._kept.values())
        assert 0 < held <= 24 << 20


@pytest.mark.parametrize(("shape", "tile", "step"), [
    ((100, 130), 32, 32), ((100, 130), 32, 16), ((97, 33), 32, 8), ((20, 500), 32, 12),
])  # fmt: skip
def test_steps_cover_everything_and_covering_finds_all(shape, tile, step):
    grid = StepGrid(shape, tile, step)
    rows, columns = grid.shape_ij
    counts = np.zeros((rows * step + tile, columns * step + tile), int)
    for row, column in np.ndindex(rows, columns):
        counts[grid.box(row, column).slices] += 1
    assert (counts[: shape[0], : shape[1]] > 0).all()
    assert (rows - 1) * step < shape[0]
    assert rows == 1 or (rows - 2) * step + tile < shape[0]  # none is needless
    for box in (
        Box(0, 0, 1, 1),
        Box(31, 31, 2, 5),
        Box(50, 3, 30, 60),
        Box(-9, -9, 5, 5),
    ):
        expected = {
            (row, column)
            for row, column in np.ndindex(rows, columns)
            if grid.box(row, column).intersection(box)
        }
        assert set(grid.covering(box)) == expected


def test_impossible_steps():
    with pytest.raises(GeometryError, match="step_px 40"):
        StepGrid((10, 10), 32, 40)
