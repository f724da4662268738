"""A tile under the cursor: what follows from its activation is what the model says."""

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from napari_histossl.errors import PlanError  # noqa: E402
from napari_histossl.geometry import Box  # noqa: E402
from napari_histossl.models import load_model  # noqa: E402
from napari_histossl.models.cam import cam  # noqa: E402
from napari_histossl.models.dropout_attention import drop_strongest  # noqa: E402
from napari_histossl.overlays.class_tile import TileClasses  # noqa: E402
from napari_histossl.overlays.questions import classes_of_tile  # noqa: E402
from napari_histossl.panels.class_maps import ClassMapChoice, plan_tile  # noqa: E402


@pytest.fixture
def asked(small_slide, tiny_classifier, tmp_path):
    """A tile as the worker answers it, the pictures it is of, and the model."""
    choice = ClassMapChoice(weights=tiny_classifier, workspace=tmp_path)
    plan = plan_tile(choice, small_slide)
    assert plan.tiles_ij == ()
    tile = classes_of_tile(small_slide.source, plan, (2, 3))
    pixels = small_slide.read(Box(64, 96, 32, 32), 0)
    images = torch.from_numpy(pixels / np.float32(255)).permute(2, 0, 1)[None]
    model, _ = load_model(tiny_classifier)
    return tile, images, model


def test_the_maps_are_those_of_the_model(asked):
    tile, images, model = asked
    with torch.inference_mode():
        expected = cam(model, images)[0].numpy()
        probabilities = model(images)[0].sigmoid().numpy()
    assert tile.tile_ij == (2, 3)
    assert tile.activation.shape == (3, 4, 4)
    np.testing.assert_allclose(tile.activation, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(tile.probabilities, probabilities, rtol=1e-4, atol=1e-5)
    assert np.ptp(probabilities) > 0.01


@pytest.mark.parametrize("divisor", [None, 4])
@pytest.mark.parametrize("mu", [0.0, 0.3, 0.65, 1.0])
def test_what_dropout_attention_leaves_is_what_the_model_gets(asked, mu, divisor):
    tile, images, model = asked
    with torch.inference_mode():
        features = model.features(images)
        attention = model.dropout_attention(features, mu, divisor=divisor)[0, 0]
        logits = model.dropout_attention_logits(images, mu, divisor=divisor)[0]
        left = drop_strongest(cam(model, images).relu(), mu)[0].numpy()
    np.testing.assert_allclose(
        tile.attention(mu, divisor), attention, rtol=1e-4, atol=1e-5
    )
    found = tile.probabilities_after(mu, divisor)
    np.testing.assert_allclose(found, logits.sigmoid(), rtol=1e-4, atol=1e-5)
    hidden = tile.hidden(mu)
    np.testing.assert_allclose(
        np.where(hidden, 0, tile.seen), left, rtol=1e-4, atol=1e-5
    )
    assert hidden.any() == (mu < 1)


def test_a_class_that_is_not_seen_hides_nothing():
    tile = TileClasses((0, 0), np.stack([-np.ones((4, 4)), np.eye(4)]).astype("f4"))
    assert not tile.hidden(0.0)[0].any()
    np.testing.assert_array_equal(tile.hidden(0.5)[1], np.eye(4, dtype=bool))
    with pytest.raises(PlanError, match=r"from 0 to 1; got 1\.2"):
        tile.hidden(1.2)


def test_a_tile_is_computed_once_and_travels_light(small_slide, tiny_classifier):
    choice = ClassMapChoice(weights=tiny_classifier, workspace=Path())
    plan = plan_tile(choice, small_slide)
    first = classes_of_tile(small_slide.source, plan, (1, 1))
    assert classes_of_tile(small_slide.source, plan, (1, 1)) is first
    assert classes_of_tile(small_slide.source, plan, (1, 2)) is not first
    assert len(pickle.dumps(first)) < 2000


def test_weights_of_another_kind_are_refused(small_slide, tiny_weights, tmp_path):
    choice = ClassMapChoice(weights=tiny_weights, workspace=tmp_path)
    with pytest.raises(PlanError, match="weights of vit, which is no classifier"):
        plan_tile(choice, small_slide)


def test_numbers_where_weights_do_not_say_their_classes(
    small_slide, tiny_classifier, tmp_path
):
    from napari_histossl.models import save_weights

    model, spec = load_model(tiny_classifier)
    path = tmp_path / "silent.safetensors"
    save_weights(model, replace(spec, classes=None), path)
    choice = ClassMapChoice(weights=path, workspace=tmp_path)
    classes = plan_tile(choice, small_slide).spec.classes
    assert [info.name for info in classes] == ["class 1", "class 2", "class 3"]
