"""Outputs of the original implementations, from weights rebuilt by rule."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest

from napari_histossl.errors import ModelError
from napari_histossl.models import create_model

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

DATA = Path(__file__).parent.parent / "data"
SIZES = ("native", "larger", "oblong")
NAMES = {"vit256": "vit", "vit4k": "hipt_region_vit"}


@pytest.fixture(scope="module", params=sorted(NAMES))
def golden(request, rule_tensor):
    stored = np.load(DATA / f"{request.param}.npz")
    shapes = json.loads(bytes(stored["shapes"]))
    model = create_model(
        NAMES[request.param], **json.loads(bytes(stored["config"]))
    ).eval()
    state = {
        k: torch.from_numpy(rule_tensor(k, tuple(s), 0)) for k, s in shapes.items()
    }
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
@pytest.mark.parametrize("token", [0, 5])
def test_one_pass_equals_the_original(golden, size, token):
    model, stored = golden
    images = torch.from_numpy(stored[f"{size}_input"])
    with torch.inference_mode():
        feature, row = model.features_and_attention(images, token=token)
        alone = model.attention_from(images, token)
    assert _error(feature, stored[f"{size}_cls"]) < 1e-4
    for got in (row, alone):
        assert _error(got, stored[f"{size}_last_attention"][:, :, token]) < 1e-4


def _plain(block, tokens):
    """Attention written out: softmax of all scores, in double precision."""
    attn, (batch, count, dim) = block.attn, tokens.shape
    shape = (batch, count, 3, attn.num_heads, dim // attn.num_heads)
    query, key, value = attn.qkv(block.norm1(tokens)).reshape(shape).unbind(2)
    scores = torch.einsum("bnhd,bmhd->bhnm", query, key) / shape[-1] ** 0.5
    weights = torch.exp(scores) / torch.exp(scores).sum(-1, keepdim=True)
    mixed = torch.einsum("bhnm,bmhd->bnhd", weights, value).reshape(batch, count, dim)
    tokens = tokens + attn.proj(mixed)
    return tokens + block.mlp(block.norm2(tokens)), weights


@pytest.mark.parametrize("token", [0, 7])
def test_fused_blocks_equal_plain_ones(golden, token):
    """Whatever block is looked at: its exact weights, and the feature of the whole."""
    model, stored = golden
    model = copy.deepcopy(model).double()
    images = torch.from_numpy(stored["oblong_input"]).double()
    with torch.inference_mode():
        tokens = model._prepare(model.embed(images))
        for index, block in enumerate(model.blocks):
            fused, row = block.forward_with_rows(tokens, [0, token])
            tokens, weights = _plain(block, tokens)
            torch.testing.assert_close(fused, tokens)
            torch.testing.assert_close(row, weights[:, :, [0, token]])
            torch.testing.assert_close(model.attention(images, index), weights)
            feature, row = model.features_and_attention(images, index, token=token)
            torch.testing.assert_close(row, weights[:, :, token])
            torch.testing.assert_close(
                row, model.attention_from(images, token, index - len(model.blocks))
            )
            torch.testing.assert_close(feature, model(images))
        torch.testing.assert_close(model.norm(tokens), model.tokens(images))
        torch.testing.assert_close(model.norm(tokens)[:, 0], model(images))


def test_no_such_block_or_token(golden):
    model, stored = golden
    images = torch.from_numpy(stored["oblong_input"])
    count = stored["oblong_last_attention"].shape[-1]
    with pytest.raises(ModelError, match=f"to {count - 1}; got token {count}"):
        model.attention_from(images, count)
    with pytest.raises(ModelError, match="got token -1"):
        model.features_and_attention(images, token=-1)
    with pytest.raises(ModelError, match="blocks 0 to 2; got block 3"):
        model.features_and_attention(images, 3)


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
