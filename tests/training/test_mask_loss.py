"""The layered loss by hand, for the paper and for the published code."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

WEIGHTS = (0.2, 0.2, 0.6)


@pytest.fixture
def case():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 4, 3, 5))
    masks = rng.integers(0, 5, (2, 3, 3, 5))  # 4 is no class
    return logits, masks


def _by_hand(logits, masks, *, background):
    total = 0.0
    if background:
        extra = 100.0 * (masks[:, -1:] == 4)
        logits = np.concatenate([logits, extra], 1)
    log_sum = np.log(np.exp(logits - 100).sum(1)) + 100
    for layer, weight in enumerate(WEIGHTS):
        mask = masks[:, layer]
        counted = np.ones(mask.shape, bool) if background else mask < 4
        safe = np.where(counted, mask, 0)
        true = np.take_along_axis(logits, safe[:, None], 1)[:, 0]
        total += weight * (log_sum - true)[counted].mean()
    return total


def test_the_papers_loss_ignores_background(case):
    from napari_histossl.training.mask_loss import layered_loss

    logits, masks = case
    loss = layered_loss(torch.tensor(logits), torch.tensor(masks), WEIGHTS)
    assert loss.item() == pytest.approx(_by_hand(logits, masks, background=False))


def test_the_published_loss_has_a_fifth_logit_and_divides_twice(case):
    from napari_histossl.training.mask_loss import layered_loss

    logits, masks = case
    loss = layered_loss(
        torch.tensor(logits), torch.tensor(masks), WEIGHTS,
        background_logit=True, over_batch=True,
    )  # fmt: skip
    expected = _by_hand(logits, masks, background=True) / 2
    assert loss.item() == pytest.approx(expected)


def test_patches_without_a_class_cost_nothing(case):
    from napari_histossl.training.mask_loss import layered_loss

    logits = torch.tensor(case[0], requires_grad=True)
    masks = torch.full((2, 1, 3, 5), 4)
    loss = layered_loss(logits, masks, [1.0])
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()
