"""Masks out of activation: against the original's rule written out, and by hand."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import ModelError
from napari_histossl.models import create_model
from napari_histossl.models.cam import grad_cam
from napari_histossl.models.pseudo_masks import (
    find_background,
    pseudo_mask,
    pseudo_masks,
    scaled_maps,
)
from napari_histossl.models.recipe import PSEUDO_LAYERS, RECIPES, recipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PUBLISHED, PAPER = recipe("published"), recipe("paper")


def _maps(*planes):
    return torch.tensor([planes], dtype=torch.float32)


def _original(maps, label, background):
    """One picture as published: scaled together, absent ones at 0, one more plane."""
    low, high = maps.min(), maps.max()
    planes = (maps - low) / (high - low) * label[:, None, None]
    planes = np.concatenate([planes, 1.000001 * background[None]])
    return planes.argmax(0)


def test_masks_equal_the_published_rule():
    rng = np.random.default_rng(0)
    maps = rng.normal(size=(6, 4, 20, 30)).astype(np.float32)
    labels = np.array([[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1], [1, 1, 1, 1],
                       [0, 0, 0, 1], [1, 0, 1, 0]])  # fmt: skip
    background = rng.random((6, 20, 30)) > 0.8
    got = pseudo_mask(
        torch.from_numpy(maps),
        torch.from_numpy(labels),
        PUBLISHED,
        background=torch.from_numpy(background),
    ).numpy()
    assert got.dtype == np.uint8
    expected = np.stack(list(map(_original, maps, labels, background)))
    # where the largest of what is held is the least of all, the original may write
    # what the picture does not hold
    quirk = (got != expected) & (labels[np.arange(6)[:, None, None], expected % 4] == 0)
    assert quirk.sum() <= 6
    np.testing.assert_array_equal(got[~quirk], expected[~quirk])
    assert set(np.unique(got)) == {0, 1, 2, 3, 4}


@pytest.mark.parametrize("cam_relu", [False, True])
@pytest.mark.parametrize("normalise", ["class", "joint"])
def test_masks_are_the_largest_of_the_scaled_maps(cam_relu, normalise):
    rules = replace(PAPER, cam_relu=cam_relu, normalise=normalise)
    maps = torch.randn(9, 3, 12, 8, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([[1, 0, 1], [1, 1, 1], [0, 1, 1]] * 3)
    scaled = scaled_maps(maps, labels, rules)
    scaled[labels == 0] = -1
    expected = scaled.argmax(1).byte()
    assert torch.equal(pseudo_mask(maps, labels, rules), expected)


def test_scaling():
    """Two classes of different strength: together, or each for itself after a ReLU."""
    maps = _maps([[-2.0, 0.0, 2.0]], [[1.0, 6.0, -1.0]], [[9.0, 9.0, 9.0]])
    labels = torch.tensor([[1, 1, 0]])
    together = scaled_maps(maps, labels, PUBLISHED)
    np.testing.assert_allclose(
        together[0, :, 0].numpy(),
        [[0, 0.25, 0.5], [0.375, 1, 0.125], [0, 0, 0]],
    )
    alone = scaled_maps(maps, labels, PAPER)
    np.testing.assert_allclose(
        alone[0, :, 0].numpy(), [[0, 0, 1], [1 / 6, 1, 0], [0, 0, 0]], rtol=1e-6
    )
    assert pseudo_mask(maps, labels, PUBLISHED).tolist() == [[[1, 1, 0]]]
    flat = scaled_maps(torch.ones(1, 2, 2, 2), torch.ones(1, 2), PAPER)
    assert not flat.any()


@pytest.mark.parametrize("name", RECIPES)
def test_ties_go_to_the_first_class_that_is_there(name):
    maps = _maps([[5.0, 5.0]], [[1.0, 2.0]], [[1.0, 2.0]])
    mask = pseudo_mask(maps, torch.tensor([[0, 1, 1]]), recipe(name))
    assert mask.tolist() == [[[1, 1]]]
    # the least value of the only class is 0, as is what an absent one would have
    mask = pseudo_mask(maps, torch.tensor([[0, 0, 1]]), recipe(name))
    assert mask.tolist() == [[[2, 2]]]


def test_nothing_to_write():
    maps, labels = torch.rand(2, 3, 4, 4), torch.tensor([[0, 0, 0], [0, 1, 0]])
    assert (pseudo_mask(maps, labels, PAPER)[0] == 3).all()
    got = pseudo_mask(maps, labels, PAPER, exclude_index=9)
    assert (got[0] == 9).all()
    assert (got[1] == 1).all()
    with pytest.raises(ModelError, match=r"here \(2, 3\); got \(2, 4\)"):
        pseudo_mask(maps, torch.ones(2, 4), PAPER)


def test_background():
    """A patch of 7 x 7 is a gap, one of 5 x 10 is background; corners do not join."""
    image = np.full((40, 40, 3), (180, 90, 160), np.uint8)
    image[2:9, 2:9] = 255
    image[9:16, 9:16] = 255
    image[20:25, 20:30] = (201, 201, 201)
    image[30:40, 30:40] = (200, 200, 200)
    found = find_background(image)
    assert found[20:25, 20:30].all()
    assert found.sum() == 50
    assert find_background(image, least_px=49).sum() == 148
    assert find_background(image, brighter_than=199).sum() == 150
    with pytest.raises(ModelError, match=r"got shape \(4, 4, 3\) of float64"):
        find_background(np.zeros((4, 4, 3)))


def test_grey_is_that_of_the_original():
    """Green counts most; half a step is rounded up."""
    for colour, is_bright in [
        ((0, 255, 0), False),
        ((255, 255, 93), True),
        ((120, 255, 140), True),
        ((119, 255, 133), False),
    ]:
        grey = 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]
        assert is_bright == (grey > 200.5)
        image = np.full((8, 8, 3), colour, np.uint8)
        assert find_background(image).all() == is_bright


@pytest.mark.parametrize("name", RECIPES)
def test_masks_of_layers(name):
    """From one pass, the same as from the map of each layer and class alone."""
    torch.manual_seed(0)
    model = create_model("resnet38", n_classes=3, width=1 / 16).eval()
    images, labels = torch.rand(2, 3, 32, 40), torch.tensor([[1, 0, 1], [0, 1, 1]])
    background = torch.zeros(2, 32, 40, dtype=torch.bool)
    background[:, :5] = True
    got = pseudo_masks(
        model, images, labels, recipe(name), background=background, exclude_index=7
    )
    assert tuple(got) == PSEUDO_LAYERS
    for layer in PSEUDO_LAYERS:
        maps = torch.stack([grad_cam(model, images, layer, i) for i in range(3)], 1)
        expected = pseudo_mask(
            maps, labels, recipe(name), background=background, exclude_index=7
        )
        assert torch.equal(got[layer], expected)
        assert (got[layer][:, :5] == 7).all()
