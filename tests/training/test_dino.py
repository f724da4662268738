"""DINO on pictures and on grids: the same numbers again, and no collapse."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import PlanError
from napari_histossl.training import DINO_PRESETS, DinoRecipe
from napari_histossl.training.recipe import dino_views, step_values

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

RECIPE = DinoRecipe(
    steps=20, batch=8, embed_dim=24, depth=2, num_heads=3, prototypes=32, hidden=32,
    bottleneck=16, global_px=32, local_px=16, frozen_steps=2,
)  # fmt: skip


def _weights(trainer):
    return {k: v.clone() for k, v in trainer.model.state_dict().items()}


def _trainer(items, recipe=RECIPE):
    from napari_histossl.training import DinoTrainer

    return DinoTrainer(items, recipe)


def _run(pictures, steps, recipe=RECIPE):
    trainer = _trainer(pictures, recipe)
    return trainer, [trainer.step() for _ in range(steps)]


def test_one_seed_one_result(discs):
    first, reports = _run(discs, 20)
    second, again = _run(discs, 20)
    assert reports == again
    other = _trainer(discs, replace(RECIPE, seed=1))
    assert all(np.isfinite([r.loss, r.row_entropy, r.mean_entropy]).all()
               for r in reports)  # fmt: skip
    theirs = _weights(second)
    for key, value in _weights(first).items():
        assert torch.equal(value, theirs[key]), key
    assert other.step() != reports[0]


def test_it_learns_without_collapse(discs):
    _, reports = _run(discs, 20)
    losses = [r.loss for r in reports]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    assert reports[-1].mean_entropy > reports[-1].row_entropy


def test_the_teacher_follows_and_is_never_trained(discs):
    trainer = _trainer(discs, RECIPE)
    start = _weights(trainer)
    trainer.step()
    trainer.step()
    student = trainer.student["backbone"].state_dict()
    moved = [k for k, v in _weights(trainer).items() if not torch.equal(v, start[k])]
    assert moved
    for key in moved:
        teacher = trainer.model.state_dict()[key]
        assert (teacher - start[key]).abs().sum() < (
            student[key] - start[key]
        ).abs().sum()
    assert not any(p.requires_grad for p in trainer.teacher.parameters())


def test_a_resumed_training_equals_an_uninterrupted_one(discs, tmp_path):
    whole, _ = _run(discs, 12)
    half, _ = _run(discs, 5)
    path = tmp_path / "a.checkpoint"
    torch.save(half.state(), path)
    resumed = _trainer(discs, RECIPE)
    resumed.restore(torch.load(path, weights_only=True))
    for _ in range(7):
        resumed.step()
    expected = _weights(whole)
    for key, value in _weights(resumed).items():
        assert torch.equal(value, expected[key]), key


def test_impossible_trainings(discs):
    with pytest.raises(PlanError, match="at least a batch of 8"):
        _trainer(discs[:5], RECIPE)
    with pytest.raises(PlanError, match="whole tokens of 8 px"):
        replace(RECIPE, local_px=20)
    with pytest.raises(PlanError, match="steps=0"):
        replace(RECIPE, steps=0)


def test_schedules_at_both_ends():
    recipe = DinoRecipe(steps=1000)
    first, peak, last = (step_values(recipe, step) for step in (0, 80, 999))
    assert first.learning_rate == pytest.approx(1e-5)
    assert peak.learning_rate == pytest.approx(1e-3)
    assert last.learning_rate == pytest.approx(2e-5, rel=0.01)
    assert (first.weight_decay, first.teacher_temperature) == (0.04, 0.04)
    assert last.teacher_temperature == 0.05
    assert first.teacher_momentum == pytest.approx(0.985)
    assert last.teacher_momentum == pytest.approx(1.0, abs=1e-5)


def test_the_published_schedule_decays_by_a_cosine():
    recipe = replace(DINO_PRESETS["hipt256"].recipe, steps=100)
    decays = [step_values(recipe, step).weight_decay for step in (0, 25, 50)]
    assert decays == pytest.approx([0.04, 0.04 + 0.36 * 0.14645, 0.22], abs=1e-4)


def test_the_published_recipe():
    """The numbers of HIPT's patch model, and DINO's views."""
    recipe = DINO_PRESETS["hipt256"].recipe
    views = dino_views(recipe)
    assert [view.px for view in views] == [224, 224] + [96] * 8
    assert [view.variation.gaussian for view in views] == [1.0, 0.1] + [0.5] * 8
    assert [view.variation.solarise for view in views] == [0.0, 0.2] + [0.0] * 8
    assert (recipe.prototypes, recipe.batch, recipe.steps) == (65536, 256, 400_000)
    assert (views[0].area, views[2].area) == ((0.4, 1.0), (0.05, 0.4))


def _grids(count=12, seed=0):
    """Regions in which a block of the first features is high, somewhere."""
    rng = np.random.default_rng(seed)
    grids = rng.normal(0, 0.1, (count, 8, 8, 5)).astype(np.float32)
    for index, grid in enumerate(grids):
        y, x = rng.integers(0, 5, 2)
        grid[y : y + 3, x : x + 3, index % 5] += 2
    return grids


GRID_RECIPE = replace(
    RECIPE, reads="grids", patch_size=1, position_px=6, tile_px=8, global_px=6,
    local_px=3,
)  # fmt: skip


def test_regions_are_learned_from_grids_of_features(tmp_path):
    from napari_histossl.models import load_model
    from napari_histossl.training import DinoTrainer, train

    out = tmp_path / "region.safetensors"
    trainer = DinoTrainer(_grids(), replace(GRID_RECIPE, steps=10))
    list(train(trainer, out))
    model, spec = load_model(out)
    assert (spec.name, spec.reads_pixels, spec.tile_px) == ("hipt_region_vit", False, 8)
    with torch.inference_mode():
        feature = model(torch.from_numpy(_grids(2, seed=1)).movedim(3, 1))
    assert feature.shape == (2, 24)
    assert torch.isfinite(feature).all()


def test_a_training_on_grids_can_be_taken_up(tmp_path):
    whole, half, resumed = (_trainer(_grids(), GRID_RECIPE) for _ in range(3))
    reports = [whole.step() for _ in range(6)]
    for _ in range(3):
        half.step()
    resumed.restore(half.state())
    assert [resumed.step() for _ in range(3)] == reports[3:]


def test_grids_and_pictures_are_not_mixed_up(discs):
    with pytest.raises(PlanError, match="grids of features"):
        _trainer(_grids(), RECIPE)
    with pytest.raises(PlanError, match="larger grids than 8 x 8"):
        _trainer(_grids(), replace(GRID_RECIPE, global_px=9)).step()
