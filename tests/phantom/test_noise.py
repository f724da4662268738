"""Hashes are uniform, fields have the strength that coarse levels count on."""

import numpy as np
import pytest

from napari_histossl.phantom.hashing import Dice, draw, lattice, stream, uniform
from napari_histossl.phantom.noise import (
    FLOWING_DEVIATION,
    SMOOTH_DEVIATION,
    flowing,
    smooth,
    smooth_at,
)


def test_hashes_are_uniform_and_independent():
    points = np.arange(-300, 300)
    hashes = lattice(stream(7, "test"), points[:, None], points)
    values = uniform(hashes)
    assert values.min() >= 0
    assert values.max() < 1
    counts = np.histogram(values, 32, (0, 1))[0]
    # Chi-squared with 31 degrees of freedom; 61 is passed once in a thousand times.
    assert np.sum((counts - counts.mean()) ** 2) / counts.mean() < 61
    for other in (draw(hashes, 0), draw(hashes, 1), np.roll(values, 1, axis=1)):
        assert abs(np.corrcoef(values.ravel(), other.ravel())[0, 1]) < 0.01


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1, 2**32, 2**40 + 5])
def test_every_name_and_seed_has_its_own_stream(seed):
    names = [stream(seed, name) for name in ("a", "b", "tissue", "tissue.0")]
    assert len(set(names)) == 4
    assert stream(seed, "a") != stream(seed + 1, "a")


def test_dice_stay_between_their_bounds():
    values = [Dice(seed).between("x", (-2.0, 3.0)) for seed in range(400)]
    assert min(values) == pytest.approx(-1.99, abs=0.05)
    assert max(values) == pytest.approx(2.99, abs=0.05)


def test_smooth_noise_has_the_strength_it_states():
    along = np.arange(0, 6000.0)
    field = smooth(stream(1, "a"), 9.7, along, along[:2000])
    assert field.dtype == np.float32
    assert field.std() == pytest.approx(SMOOTH_DEVIATION, rel=0.02)
    assert field.mean() == pytest.approx(0, abs=0.02)


def test_flowing_noise_has_the_strength_it_states():
    u, v = np.mgrid[0:3000, 0:1000].astype(np.float32)
    field = flowing(stream(1, "a"), 14.3, 6.1, u, v)
    assert field.std() == pytest.approx(FLOWING_DEVIATION, rel=0.02)
    assert np.abs(field).max() <= 1


def test_the_field_at_scattered_points_is_the_field_on_the_grid():
    y, x = np.linspace(-50, 90, 40), np.linspace(1000, 1100, 30)
    grid = smooth(stream(3, "b"), 20.0, y, x)
    rows, columns = np.meshgrid(y, x, indexing="ij")
    points = smooth_at(stream(3, "b"), 20.0, rows.ravel(), columns.ravel())
    np.testing.assert_allclose(points.reshape(grid.shape), grid, atol=1e-5)
