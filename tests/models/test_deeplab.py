"""DeepLabV3+: numbers of the original, and a small backbone that learns."""

import json
from pathlib import Path

import numpy as np
import pytest

from napari_histossl.errors import ModelError
from napari_histossl.models import create_model

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

DATA = Path(__file__).parent.parent / "data"


@pytest.fixture(scope="module")
def golden(rule_tensor):
    stored = np.load(DATA / "deeplab.npz")
    shapes = json.loads(bytes(stored["shapes"]))
    with torch.device("meta"):
        model = create_model("deeplabv3plus").eval()
    state = {
        k: torch.from_numpy(rule_tensor(k, tuple(s), 0)) for k, s in shapes.items()
    }
    model.load_state_dict(state, strict=True, assign=True)
    return model, stored


def test_the_published_size(golden):
    model, _ = golden
    assert len(model.state_dict()) == 680
    assert sum(p.numel() for p in model.parameters()) == 59_339_940


@torch.inference_mode()
def test_equals_the_original(golden, relative_error):
    model, stored = golden
    images = torch.from_numpy(stored["input"])
    maps = model.backbone.stage_maps(images)
    assert relative_error(maps[0].mean(1), stored["low_level_mean"]) < 1e-4
    assert relative_error(maps[-1].mean(1), stored["high_mean"]) < 1e-4
    assert relative_error(model(images), stored["logits"]) < 1e-4


@pytest.fixture
def small():
    torch.manual_seed(0)
    return create_model("deeplabv3plus", n_classes=2, backbone="small")


@pytest.mark.parametrize("size", [(64, 96), (33, 50)])
def test_a_logit_of_each_pixel(small, size):
    with torch.inference_mode():
        assert small.eval()(torch.rand(2, 3, *size)).shape == (2, 2, *size)


def test_the_small_one_is_small(small):
    assert sum(p.numel() for p in small.parameters()) < 1_200_000


def test_it_learns(small):
    """Dark left halves from bright right ones, in a few steps."""
    generator = torch.Generator().manual_seed(1)
    images = torch.rand(4, 3, 64, 64, generator=generator) * 0.3
    images[:, :, :, 32:] += 0.6
    truth = torch.zeros(4, 64, 64, dtype=torch.long)
    truth[:, :, 32:] = 1
    optimiser = torch.optim.Adam(small.parameters(), lr=2e-3)
    for _ in range(15):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(small.train()(images), truth).backward()
        optimiser.step()
    with torch.inference_mode():
        right = (small.eval()(images).argmax(1) == truth).float().mean()
    assert right > 0.9


def test_layers_by_name(small):
    """What a training starts anew, and what depends on the classes."""
    state = small.state_dict()
    heads = [k for k in state if k.split(".")[0] in small.head]
    assert len(heads) + sum(k.startswith("backbone.") for k in state) == len(state)
    assert state[f"{small.class_layer}.bias"].shape == (2,)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [({"n_classes": 0}, "n_classes=0"), ({"backbone": "vgg"}, "backbone='vgg'")],
)
def test_impossible_models(config, sentence):
    with pytest.raises(ModelError, match=sentence):
        create_model("deeplabv3plus", **config)


def test_impossible_inputs(small):
    with pytest.raises(ModelError, match="at least 32 px; got 31 x 40 px"):
        small(torch.zeros(1, 3, 31, 40))
