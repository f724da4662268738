"""SimCLR: its loss by hand, the same numbers again, and it learns."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import ModelError, PlanError
from napari_histossl.training import SIMCLR_PRESETS, SimclrRecipe, Variation

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

RECIPE = SimclrRecipe(
    steps=20, batch=8, model="resnet", options={"depth": 18, "stages": 2, "width": 8},
    hidden=16, projection=8, crop_px=32, tile_px=48, temperature=0.5,
    variation=Variation(stain_deviation=0.2, grey=0.1),
)  # fmt: skip


def _trainer(pictures, recipe=RECIPE):
    from napari_histossl.training import SimclrTrainer

    return SimclrTrainer(pictures, recipe)


def test_the_loss_by_hand():
    from napari_histossl.training.contrast import nt_xent

    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 3, 4))
    views = np.concatenate([first, second])
    views /= np.linalg.norm(views, axis=1, keepdims=True)
    total, right = 0.0, 0
    for i in range(6):
        partner = (i + 3) % 6
        similar = {j: views[i] @ views[j] / 0.3 for j in range(6) if j != i}
        total -= similar[partner] - np.log(sum(np.exp(list(similar.values()))))
        right += max(similar, key=similar.get) == partner
    loss, found = nt_xent(torch.tensor(first), torch.tensor(second), 0.3)
    assert float(loss) == pytest.approx(total / 6, rel=1e-5)
    assert found == pytest.approx(right / 6)


def test_equal_views_of_unlike_pictures_are_found():
    from napari_histossl.training.contrast import nt_xent

    apart = torch.eye(4)
    loss, found = nt_xent(apart * 7, apart, 0.1)
    assert found == 1.0
    assert float(loss) == pytest.approx(np.log1p(6 * np.exp(-10)), abs=1e-5)


def test_one_seed_one_result(discs):
    first, again, other = (
        _trainer(discs, replace(RECIPE, seed=seed)) for seed in (0, 0, 1)
    )
    reports = [first.step() for _ in range(5)]
    assert [again.step() for _ in range(5)] == reports
    assert other.step() != reports[0]
    theirs = again.model.state_dict()
    for key, value in first.model.state_dict().items():
        assert torch.equal(value, theirs[key]), key


def test_it_learns(discs):
    trainer = _trainer(discs, replace(RECIPE, steps=60, temperature=0.2))
    losses = [trainer.step().loss for _ in range(60)]
    assert losses[0] < np.log(15) + 1.5
    assert np.mean(losses[-10:]) < np.mean(losses[:10]) - 0.1


@pytest.mark.parametrize("optimiser", ["adamw", "lars"])
def test_a_resumed_training_equals_an_uninterrupted_one(discs, optimiser, tmp_path):
    recipe = replace(RECIPE, optimiser=optimiser)
    whole, half, resumed = (_trainer(discs, recipe) for _ in range(3))
    for _ in range(8):
        whole.step()
    for _ in range(3):
        half.step()
    torch.save(half.state(), tmp_path / "a")
    resumed.restore(torch.load(tmp_path / "a", weights_only=True))
    for _ in range(5):
        resumed.step()
    expected = whole.network.state_dict()
    for key, value in resumed.network.state_dict().items():
        assert torch.equal(value, expected[key]), key


def test_lars_steps_are_as_long_as_the_weights():
    from napari_histossl.training.lars import Lars

    for scale in (1.0, 1e3):  # of the gradient: it does not matter
        matrix = torch.nn.Parameter(torch.full((4, 4), 2.0))
        vector = torch.nn.Parameter(torch.full((4,), 2.0))
        optimiser = Lars([matrix, vector], lr=1.0, momentum=0.0)
        matrix.grad, vector.grad = torch.ones(4, 4) * scale, torch.ones(4)
        optimiser.step()
        moved = float((2.0 - matrix.detach()).norm())
        assert moved == pytest.approx(1e-3 * 8, rel=1e-3)
        torch.testing.assert_close(vector.detach(), torch.ones(4))


def test_a_transformer_can_be_the_encoder(discs):
    options = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 1,
               "num_heads": 3}  # fmt: skip
    trainer = _trainer(discs, replace(RECIPE, model="vit", options=options))
    assert np.isfinite(trainer.step().loss)


def test_the_published_recipes():
    for name, depth, epochs in (("ciga", 18, 1000), ("vit_path", 50, 100)):
        preset = SIMCLR_PRESETS[name]
        recipe = preset.recipe
        assert recipe.options == {"depth": depth}
        assert (recipe.optimiser, recipe.normalise) == ("lars", "half")
        assert recipe.learning_rate == pytest.approx(0.3 * recipe.batch / 256)
        assert preset.steps(recipe.batch * 7 + 1) == 7 * epochs


def test_impossible_trainings(discs):
    with pytest.raises(PlanError, match="at least a batch of 8"):
        _trainer(discs[:5])
    with pytest.raises(PlanError, match="pictures"):
        _trainer(np.zeros((9, 4, 4, 7), np.float32))
    with pytest.raises(PlanError, match="batch=1"):
        replace(RECIPE, batch=1)
    with pytest.raises(PlanError, match="temperature=0"):
        replace(RECIPE, temperature=0)
    with pytest.raises(ModelError, match="no model 'alexnet'"):
        _trainer(discs, replace(RECIPE, model="alexnet"))
