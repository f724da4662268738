"""Patches through JPEG: some of them, the pictures alone, the same again."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture
def batch(drawn_patches):
    """Eight patches with their masks as a fourth channel."""
    patches = drawn_patches(8)
    return np.stack(
        [np.dstack([patches.image(n), patches.mask(n)]) for n in range(8)]
    ).astype(np.uint8)


def _compressed(batch, chance, seed=0):
    from napari_histossl.training.compression import compressed

    return compressed(batch, chance, torch.Generator().manual_seed(seed))


def test_pictures_change_a_little_and_masks_stay(batch):
    found = _compressed(batch, 1.0)
    np.testing.assert_array_equal(found[..., 3], batch[..., 3])
    apart = np.abs(found[..., :3].astype(int) - batch[..., :3]).mean((1, 2, 3))
    assert (apart > 1).all()
    assert (apart < 20).all()


def test_the_generator_decides_which_and_how(batch):
    found = _compressed(batch, 0.5)
    np.testing.assert_array_equal(found, _compressed(batch, 0.5))
    changed = (found != batch).any((1, 2, 3))
    assert 0 < changed.sum() < 8
    assert (changed != (_compressed(batch, 0.5, seed=1) != batch).any((1, 2, 3))).any()


def test_no_chance_takes_no_numbers(batch):
    from napari_histossl.training.compression import compressed

    generator = torch.Generator().manual_seed(0)
    assert compressed(batch, 0.0, generator) is batch
    assert torch.rand(1, generator=generator) == torch.rand(
        1, generator=torch.Generator().manual_seed(0)
    )
