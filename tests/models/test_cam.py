"""Class activation maps: numbers of the original, of another library, and by hand."""

import copy

import numpy as np
import pytest

from napari_histossl.errors import ModelError
from napari_histossl.models import create_model
from napari_histossl.models.cam import (
    cam,
    cams_of,
    channel_weights,
    channel_weights_plus_plus,
    grad_cam,
    grad_cam_plus_plus,
    grad_cams,
    grad_cams_of,
    grad_cams_of_labels,
    record_layers,
)

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

LAYERS = ("b4_5", "b5_2", "bn7")


@pytest.fixture(scope="module")
def golden_maps(golden_resnet38):
    model, stored = golden_resnet38
    images = torch.from_numpy(stored["input"])
    return grad_cams(model, images, LAYERS, range(4))


@pytest.mark.parametrize("layer", LAYERS)
def test_grad_cam_equals_the_original(
    golden_resnet38, golden_maps, relative_error, layer
):
    stored = golden_resnet38[1][f"gradcam_{layer}"]
    assert stored.min() < 0 < stored.max()
    assert relative_error(golden_maps[layer], stored) < 1e-4


@torch.inference_mode()
def test_cam_equals_the_original(golden_resnet38, relative_error):
    model, stored = golden_resnet38
    maps = cam(model, torch.from_numpy(stored["input"]))
    assert maps.min() < 0
    assert relative_error(maps.relu(), stored["cam"]) < 1e-4
    logits = maps.mean((2, 3))
    assert relative_error(logits, stored["plain_logits"]) < 1e-4


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(1)
    model = create_model("resnet38", n_classes=3, width=1 / 16)
    for key, value in model.named_buffers():  # norms that have seen pictures
        if key.endswith("running_var"):
            value.uniform_(0.5, 2)
    return model.eval()


@pytest.fixture(scope="module")
def images():
    return torch.rand(3, 3, 48, 40, generator=torch.Generator().manual_seed(2))


def _slow(model, image, layer, index, weigh):
    """One picture, layer and class at a time, with whole backward passes."""
    kept = {}
    module = model.get_submodule(layer)
    hooks = [
        module.register_forward_hook(lambda m, i, out: kept.update(maps=out)),
        module.register_full_backward_hook(
            lambda m, i, gradients: kept.update(gradient=gradients[0])
        ),
    ]
    score = model(image[None].clone().requires_grad_())[0, index]
    score.backward()
    for hook in hooks:
        hook.remove()
    model.zero_grad()
    maps, gradient = kept["maps"][0].detach(), kept["gradient"][0]
    small = (weigh(maps, gradient, score.detach())[:, None, None] * maps).sum(0)
    return torch.nn.functional.interpolate(
        small[None, None], image.shape[1:], mode="bilinear", align_corners=False
    )[0, 0]


def _mean(maps, gradient, score):
    return gradient.mean((1, 2))


def _plus_plus(maps, gradient, score):
    """Chattopadhyay et al.'s formula, channel by channel."""
    weights = maps.new_zeros(len(maps))
    for channel, (a, g) in enumerate(zip(maps, gradient, strict=True)):
        below = 2 * g**2 + (a * g**3).sum()
        alpha = torch.where(below == 0, 0, g**2 / below)
        weights[channel] = (alpha * (score.exp() * g).clamp(min=0)).sum()
    return weights


@pytest.mark.parametrize(
    ("fast", "weigh"),
    [(channel_weights, _mean), (channel_weights_plus_plus, _plus_plus)],
)
def test_one_pass_equals_one_at_a_time(small, images, fast, weigh):
    layers = (*LAYERS, "conv1a", "b3.conv_branch2b1")
    model, pictures = copy.deepcopy(small).double(), images.double()
    recorded = record_layers(model, pictures, layers)
    maps = grad_cams_of(recorded, [2, 0], method=fast)
    assert list(maps) == list(layers)
    for layer in layers:
        assert maps[layer].shape == (3, 2, 48, 40)
        for image, got in zip(pictures, maps[layer], strict=True):
            for index, one in zip([2, 0], got, strict=True):
                slow = _slow(model, image, layer, index, weigh)
                torch.testing.assert_close(one, slow)


def test_single_maps_are_those_of_many(small, images):
    many = grad_cams(small, images, LAYERS, [1])
    recorded = record_layers(small, images, ["b5_2"])
    plus = grad_cams_of(recorded, [1], method=channel_weights_plus_plus)
    one = grad_cam(small, images, "b5_2", 1)
    torch.testing.assert_close(one, many["b5_2"][:, 0])
    one = grad_cam_plus_plus(small, images, "b5_2", 1)
    torch.testing.assert_close(one, plus["b5_2"][:, 0])
    native = grad_cam(small, images, "bn7", 1, size_px=(6, 5))
    # the gradient of a mean is the same everywhere: Grad-CAM is CAM by the area
    expected = cam(small, images)[:, 1].detach() / 30
    torch.testing.assert_close(native, expected, rtol=1e-4, atol=1e-7)


def test_maps_of_labels(small, images):
    """Each picture has its own classes; what it does not hold is 0."""
    labels = torch.tensor([[1, 0, 1], [0, 1, 0], [0, 0, 0]])
    recorded = record_layers(small, images, LAYERS)
    of_labels = grad_cams_of_labels(recorded, labels)
    of_all = grad_cams_of(recorded, range(3))
    for layer in LAYERS:
        expected = of_all[layer] * labels[:, :, None, None]
        torch.testing.assert_close(of_labels[layer], expected)
    nothing = grad_cams_of_labels(recorded, torch.zeros(3, 3))
    assert nothing["bn7"].shape == (3, 3, 48, 40)
    assert not nothing["bn7"].any()


