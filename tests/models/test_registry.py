"""Every registered model: builds, runs, learns, and goes through a state dict."""

import subprocess
import sys

import numpy as np
import pytest

from napari_histossl.errors import ModelError
from napari_histossl.models import create_model, list_models, model_spec

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


SMALLER = {
    "vit": {"depth": 2, "patch_size": 14},
    "hipt_region_vit": {"depth": 2},
    "resnet": {"depth": 34, "width": 8},
    "resnet50_simclr": {"width": 16},
    "resnet38": {"width": 0.125},
    "deeplabv3plus": {"backbone": "small"},
}
"""Options of those of any size, and of the largest."""


def _inputs(name):
    spec = model_spec(name)
    channels = 3 if spec.reads_pixels else spec.config["input_embed_dim"]
    px = 64 if spec.reads_pixels else 6
    generator = torch.Generator().manual_seed(0)
    return torch.randn(2, channels, px, px, generator=generator)


def _shape(spec, inputs):
    """What the model gives of pictures, by its task."""
    if spec.task == "features":
        return (len(inputs), spec.feature_dim)
    per_pixel = inputs.shape[2:] if spec.task == "segmenter" else ()
    return (len(inputs), spec.n_classes, *per_pixel)


@pytest.mark.parametrize("name", list_models())
def test_every_model(name):
    torch.manual_seed(3)
    config = SMALLER.get(name, {})
    model, inputs = create_model(name, **config), _inputs(name)
    feature = model(inputs)
    feature.square().mean().backward()
    gradients = {key: p.grad for key, p in model.named_parameters()}
    assert not [key for key, grad in gradients.items() if grad is None]

    torch.manual_seed(4)
    other = create_model(name, **config)
    other.load_state_dict(model.state_dict())
    with torch.inference_mode():
        feature, again = (which.eval()(inputs) for which in (model, other))
    assert feature.shape == _shape(model_spec(name, **config), inputs)
    assert torch.isfinite(feature).all()
    assert torch.equal(feature, again)


@pytest.mark.parametrize(
    "name", [n for n in list_models() if model_spec(n).has_attention]
)
def test_every_attention(name):
    torch.manual_seed(3)
    model, inputs, spec = create_model(name), _inputs(name), model_spec(name)
    with torch.inference_mode():
        feature, weights = model.features_and_attention(inputs)
    assert spec.has_attention
    assert feature.shape == (2, spec.feature_dim)
    assert weights.shape[:2] == (2, spec.heads)
    np.testing.assert_allclose(weights.sum(-1).numpy(), 1, atol=1e-5)


@pytest.mark.parametrize(
    "name", [n for n in list_models() if not model_spec(n).has_attention]
)
def test_no_attention(name):
    spec = model_spec(name)
    assert "net" in name or "deeplab" in name
    for ask in (lambda: spec.heads, lambda: spec.tokens):
        with pytest.raises(ModelError, match=f"{name} is a residual network.*no atten"):
            ask()


def test_tasks():
    spec = model_spec("resnet38", n_classes=7)
    assert (spec.task, spec.n_classes) == ("classifier", 7)
    spec.need_task("classifier")
    with pytest.raises(ModelError, match="needed is a model that gives features"):
        _ = spec.feature_dim
    with pytest.raises(ModelError, match="needed is a model that gives the class of"):
        spec.need_task("segmenter")


def test_options_replace_those_of_a_name():
    spec = model_spec("vit_small_patch16", patch_size=8, num_heads=3)
    assert (spec.token_px, spec.heads, spec.tokens) == (8, 3, 1024)
    model = create_model("vit", img_size=32, patch_size=8, embed_dim=12, depth=1,
                         num_heads=3, qkv_bias=False, norm_eps=1e-5)  # fmt: skip
    assert model.pos_embed.shape == (1, 17, 12)
    assert model.blocks[0].attn.qkv.bias is None
    assert model.norm.eps == 1e-5


@pytest.mark.parametrize(
    ("name", "config", "sentence"),
    [
        ("resnet9000", {}, "no model 'resnet9000'"),
        ("vit", {"depht": 3}, "no option 'depht'"),
        ("vit", {"num_heads": 5}, "num_heads=5"),
        ("vit", {"depth": 0}, "depth=0"),
        ("vit", {"patch_size": 0}, "patch_size=0"),
        ("resnet", {"depth": 19}, "depth=19"),
        ("resnet", {"stages": 5}, "stages=5"),
    ],
)
def test_impossible_models(name, config, sentence):
    with pytest.raises(ModelError, match=sentence):
        create_model(name, **config)


def test_impossible_inputs():
    model = create_model("vit", img_size=32, embed_dim=12, depth=1, num_heads=3)
    with pytest.raises(ModelError, match="at least one patch of 16 px; got 8 x 40"):
        model(torch.zeros(1, 3, 8, 40))
    with pytest.raises(ModelError, match=r"\(B, 3, H, W\)"):
        model(torch.zeros(1, 40, 40, 3))
    with pytest.raises(ModelError, match="blocks 0 to 0; got block 1"):
        model.attention(torch.zeros(1, 3, 32, 32), block=1)
    network = create_model("resnet18_simclr", width=4)
    with pytest.raises(ModelError, match="at least 32 px; got 31 x 40 px"):
        network(torch.zeros(1, 3, 31, 40))
    with pytest.raises(ModelError, match=r"\(B, 3, H, W\)"):
        network(torch.zeros(3, 64, 64))
    region = create_model("hipt_region_vit", depth=1)
    with pytest.raises(ModelError, match="384, rows, columns"):
        region(torch.zeros(1, 3, 8, 8))


def test_names_are_listed_without_torch():
    code = (
        "import sys; from napari_histossl import models, overlays, panels; "
        "models.list_models(); models.examine_weights; models.list_weights(); "
        "models.PUBLISHED; models.add_weights; overlays.Proposal; "
        "overlays.RunPlan; panels.resolve; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
