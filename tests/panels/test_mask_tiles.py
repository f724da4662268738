"""Tiles of a mask show what was drawn, before the store has it as after."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.annotate import (
    FloodFill,
    Found,
    MaskStore,
    Polygon,
    Stroke,
    Take,
)
from napari_histossl.errors import GeometryError
from napari_histossl.geometry import Box
from napari_histossl.panels.mask_tiles import MaskTiles
from napari_histossl.panels.sketches import sketch_of

SHAPE = (1100, 1300)
WHOLE = Box(0, 0, *SHAPE)


class Proposal:
    """Stripes of three classes, and nothing between them."""

    def read(self, box):
        columns = np.arange(box.x, box.x1) // 40 % 4
        return np.repeat(columns[None].astype(np.uint8), box.height, axis=0)


def found(level):
    rng = np.random.default_rng(level)
    box = Box(17, 30, 90, 70)
    return Found(rng.random(box.shape) < 0.5, box, level, 3)


DRAWN = {
    "stroke": Stroke([(-5, 250), (300, 260), (600, 900)], 40.3, 2),
    "dot": Stroke([(256.4, 256.4)], 1, 3),
    "sparing": Stroke([(500, 100), (500, 1299)], 90, 3, spared=(0, 1)),
    "eraser": Stroke([(500, 100), (500, 1200)], 30, 0, tool="eraser"),
    "polygon": Polygon(([(10, 10), (1000, 50), (700, 1290)], [(300, 300)] * 3), 4),
    "found": found(0),
    "found at low power": found(2),
    "take": Take([(200, 100), (400, 1200)], 60, Proposal()),
    "take away": Take([(200, 100), (400, 1200)], 60, Proposal(), removes=True),
}


@pytest.fixture
def store(tmp_path):
    with MaskStore.create(tmp_path / "m.ome.zarr", SHAPE, 0.5) as made:
        made.paint(Stroke([(450, 0), (450, 1300)], 120, 1))
        made.paint(Polygon([(100, 700), (900, 800), (800, 1250)], 2))
        yield made


@pytest.fixture
def tiles(store):
    return MaskTiles(store)


def picture(tiles, level):
    """Return a whole level, put together from tiles."""
    grid = tiles.grid(level)
    rows, columns = grid.shape_ij
    whole = np.block(
        [
            [tiles.read_tile(level, ty, tx) for tx in range(columns)]
            for ty in range(rows)
        ]
    )
    height, width = tiles.levels[level].shape
    return whole[:height, :width]


@pytest.mark.parametrize("name", DRAWN)
def test_a_sketch_is_what_the_store_will_hold(store, tiles, name):
    before = picture(tiles, 0)
    np.testing.assert_array_equal(before, store.read(WHOLE))
    sketch = sketch_of(DRAWN[name])
    tiles.add(sketch)
    sketched = [picture(tiles, level) for level in range(len(tiles.levels))]
    store.paint(DRAWN[name])
    np.testing.assert_array_equal(picture(tiles, 0), sketched[0])  # drawn twice
    tiles.drop(sketch)
    np.testing.assert_array_equal(picture(tiles, 0), sketched[0])
    assert (sketched[0] != before).any()
    for _progress in store.settle():
        pass
    for level, then in enumerate(sketched):  # edges follow the rule of the classes
        assert (picture(tiles, level) != then).mean() < 0.02


def test_a_pixel_is_asked_for_by_itself(store, tiles):
    tiles.add(sketch_of(DRAWN["stroke"]))
    assert tiles.value_at(300, 260) == 2
    assert tiles.value_at(450, 50) == 1
    assert tiles.value_at(1050, 50) == 0


def test_what_a_fill_does_is_not_known_before(tiles):
    assert sketch_of(FloodFill((5, 5), 1, WHOLE)) is None


def test_tiles_that_a_box_touches(store, tiles):
    keys = [
        (tiles, level, ty, tx)
        for level in range(len(tiles.levels))
        for ty, tx in tiles.grid(level).covering(tiles.levels[level].box)
    ]
    box = Box(250, 500, 30, 10)  # over the edge of a row of tiles
    touching = tiles.touching(box, keys)
    assert {key[1:] for key in touching if key[1] == 0} == {
        (0, 0, 1),
        (0, 1, 1),
    }
    assert {key[1:] for key in touching if key[1] == 1} == {(1, 0, 0), (1, 0, 1)}
    before = {key: tiles.read_tile(*key[1:]) for key in keys}
    store.paint(Stroke([(260, 502), (270, 505)], 5, 4))
    for key in keys:
        if (before[key] != tiles.read_tile(*key[1:])).any():
            assert key in touching


def test_fresh_tiles_are_true_until_something_is_drawn(tiles):
    fresh = tiles.read_fresh(Box(0, 0, 10, 10), [(tiles, 0, 0, 0), (tiles, 0, 3, 3)])
    assert list(fresh.tiles) == [(tiles, 0, 0, 0)]
    assert tiles.is_true(fresh)
    tiles.add(sketch_of(DRAWN["dot"]))
    assert not tiles.is_true(fresh)


def test_tiles_of_one_class_are_one_tile(tmp_path):
    with MaskStore.create(tmp_path / "g.ome.zarr", (100_000, 100_000), 0.5) as giant:
        tiles = MaskTiles(giant)
        assert tiles.read_tile(0, 3, 4) is tiles.read_tile(2, 50, 60)
        assert not tiles.read_tile(0, 3, 4).any()


def test_arrays_are_those_of_the_store_and_are_guarded(store, tiles, tmp_path):
    arrays = tiles.arrays()
    assert [array.shape for array in arrays] == [x.shape for x in tiles.levels]
    held = store.read(WHOLE)
    np.testing.assert_array_equal(np.asarray(arrays[0]), held)
    np.testing.assert_array_equal(
        np.asarray(arrays[0][3:900:7, 450]), held[3:900:7, 450]
    )
    assert int(arrays[0][450, 900]) == held[450, 900]
    with MaskStore.create(tmp_path / "g.ome.zarr", (100_000, 100_000), 0.5) as giant:
        level = MaskTiles(giant).arrays()[0]
        assert not level[70_000:70_010, :10].any()
        with pytest.raises(GeometryError, match="read a part of it"):
            level.compute()


def test_a_mask_of_one_level_has_a_coarser_one_for_napari(tmp_path):
    with MaskStore.create(tmp_path / "small.ome.zarr", (401, 500), 0.5) as small:
        small.paint(Stroke([(200, 200)], 100, 1))
        tiles = MaskTiles(small)
        assert [level.shape for level in tiles.levels] == [(401, 500), (201, 250)]
        arrays = tiles.arrays()
        assert arrays[1].shape == (201, 250)
        assert picture(tiles, 1)[100, 100] == 1
        np.testing.assert_array_equal(picture(tiles, 1), np.asarray(arrays[1]))
