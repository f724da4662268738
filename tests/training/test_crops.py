"""Random views: where they lie and what is done to them."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.training import Variation, shift_stain
from napari_histossl.training.variation import SIMCLR_VIEW, STAIN

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PLAIN = Variation()


def _crops(images, px, area, variation, seed=0):
    from napari_histossl.training.crops import random_crops

    return random_crops(
        images, px, area, variation, torch.Generator().manual_seed(seed)
    )


@pytest.mark.parametrize("variation", [STAIN, SIMCLR_VIEW], ids=["stain", "simclr"])
def test_a_generator_decides_everything(variation):
    images = torch.rand(3, 3, 40, 40, generator=torch.Generator().manual_seed(1))
    first, again, other = (
        _crops(images, 16, (0.2, 0.5), variation, seed) for seed in (4, 4, 5)
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


def test_published_views_are_mirrored_only():
    corner = torch.full((100, 3, 8, 8), 0.5)
    corner[:, :, :4, :4], corner[:, :, :4, 4:] = 0.9, 0.2
    views = _crops(corner, 8, (1.0, 1.0), replace(PLAIN, turns=False))
    tops = {tuple((v[0, 0, ::7] * 10).round().int().tolist()) for v in views}
    assert tops == {(9, 2), (2, 9)}


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


def test_hue_turns_and_comes_back():
    from napari_histossl.training.colour import turn_hue

    colour = torch.tensor([0.6, 0.4, 0.5]).view(1, 3, 1, 1).expand(3, 3, 2, 2)
    turned = turn_hue(colour, torch.tensor([0.0, 0.25, 1.0]))
    for place in (0, 2):
        torch.testing.assert_close(turned[place], colour[place], atol=1e-5, rtol=0)
    assert (turned[1] - colour[1]).abs().max() > 0.1
    luma = torch.tensor([0.299, 0.587, 0.114]).view(1, 3, 1, 1)
    torch.testing.assert_close(
        (turned * luma).sum(1), (colour * luma).sum(1), atol=1e-3, rtol=0
    )


def test_each_view_is_blurred_by_its_own_deviation():
    from napari_histossl.training.colour import gaussian_blur

    point = torch.zeros(2, 3, 21, 21)
    point[:, :, 10, 10] = 1
    deviations = torch.tensor([0.8, 1.6])
    blurred = gaussian_blur(point, deviations)
    places = torch.arange(21) - 10.0
    spread = (blurred[:, 0].sum(1) * places**2).sum(1)
    torch.testing.assert_close(blurred.sum((2, 3)), torch.ones(2, 3))
    assert spread[0] == pytest.approx(0.8**2, rel=0.02)
    assert 0.85 * 1.6**2 < spread[1] < 1.6**2  # cut off at two deviations


def test_jitter_reaches_as_far_as_asked():
    grey = torch.full((300, 3, 8, 8), 0.5)
    bright = _crops(grey, 8, (1, 1), replace(PLAIN, jitter=1.0, brightness=0.4))
    values = bright.mean((1, 2, 3))
    assert 0.29 < values.min() < 0.33
    assert 0.67 < values.max() < 0.71
    some = _crops(grey, 8, (1, 1), replace(PLAIN, jitter=0.5, brightness=0.4))
    kept = ((some.mean((1, 2, 3)) - 0.5).abs() < 1e-4).float().mean()
    assert 0.4 < kept < 0.6


def test_solarised_views_have_no_highlights():
    white = torch.full((50, 3, 4, 4), 0.9)
    views = _crops(white, 4, (1, 1), replace(PLAIN, solarise=1.0))
    torch.testing.assert_close(views, torch.full_like(views, 0.1))
