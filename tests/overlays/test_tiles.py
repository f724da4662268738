"""Shares of tissue and the order of tiles."""

import numpy as np
import pytest

from napari_histossl.geometry import Box, TileGrid
from napari_histossl.overlays import order_tiles, tissue_fractions


@pytest.mark.parametrize("downsample", [1.0, 4.0, 7.3])
@pytest.mark.parametrize("level_downsample", [1.0, 2.0])
def test_fractions_equal_counting(downsample, level_downsample):
    """Counted on a mask spread out to level-0 pixels, where one can count."""
    rng = np.random.default_rng(2)
    tissue = rng.random((31, 34)) < 0.5
    height, width = int(30.6 * downsample), int(33.2 * downsample)
    shape = tuple(int(np.ceil(n / level_downsample)) for n in (height, width))
    fine = 10  # points per level-0 pixel
    rows = ((np.arange(height * fine) + 0.5) / fine / downsample).astype(int)
    columns = ((np.arange(width * fine) + 0.5) / fine / downsample).astype(int)
    spread = tissue[np.ix_(rows, columns)]
    grid = TileGrid(shape, 6)
    got = tissue_fractions(tissue, downsample, grid, level_downsample)
    edge = int(6 * level_downsample * fine)
    for row, column in np.ndindex(grid.shape_ij):
        tile = spread[
            row * edge : (row + 1) * edge, column * edge : (column + 1) * edge
        ]
        at_the_edge = row + 1 == grid.shape_ij[0] or column + 1 == grid.shape_ij[1]
        exact = 0.15 if at_the_edge else 0.02  # the level is rounded up there
        assert got[row, column] == pytest.approx(tile.mean(), abs=exact)


def test_all_or_nothing():
    grid = TileGrid((100, 130), 32)
    full = tissue_fractions(np.ones((10, 13), bool), 10.0, grid, 1.0)
    np.testing.assert_allclose(full, 1.0)
    assert full.shape == (4, 5)
    assert not tissue_fractions(np.zeros((10, 13), bool), 10.0, grid, 1.0).any()


def test_in_view_first_from_the_middle():
    grid = TileGrid((320, 320), 32)
    wanted = np.ones((10, 10), bool)
    wanted[4, 4] = False
    view = Box(100, 100, 96, 96)  # tiles 3 to 6, its middle in tile 4, 4
    order = order_tiles(wanted, grid, view)
    assert len(order) == len(set(order)) == 99
    assert (4, 4) not in order
    assert {max(abs(i - 4), abs(j - 4)) for i, j in order[:8]} == {1}
    assert all(3 <= i <= 6 and 3 <= j <= 6 for i, j in order[:15])
    assert order_tiles(wanted, grid)[:3] == ((0, 0), (0, 1), (0, 2))


def test_blocks_keep_chunks_together():
    order = order_tiles(np.ones((16, 16), bool), TileGrid((512, 512), 32))
    for start in range(0, 256, 64):
        part = np.array(order[start : start + 64])
        assert (np.ptp(part, axis=0) == 7).all()
