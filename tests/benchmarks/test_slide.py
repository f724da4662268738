"""One tile read from each kind of slide, and the graph of a huge one."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.geometry import Box, Level
from napari_histossl.slide import (
    ArraySlide,
    Slide,
    find_tissue,
    lazy_pyramid,
    open_slide,
    read_virtual,
)
from napari_histossl.store import Pyramid, write_tiff

TILE = Box(512, 768, 256, 256)


@pytest.fixture(params=["openslide", "tiff"])
def tiled_slide(request, tmp_path):
    """A slide of JPEG tiles, through OpenSlide and through tifffile."""
    random = np.random.default_rng(0)
    coarse = random.integers(60, 240, (128, 128, 3), dtype=np.uint8)
    picture = coarse.repeat(16, 0).repeat(16, 1)
    path = tmp_path / "a.svs"
    list(write_tiff(ArraySlide(picture, mpp_yx=(0.5, 0.5)), path))
    slide = open_slide(path)
    if request.param == "tiff":
        import tifffile

        path = tmp_path / "a.tif"
        options = {"tile": (256, 256), "photometric": "rgb", "compression": "jpeg"}
        tifffile.imwrite(path, picture, **options)
        slide = open_slide(path)
    with slide:
        yield slide


def test_read_a_tile(benchmark, tiled_slide):
    picture = benchmark(tiled_slide.read, TILE, 0)
    assert picture.shape == (256, 256, 3)


def test_read_a_tile_of_a_virtual_level(benchmark, tiled_slide):
    picture = benchmark(read_virtual, tiled_slide, Box(0, 0, 256, 256), 2)
    assert picture.shape == (256, 256, 3)


class HugeSlide(Slide):
    """100,000 x 100,000 white pixels, without a file."""

    levels = (Level((100_000, 100_000), 1.0), Level((6250, 6250), 16.0))
    mpp_yx = (0.25, 0.25)
    source = ArraySlide(np.zeros((1, 1, 3), np.uint8)).source

    def _read_inside(self, box: Box, level: int) -> np.ndarray:
        return np.full((*box.shape, 3), 240, np.uint8)

    def close(self) -> None: ...


def test_lazy_pyramid_of_a_huge_slide(benchmark):
    arrays = benchmark(lazy_pyramid, HugeSlide())
    assert len(arrays) == 9


def test_find_tissue_on_a_huge_slide(benchmark):
    found = benchmark.pedantic(find_tissue, (HugeSlide(),), rounds=1)
    assert found.share == 0


def test_write_a_stroke_into_a_huge_mask(benchmark, tmp_path):
    """One brush box of 64 px with all coarser levels."""
    data = np.ones((64, 64), np.uint8)
    box = Box(50_000, 70_000, 64, 64)
    with Pyramid.create(
        tmp_path / "mask.ome.zarr",
        shape=(100_000, 100_000),
        dtype=np.uint8,
        is_label=True,
        classes=DEFAULT_CLASSES,
        reducer="priority",
    ) as pyramid:

        def stroke() -> None:
            pyramid.write(box, data)
            pyramid.refresh(box)

        benchmark(stroke)
        assert pyramid.read(Box(195, 273, 1, 1), 8) == 1
