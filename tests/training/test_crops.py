"""Random views: where they lie and what is done to them."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.training import DinoRecipe, shift_stain

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PLAIN = DinoRecipe(stain_deviation=0.0, offset_deviation=0.0, grey=0.0, blur=0.0)


def _crops(images, px, area, recipe, seed=0):
    from napari_histossl.training.crops import random_crops

    return random_crops(images, px, area, recipe, torch.Generator().manual_seed(seed))


def test_a_generator_decides_everything():
    images = torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    first, again, other = (
        _crops(images, 16, (0.2, 0.5), DinoRecipe(), seed) for seed in (4, 4, 5)
    )
    assert first.shape == (3, 3, 16, 16)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert first.min() >= 0
    assert first.max() <= 1


def test_views_stay_inside_the_picture():
    """A ramp tells from which row and column each pixel of a view came."""
    ramp = torch.linspace(0.1, 0.9, 64)
    image = torch.stack([ramp[:, None].expand(64, 64), ramp.expand(64, 64)])
    image = torch.cat([image, image[:1]]).expand(50, 3, 64, 64)
    views = _crops(image, 32, (0.08, 0.3), PLAIN)
    extent = views.amax((2, 3)) - views.amin((2, 3))  # of the rows and of the columns
    area = (extent[:, 0] * extent[:, 1] / 0.8**2).numpy()
    assert views.min() >= 0.1 - 1e-6
    assert views.max() <= 0.9 + 1e-6
    assert 0.06 < area.min() < 0.12
    assert 0.22 < area.max() < 0.32


def test_views_are_flipped_and_turned():
    """All eight orientations of a square occur."""
    corner = torch.full((200, 3, 8, 8), 0.5)
    corner[:, :, :4, :4], corner[:, :, :4, 4:] = 0.9, 0.2
    views = _crops(corner, 8, (1.0, 1.0), PLAIN)
    seen = {
        tuple((v[0, ::7, ::7] * 10).round().int().flatten().tolist()) for v in views
    }
    assert len(seen) == 8


def test_stain_varies_by_optical_density():
    """White stays nearly white; the gain of a colour is as strong as asked."""
    white = _crops(
        torch.ones(400, 3, 8, 8), 8, (1, 1), replace(PLAIN, stain_deviation=0.1)
    )
    assert white.min() > 0.999
    dark = _crops(
        torch.full((400, 3, 8, 8), 0.3), 8, (1, 1), replace(PLAIN, stain_deviation=0.1)
    )
    gains = (dark.mean((2, 3)).log() / np.log(0.3)).numpy()
    assert abs(gains.mean() - 1) < 0.02
    assert abs(gains.std() - 0.1 * np.sqrt(2)) < 0.02


def test_some_views_are_grey():
    red = torch.zeros(300, 3, 4, 4)
    red[:, 0] = 0.8
    views = _crops(red, 4, (1, 1), replace(PLAIN, grey=0.3))
    grey = (views[:, 0] == views[:, 1]).all((1, 2)).float().mean()
    assert 0.2 < grey < 0.4


def test_shifted_stain_is_strong_and_keeps_the_tissue():
    rng = np.random.default_rng(0)
    images = rng.integers(40, 240, (30, 12, 12, 3), dtype=np.uint8)
    shifted = shift_stain(images, np.random.default_rng(3))
    again = shift_stain(images, np.random.default_rng(3))
    np.testing.assert_array_equal(shifted, again)
    change = shifted.astype(float).mean((1, 2)) - images.astype(float).mean((1, 2))
    assert change.std() > 10
    for image, moved in zip(images, shifted, strict=True):
        for channel in range(3):
            order = np.argsort(image[..., channel].ravel(), kind="stable")
            assert (np.diff(moved[..., channel].ravel()[order].astype(int)) >= 0).all()
