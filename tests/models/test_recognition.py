"""Architectures told from names and shapes alone."""

import pytest

from napari_histossl.errors import WeightsError
from napari_histossl.models import create_model, list_models, model_spec
from napari_histossl.models.recognition import recognise

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PUBLISHED = [n for n in list_models() if model_spec(n).mpp and "sample" not in n]


def _shapes(name, **config):
    with torch.device("meta"):
        state = create_model(name, **config).state_dict()
    return {key: tuple(value.shape) for key, value in state.items()}


@pytest.mark.parametrize("name", PUBLISHED)
def test_presets(name):
    assert recognise(_shapes(name)) == model_spec(name)


@pytest.mark.parametrize("patch", [8, 14, 16])
@pytest.mark.parametrize("dim", [192, 384, 768])
def test_any_size(patch, dim):
    config = {
        "img_size": 8 * patch,
        "patch_size": patch,
        "embed_dim": dim,
        "depth": 3,
        "num_heads": dim // 64,
        "qkv_bias": patch != 8,
        "norm_eps": 1e-6,
    }
    spec = recognise(_shapes("vit", **config))
    assert (spec.name, spec.config) == ("vit", config)
    assert (spec.tile_px, spec.token_px, spec.mpp) == (8 * patch, patch, None)


@pytest.mark.parametrize(("depth", "stages"), [(18, 4), (18, 2), (34, 4), (50, 1)])
def test_residual_networks(depth, stages):
    options = {"depth": depth, "stages": stages, "width": 16}
    spec = recognise(_shapes("resnet", **options))
    assert (spec.name, spec.config) == ("resnet", options)


@pytest.mark.parametrize("width", [1.0, 0.25, 0.125, 1 / 16])
def test_classifiers(width):
    options = {"n_classes": 3, "width": width}
    spec = recognise(_shapes("resnet38", **options))
    assert (spec.name, spec.config, spec.task) == ("resnet38", options, "classifier")


@pytest.mark.parametrize("backbone", ["resnet101", "small"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_segmenters(backbone, prefix):
    """Told from their backbone, which is a residual network by itself."""
    options = {"n_classes": 21, "backbone": backbone}
    shapes = {f"{prefix}{k}": v for k, v in _shapes("deeplabv3plus", **options).items()}
    spec = recognise(shapes)
    assert (spec.name, spec.config, spec.task) == (
        "deeplabv3plus",
        options,
        "segmenter",
    )


def test_a_classifier_of_photographs():
    shapes = _without(_shapes("resnet38", width=1 / 16), "fc8.weight")
    with pytest.raises(WeightsError, match="ResNet38d without a classifier of tissue"):
        recognise(shapes)


def _without(shapes, *keys):
    return {key: value for key, value in shapes.items() if key not in keys}


VIT = {"embed_dim": 64, "num_heads": 1, "depth": 1}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"pos_embed": (1, 19, 64)}, "for 18 tokens and a class token"),
        ({"pos_embed": (19, 64)}, r"pos_embed has shape \(19, 64\); expected 3 axes"),
        ({"patch_embed.proj.weight": (65, 3, 16, 16)}, "heads cannot be told"),
        ({"patch_embed.proj.weight": (64, 1, 16, 16)}, "1 channels and 16 x 16 px"),
        ({"patch_embed.proj.weight": (64, 3, 16, 8)}, "3 channels and 16 x 8 px"),
    ],
)
def test_what_cannot_be_told_is_said(change, sentence):
    shapes = {**_shapes("vit", **VIT), **change}
    with pytest.raises(WeightsError, match=sentence):
        recognise(shapes)


def test_other_architectures():
    with pytest.raises(WeightsError, match=r"its tensors \(a\.weight, b, \.\.\.\)"):
        recognise({"a.weight": (2, 2), "b": (1,)})
    deeper = _shapes("resnet", depth=18)
    deeper["layer3.2.conv1.weight"] = (256, 256, 3, 3)
    with pytest.raises(WeightsError, match="with 2, 2, 3, 2 basic blocks a stage"):
        recognise(deeper)
    with pytest.raises(WeightsError, match="of no architecture that is known"):
        recognise(_without(_shapes("vit", **VIT), "cls_token"))
