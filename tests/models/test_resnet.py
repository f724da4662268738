"""Residual networks: published names and sizes, and numbers of other code."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_histossl.models import create_model

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch
F = torch.nn.functional

DATA = Path(__file__).parent.parent / "data"


@pytest.mark.parametrize(
    ("name", "entries", "parameters", "dim"),
    [
        ("resnet18_simclr", 120, 11_176_512, 512),
        ("resnet50_simclr", 318, 23_508_032, 2048),
        ("resnet50_trunc", 258, 8_543_296, 1024),
    ],
)
def test_sizes_are_the_published_ones(name, entries, parameters, dim):
    model = create_model(name)
    assert len(model.state_dict()) == entries
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert model.embed_dim == dim
    keys = set(model.state_dict())
    assert {"conv1.weight", "bn1.running_var", "layer1.0.conv1.weight"} <= keys
    assert {"layer2.0.downsample.0.weight", "layer2.0.downsample.1.bias"} <= keys
    assert "layer2.1.downsample.0.weight" not in keys
    assert ("layer4.1.bn2.bias" in keys) == ("trunc" not in name)


def test_first_stage_equals_the_original(rule_tensor):
    """Three bottlenecks, numbers of the original DeepLab's ResNet-101."""
    stored = np.load(DATA / "deeplab.npz")
    model = create_model("resnet", depth=50, stages=1).eval()
    shapes = json.loads(bytes(stored["shapes"]))
    state = {}
    for key in model.state_dict():
        published = f"backbone.{key}"
        value = rule_tensor(published, tuple(shapes[published]), 0)
        state[key] = torch.from_numpy(value)
    model.load_state_dict(state)
    with torch.inference_mode():
        got = model.feature_map(torch.from_numpy(stored["input"])).mean(1).numpy()
    expected = stored["low_level_mean"]
    assert np.linalg.norm(got - expected) / np.linalg.norm(expected) < 1e-4


def _normed(state, name, images):
    parts = ("running_mean", "running_var", "weight", "bias")
    return F.batch_norm(images, *(state[f"{name}.{part}"] for part in parts))


def _plain_block(state, name, images, stride):
    """Convolutions in the order of their names; the only 3 x 3 with a stride halves."""
    out, convolutions = images, [k for k in ("1", "2", "3") if f"{name}.conv{k}.weight"
                                 in state]  # fmt: skip
    halving = "1" if len(convolutions) == 2 else "2"
    for number in convolutions:
        weight = state[f"{name}.conv{number}.weight"]
        step = stride if number == halving else 1
        out = F.conv2d(out, weight, stride=step, padding=weight.shape[-1] // 2)
        out = _normed(state, f"{name}.bn{number}", out)
        out = out.relu() if number != convolutions[-1] else out
    if f"{name}.downsample.0.weight" in state:
        images = F.conv2d(images, state[f"{name}.downsample.0.weight"], stride=stride)
        images = _normed(state, f"{name}.downsample.1", images)
    return (out + images).relu()


@pytest.mark.parametrize("depth", [18, 34, 50])
def test_equals_one_written_from_the_names(depth, rule_tensor):
    model = create_model("resnet", depth=depth, width=4).eval()
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    state = {k: torch.from_numpy(rule_tensor(k, s, 0)) for k, s in shapes.items()}
    model.load_state_dict(state)
    images = torch.from_numpy(rule_tensor("images", (2, 3, 64, 96), 1))
    out = F.conv2d(images, state["conv1.weight"], stride=2, padding=3)
    out = F.max_pool2d(_normed(state, "bn1", out).relu(), 3, 2, 1)
    for name in sorted({k.rsplit(".", 2)[0] for k in state if ".conv1." in k}):
        first = name.endswith(".0") and not name.startswith("layer1")
        out = _plain_block(state, name, out, 2 if first else 1)
    with torch.inference_mode():
        torch.testing.assert_close(model(images), out.mean((2, 3)))
