"""Half precision that is too small for a model, and a model that is broken."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from napari_histossl.errors import ModelError
from napari_histossl.overlays.finite import half_then_full, need_finite

pytestmark = pytest.mark.torch


def test_what_is_too_large_once_is_computed_again():
    answers = [torch.tensor([torch.inf]), torch.tensor([3.0])]
    values = half_then_full(lambda _: answers.pop(0), torch.zeros(1), "auto")
    assert values.tolist() == [3.0]


def test_what_is_finite_is_computed_once():
    answers = [torch.tensor([2.0], dtype=torch.float16)]
    values = half_then_full(lambda _: answers.pop(0), torch.zeros(1), "full")
    assert values.tolist() == [2.0]
    assert values.dtype == torch.float32


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
def test_sums_beyond_half_precision_come_out_right_on_a_gpu():
    rows = torch.full((2, 1000), 100.0, device="cuda")  # squares sum to 1e7
    values = half_then_full(lambda x: x @ x.T, rows, "auto")
    torch.testing.assert_close(values.cpu(), torch.full((2, 2), 1e7))


def test_a_broken_model_is_told_by_name():
    need_finite(np.ones(3), "vit", "the weights w.pth")
    with pytest.raises(ModelError, match=r"vit gives .* with the weights w\.pth"):
        need_finite(np.array([1, np.nan]), "vit", "the weights w.pth")
