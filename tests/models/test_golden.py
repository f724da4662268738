"""Outputs of the original implementations, from weights rebuilt by rule."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from napari_histossl.models import create_model

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

DATA = Path(__file__).parent.parent / "data"
SIZES = ("native", "larger", "oblong")
NAMES = {"vit256": "vit", "vit4k": "hipt_region_vit"}


def _rule_tensor():
    spec = importlib.util.spec_from_file_location("rule", DATA / "rule_weights.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.rule_tensor


@pytest.fixture(scope="module", params=sorted(NAMES))
def golden(request):
    stored = np.load(DATA / f"{request.param}.npz")
    shapes = json.loads(bytes(stored["shapes"]))
    model = create_model(
        NAMES[request.param], **json.loads(bytes(stored["config"]))
    ).eval()
    rule = _rule_tensor()
    state = {k: torch.from_numpy(rule(k, tuple(s), 0)) for k, s in shapes.items()}
    model.load_state_dict(state, strict=True)
    return model, stored


def _error(got, stored):
    return np.linalg.norm(got.numpy() - stored) / np.linalg.norm(stored)


@pytest.mark.parametrize("size", SIZES)
def test_equals_the_original(golden, size):
    model, stored = golden
    images = torch.from_numpy(stored[f"{size}_input"])
    with torch.inference_mode():
        assert _error(model(images), stored[f"{size}_cls"]) < 1e-4
        weights = model.attention(images)
    assert _error(weights, stored[f"{size}_last_attention"]) < 1e-4


@pytest.mark.parametrize("size", SIZES)
def test_faster_ways_to_the_same_numbers(golden, size):
    model, stored = golden
    images = torch.from_numpy(stored[f"{size}_input"])
    with torch.inference_mode():
        feature, row = model.forward_with_class_attention(images)
        both, weights = model.forward_with_attention(images)
        alone = model.class_attention(images)
    expected = stored[f"{size}_last_attention"][:, :, 0]
    for got in (row, alone, weights[:, :, 0]):
        assert _error(got, expected) < 1e-4
    for got in (feature, both):
        assert _error(got, stored[f"{size}_cls"]) < 1e-4


def test_fused_blocks_equal_plain_ones(golden):
    """The weights of every block are what the fused attention used inside."""
    model, stored = golden
    images = torch.from_numpy(stored["oblong_input"])
    with torch.inference_mode():
        tokens = model._prepare(model.embed(images))
        for index, block in enumerate(model.blocks):
            plain, weights = block.forward_with_weights(tokens)
            fused = block(tokens)
            torch.testing.assert_close(plain, fused, rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(weights, model.attention(images, index))
            tokens = fused


def test_positions_need_the_added_tenth(golden):
    """A resize to a size, without DINO's tenth, is told apart by the stored numbers."""
    model, stored = golden
    images = torch.from_numpy(stored["oblong_input"])
    grid = model.embed(images)
    side, dim = model.grid, model.embed_dim
    square = model.pos_embed[:, 1:].reshape(1, side, side, dim).permute(0, 3, 1, 2)
    resized = torch.nn.functional.interpolate(square, grid.shape[2:], mode="bicubic")
    flat = resized.flatten(2).transpose(1, 2)
    naive = torch.cat([model.pos_embed[:, :1], flat], dim=1)
    right = model.positions(*grid.shape[2:])
    assert right.shape == naive.shape
    assert (right - naive).abs().max() > 1e-3
