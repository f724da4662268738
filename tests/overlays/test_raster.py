"""Values of tiles to pyramids over many chunks, against a plain array."""

from itertools import pairwise

import numpy as np
import pytest

from napari_histossl.geometry import Box, TileGrid
from napari_histossl.overlays.blend import blend_into, ramp
from napari_histossl.overlays.dirty import CHUNK_PX, dirty_boxes
from napari_histossl.overlays.grid import StepGrid
from napari_histossl.overlays.raster import attention_sink
from napari_histossl.slide import ArraySlide
from napari_histossl.store import Pyramid


@pytest.mark.parametrize("step", [48, 20])
def test_what_tiles_change(step):
    grid = StepGrid((600, 700), 48, step)
    rng = np.random.default_rng(1)
    tiles = [
        (int(i), int(j)) for i, j in rng.integers(0, np.array(grid.shape_ij), (40, 2))
    ]
    wanted, got = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    for tile in tiles:
        wanted[grid.box(*tile).slices] = True
    for box in dirty_boxes(tiles, grid):
        assert not got[box.slices].any()
        got[box.slices] = True
        assert len(list(TileGrid(grid.shape, CHUNK_PX).covering(box))) == 1
        assert got[box.slices].shape == box.shape
    assert (got | ~wanted).all()


@pytest.fixture
def large(make_plan):
    """A plan of 330 x 275 tokens, which lie in four chunks; nothing is computed."""
    slide = ArraySlide(np.zeros((2640, 2200, 3), np.uint8), mpp_yx=(0.5, 0.5))

    def plan(**options):
        return slide.source, make_plan(slide=slide, **options)

    return plan


@pytest.mark.parametrize("overlap", [0.0, 0.25])
def test_a_sink_over_many_chunks_and_many_openings(large, overlap):
    source, plan = large(overlap=overlap)
    rng = np.random.default_rng(2)
    tiles = [plan.tiles_ij[k] for k in rng.permutation(len(plan.tiles_ij))[:3000]]
    values = rng.exponential(1, (len(tiles), 3, 4, 4)).astype(np.float16)
    cuts = [0, 5, 700, 701, 1500, 2400, 3000]
    for number, (start, stop) in enumerate(pairwise(cuts)):
        sink = attention_sink(source, plan)
        assert sink.done() == set(tiles[:start])
        sink.open()
        sink.add(tiles[start:stop], (values[start:stop],))
        if number % 2:  # else nothing is made visible before it is closed
            list(sink.flush())
        sink.close()
    sink = attention_sink(source, plan)
    sink.open()
    boxes = list(sink.flush())
    assert (not boxes) == (len(cuts) % 2 == 1)
    assert list(sink.flush()) == []
    sink.close()
    height, width = plan.shape[1:]
    whole = Box(0, 0, height, width)
    expected = np.full((3, height, width), np.nan)
    parts = sorted(zip(tiles, values, strict=True), key=lambda part: part[0])
    blend_into(
        expected,
        whole,
        ((plan.token_box(*tile), value) for tile, value in parts),
        ramp(4, round(4 * overlap)),
    )
    with Pyramid.open(plan.out) as pyramid:
        np.testing.assert_array_equal(pyramid.read(whole), expected.astype(np.float16))
        assert len(pyramid.levels) == 1
        assert len(pyramid.done_keys()) == 3000


def test_neighbours_are_joined_and_nothing_is_left_out():
    from napari_histossl.overlays.dirty import CHUNK_PX, joined

    near = [Box(0, 0, 256, 256), Box(256, 512, 256, 100), Box(300, 20, 7, 9)]
    far = [Box(4 * CHUNK_PX, 0, 10, 10), Box(0, 9 * CHUNK_PX, 256, 256)]
    found = joined([*near, *far])
    assert found == [Box(0, 0, 512, 612), far[1], far[0]]