@pytest.mark.parametrize("around", [torch.no_grad, torch.inference_mode])
def test_the_model_is_left_as_it_was(small, images, around):
    """Whatever the caller's mode: same maps, no gradients, no hooks."""
    expected = grad_cams(small, images, LAYERS, [0])
    with around():
        got = grad_cams(small, images * 1, LAYERS, [0])
    for layer in LAYERS:
        torch.testing.assert_close(got[layer], expected[layer])
        assert not got[layer].requires_grad
    assert all(p.grad is None and p.requires_grad for p in small.parameters())
    assert not any(module._forward_hooks for module in small.modules())


def test_layers_that_the_next_one_writes_into(images):
    """A residual network with ReLUs in place, whose bn1 is one of them."""
    torch.manual_seed(0)
    body = create_model("resnet18_simclr", width=4).eval()
    model = torch.nn.Sequential(body, torch.nn.Linear(32, 2)).eval()
    maps = grad_cams(model, images, ["0.bn1", "0.layer2"], [1])
    assert torch.isfinite(maps["0.bn1"]).all()
    assert maps["0.layer2"].abs().sum() > 0


def test_a_map_by_hand():
    """Two channels: the class wants the first and not the second."""
    features = torch.tensor([[[[4.0, 2.0]], [[1.0, 3.0]]]])
    weights = torch.tensor([[1.0, -1.0]])
    np.testing.assert_allclose(cams_of(features, weights).numpy(), [[[[3, -1]]]])


@pytest.mark.parametrize(
    ("layer", "index", "sentence"),
    [
        ("b9", 0, r"ResNet38 has no layer 'b9'; it has .*, fc8, \.\.\."),
        ("bn7", 3, "classes 0 to 2; got class 3"),
        ("b5.nothing", 0, "no layer 'b5.nothing'"),
    ],
)
def test_no_such_layer_or_class(small, images, layer, index, sentence):
    with pytest.raises(ModelError, match=sentence):
        grad_cam(small, images, layer, index)


def test_what_cannot_be_recorded(small, images):
    model = torch.nn.Module()
    model.used, model.idle = small, torch.nn.Identity()
    model.flat = torch.nn.Flatten()
    model.forward = lambda pictures: model.flat(model.used(pictures)[:, :, None])
    model.eval()
    with pytest.raises(ModelError, match="'idle' does not run"):
        grad_cam(model, images, "idle", 0)
    with pytest.raises(ModelError, match=r"'flat' gives no map .* got \(3, 3\)"):
        grad_cam(model, images, "flat", 0)
    with pytest.raises(ModelError, match=r"here \(3, 3\); got \(3, 4\)"):
        grad_cams_of_labels(record_layers(small, images, ["bn7"]), torch.ones(3, 4))
    with pytest.raises(ModelError, match="in evaluation mode"):
        grad_cam(create_model("resnet38", width=1 / 64), images, "bn7", 0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same(small, images, relative_error):
    labels = torch.tensor([[1, 0, 1], [0, 1, 0], [0, 0, 0]])
    expected = grad_cams_of_labels(record_layers(small, images, LAYERS), labels)
    model = copy.deepcopy(small).cuda()
    recorded = record_layers(model, images.cuda(), LAYERS)
    got = grad_cams_of_labels(recorded, labels)
    for layer in LAYERS:
        assert relative_error(got[layer].cpu(), expected[layer].numpy()) < 2e-3


# ---- Another library's ----


def _same_map(got, expected):
    scale = float(expected.abs().max())
    torch.testing.assert_close(got / scale, expected / scale, rtol=0, atol=1e-5)


@pytest.mark.parametrize("layer", LAYERS)
def test_monai_grad_cams(small, images, layer):
    """It applies a ReLU at the size of the map; Grad-CAM++ of one picture at once."""
    visualize = pytest.importorskip("monai.visualize")
    model = copy.deepcopy(small).double()
    with torch.no_grad():  # it adds 1e-7 where the square of a gradient divides
        model.fc8.weight *= 300
    pictures = images.double()
    size = record_layers(model, pictures, [layer]).maps[layer].shape[2:]
    ours = {visualize.GradCAM: grad_cam, visualize.GradCAMpp: grad_cam_plus_plus}
    for theirs, own in ours.items():
        got = own(model, pictures, layer, 0, size_px=tuple(size)).relu()
        oracle = theirs(copy.deepcopy(model), target_layers=layer)
        for image, one in zip(pictures, got, strict=True):
            picture = image[None].clone().requires_grad_()
            expected = oracle.compute_map(picture, class_idx=0)[0, 0].detach()
            _same_map(one, expected)


def test_monai_cam(small, images):
    visualize = pytest.importorskip("monai.visualize")
    weights = small.class_weights.detach()
    oracle = visualize.CAM(
        copy.deepcopy(small),
        target_layers="bn7",
        fc_layers=lambda model: lambda at: at @ weights.T,
    )
    got = cam(small, images).detach()
    for index in range(3):
        expected = oracle.compute_map(images, class_idx=[index] * 3)[:, 0].detach()
        _same_map(got[:, index], expected)
