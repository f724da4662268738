"""ResNet38d: numbers of the original, any width, what learns from which start."""

import numpy as np
import pytest

from napari_histossl.errors import ModelError
from napari_histossl.models import create_model
from napari_histossl.models.dropout_attention import drop_strongest, dropout_attention

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

SMALL = {"n_classes": 3, "width": 1 / 16}


@pytest.fixture(scope="module")
def maps(golden_resnet38):
    """Features of the stored pictures, and what the first blocks of stages read."""
    model, stored = golden_resnet38
    read = {}

    def keep(name):
        return lambda module, inputs, output: read.update({name: output.clone()})

    handles = [
        model.get_submodule(name).bn_branch2a.register_forward_hook(keep(name))
        for name in ("b5", "b6")
    ]
    with torch.inference_mode():
        read["bn7"] = model.features(torch.from_numpy(stored["input"]))
    for handle in handles:
        handle.remove()
    return read


def test_the_published_size(golden_resnet38):
    model, _ = golden_resnet38
    assert len(model.state_dict()) == 229
    assert sum(p.numel() for p in model.parameters()) == 105_087_296


@pytest.mark.parametrize(("name", "stored_as"), [("b5", 4), ("b6", 5), ("bn7", 6)])
def test_maps_equal_the_original(
    golden_resnet38, relative_error, maps, name, stored_as
):
    expected = golden_resnet38[1][f"conv{stored_as}_mean"]
    assert relative_error(maps[name].mean(1), expected) < 1e-4


@torch.inference_mode()
def test_logits_equal_the_original(golden_resnet38, relative_error, maps):
    model, stored = golden_resnet38
    features = maps["bn7"]
    logits = model.logits_of(features)
    assert relative_error(logits, stored["plain_logits"]) < 1e-4
    assert relative_error(logits.sigmoid(), stored["prob"]) < 1e-4
    for mu in (1.0, 0.9, 0.65):
        attention = model.dropout_attention(features, mu)
        hidden = model.logits_of(features * attention)
        assert relative_error(hidden, stored[f"pda_{mu}_logits"]) < 1e-4


@pytest.fixture
def small():
    torch.manual_seed(0)
    return create_model("resnet38", **SMALL)


@torch.inference_mode()
def test_methods_agree(small):
    """The logits in one call are those of the features, plain or with attention."""
    model = small.eval()
    images = torch.rand(2, 3, 40, 64)
    features = model.features(images)
    assert features.shape == (2, 256, 5, 8)
    assert features.min() >= 0
    torch.testing.assert_close(model(images), model.logits_of(features))
    for divisor in (4, None):
        attention = model.dropout_attention(features, 0.7, divisor=divisor)
        torch.testing.assert_close(
            model.dropout_attention_logits(images, 0.7, divisor=divisor),
            model.logits_of(features * attention),
        )


def test_pictures_are_put_in_order(small):
    """Turned from (B, H, W, 3), whose order in memory some convolutions cannot take."""
    turned = torch.rand(2, 40, 64, 3).permute(0, 3, 1, 2)
    seen = []
    hook = small.conv1a.register_forward_pre_hook(lambda m, given: seen.append(given))
    got = small.eval()(turned)
    hook.remove()
    assert not turned.is_contiguous()
    assert seen[0][0].is_contiguous()
    torch.testing.assert_close(got, small(turned.clone().contiguous()))


def test_attention_by_hand():
    """Two classes of which one hides its strongest pixel and the other none."""
    features = torch.tensor([[[[4.0, 2.0, 0.0]], [[1.0, 1.0, 1.0]]]])
    weight = torch.eye(2)
    got = dropout_attention(features, weight, 0.5)
    np.testing.assert_allclose(got.numpy(), [[[[0, 0.5, 0]]]])
    # without a limit every class keeps all it has, yet the sum is no identity
    whole = dropout_attention(features, weight, 1, divisor=None)
    np.testing.assert_allclose(whole.numpy(), [[[[2.5, 1.5, 0.5]]]])


def test_attention_of_each_picture_for_itself(small):
    features = torch.rand(3, 256, 4, 5)
    together = small.dropout_attention(features, 0.8)
    alone = [small.dropout_attention(one[None], 0.8) for one in features]
    torch.testing.assert_close(together, torch.cat(alone))


def test_attention_passes_gradients_on(small):
    features = torch.rand(1, 256, 4, 4, requires_grad=True)
    small.dropout_attention(features, 0.9).sum().backward()
    assert small.fc8.weight.grad.abs().sum() > 0
    assert features.grad.abs().sum() > 0


@pytest.mark.parametrize("start", ["scratch", "imagenet"])
def test_what_learns(small, start):
    """From scratch all does; from ImageNet no norm, and not the first four layers."""
    model = small.start_as(start).train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    learning = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.SGD(learning, lr=0.1)
    model(torch.rand(2, 3, 32, 32)).square().sum().backward()
    optimiser.step()
    after = model.state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert {
        "fc8.weight",
        "b3.conv_branch2a.weight",
        "b7.conv_branch1.weight",
    } <= changed
    norms = {key for key in changed if ".bn_" in key or key.startswith("bn7")}
    first = {key for key in changed if key.startswith(("conv1a", "b2"))}
    if start == "scratch":
        assert {"bn7.running_mean", "b2.bn_branch2a.weight"} <= norms
        assert "conv1a.weight" in first
    else:
        assert not norms
        assert not first


@pytest.mark.parametrize("width", [1 / 64, 0.125, 0.3])
def test_any_width(width):
    model = create_model("resnet38", n_classes=1, width=width)
    assert model(torch.rand(2, 3, 24, 24)).shape == (2, 1)
    assert model.fc8.in_channels == model.embed_dim == 4 * round(1024 * width)


@pytest.mark.parametrize(
    ("config", "sentence"),
    [({"n_classes": 0}, "n_classes=0"), ({"width": 0.01}, "width=0.01")],
)
def test_impossible_sizes(config, sentence):
    with pytest.raises(ModelError, match=sentence):
        create_model("resnet38", **config)


def test_impossible_inputs(small):
    with pytest.raises(ModelError, match="at least 8 px; got 8 x 7 px"):
        small(torch.zeros(1, 3, 8, 7))
    with pytest.raises(ModelError, match=r"from 0 to 1; got 1\.2"):
        drop_strongest(torch.zeros(1, 1, 2, 2), 1.2)
    with pytest.raises(ModelError, match="more than 0; got 0"):
        small.dropout_attention(torch.zeros(1, 256, 2, 2), 1, divisor=0)
