"""Recipes with names make the models they are named after."""

import numpy as np
import pytest

from napari_histossl.errors import PlanError
from napari_histossl.training import DINO_PRESETS, SIMCLR_PRESETS
from napari_histossl.training.presets import choose

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def _state(name):
    from napari_histossl.models.registry import build
    from napari_histossl.training.dino import dino_spec

    recipe = DINO_PRESETS[name].recipe
    width = 384 if recipe.reads == "grids" else 3
    spec = dino_spec(recipe, np.zeros((2, 16, 16, width), np.float32), 0.5)
    return build(spec).state_dict(), spec


@pytest.mark.parametrize(
    ("name", "published"),
    [("hipt256", "vit_small_patch16"), ("hipt4k", "hipt_vit4k_xs")],
)
def test_the_published_models_are_trained(name, published):
    """Same names, same shapes: such weights load wherever the published ones do."""
    from napari_histossl.models import create_model, model_spec

    state, spec = _state(name)
    expected = create_model(published).state_dict()
    assert {k: v.shape for k, v in state.items()} == {
        k: v.shape for k, v in expected.items()
    }
    assert (spec.tile_px, spec.mean) == (
        model_spec(published).tile_px,
        model_spec(published).mean,
    )


def test_the_small_recipe_makes_the_sample_model():
    from napari_histossl.models import create_model

    state, _ = _state("small")
    expected = create_model("vit_sample_patch8").state_dict()
    assert {k: v.shape for k, v in state.items()} == {
        k: v.shape for k, v in expected.items()
    }


@pytest.mark.parametrize("name", SIMCLR_PRESETS)
def test_encoders_exist_and_views_fit(name):
    from napari_histossl.models import model_spec

    preset = SIMCLR_PRESETS[name]
    spec = model_spec(preset.recipe.model, **preset.recipe.options)
    assert spec.feature_dim in (192, 512, 2048)
    assert preset.recipe.crop_px <= preset.patch_px


def test_an_unknown_name_says_which_there_are():
    with pytest.raises(PlanError, match="choose one of small, ciga, vit_path"):
        choose(SIMCLR_PRESETS, "tiny")
