"""The DINO loop: the same numbers again, after a break, and no collapse."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import PlanError, WeightsError
from napari_histossl.models import examine_weights, load_model
from napari_histossl.training import DinoRecipe, DinoTrainer, train_dino
from napari_histossl.training.recipe import step_values

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

RECIPE = DinoRecipe(
    steps=20, batch=8, embed_dim=24, depth=2, num_heads=3, prototypes=32, hidden=32,
    bottleneck=16, global_px=32, local_px=16, frozen_steps=2,
)  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def images():
    """Discs of several sizes and densities on pink ground."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:48, :48]
    pictures = np.full((24, 48, 48, 3), (230, 180, 210), np.uint8)
    for index, picture in enumerate(pictures):
        for y, x in rng.uniform(0, 48, (4 + 8 * (index % 3), 2)):
            inside = (rows - y) ** 2 + (columns - x) ** 2 < (3 + index % 3) ** 2
            picture[inside] = (90, 60, 130)
    noise = rng.integers(0, 12, pictures.shape, dtype=np.uint8)
    return pictures - noise


def _weights(trainer):
    return {k: v.clone() for k, v in trainer.model.state_dict().items()}


def _run(images, steps, recipe=RECIPE):
    trainer = DinoTrainer(images, recipe)
    return trainer, [trainer.step() for _ in range(steps)]


def test_one_seed_one_result(images):
    first, reports = _run(images, 20)
    second, again = _run(images, 20)
    assert reports == again
    other = DinoTrainer(images, replace(RECIPE, seed=1))
    assert all(np.isfinite([r.loss, r.row_entropy, r.mean_entropy]).all()
               for r in reports)  # fmt: skip
    theirs = _weights(second)
    for key, value in _weights(first).items():
        assert torch.equal(value, theirs[key]), key
    assert other.step() != reports[0]


def test_it_learns_without_collapse(images):
    _, reports = _run(images, 20)
    losses = [r.loss for r in reports]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    assert reports[-1].mean_entropy > reports[-1].row_entropy


def test_the_teacher_follows_and_is_never_trained(images):
    trainer = DinoTrainer(images, RECIPE)
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


def test_a_resumed_training_equals_an_uninterrupted_one(images, tmp_path):
    whole, _ = _run(images, 12)
    half, _ = _run(images, 5)
    path = tmp_path / "a.checkpoint"
    torch.save(half.state(), path)
    resumed = DinoTrainer(images, RECIPE)
    resumed.restore(torch.load(path, weights_only=True))
    for _ in range(7):
        resumed.step()
    expected = _weights(whole)
    for key, value in _weights(resumed).items():
        assert torch.equal(value, expected[key]), key


def test_a_file_is_written_and_enough(images, tmp_path):
    out = tmp_path / "small.safetensors"
    recipe = replace(RECIPE, steps=6)
    records = list(train_dino(images, recipe, out, mpp=0.7, provenance={"seeds": [1]}))
    assert [r.done for r in records] == [1, 2, 3, 4, 5, 6]
    assert "loss" in records[-1].message
    model, spec = load_model(out)
    assert spec.mpp == 0.7
    assert spec.mean != (0.5, 0.5, 0.5)
    assert model(torch.zeros(1, 3, 64, 64)).shape == (1, 24)
    said = examine_weights(out).provenance
    assert said["recipe"]["steps"] == 6
    assert said["seeds"] == [1]
    assert len(out.with_suffix(".csv").read_text().splitlines()) == 7
    assert {p.suffix for p in tmp_path.iterdir()} == {".safetensors", ".csv"}


def test_closing_and_taking_up_again(images, tmp_path, monkeypatch):
    """Stopped in the middle: the checkpoint is used, the result is the same."""
    monkeypatch.setattr("napari_histossl.training.dino._CHECKPOINT_S", 0.0)
    recipe = replace(RECIPE, steps=8)
    plain, broken = tmp_path / "plain.safetensors", tmp_path / "broken.safetensors"
    list(train_dino(images, recipe, plain))
    work = train_dino(images, recipe, broken)
    for _ in range(3):
        next(work)
    work.close()
    assert not broken.exists()
    with pytest.raises(PlanError, match="another recipe"):
        next(train_dino(images, replace(recipe, seed=9), broken))
    records = list(train_dino(images, recipe, broken))
    assert records[0].done == 4
    assert plain.read_bytes() == broken.read_bytes()
    assert (
        plain.with_suffix(".csv").read_text() == broken.with_suffix(".csv").read_text()
    )


def test_a_damaged_checkpoint_says_so(images, tmp_path):
    out = tmp_path / "x.safetensors"
    out.with_name("x.safetensors.checkpoint").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="--overwrite"):
        next(train_dino(images, RECIPE, out))
    assert next(train_dino(images, RECIPE, out, overwrite=True)).done == 1


def test_impossible_trainings(images):
    with pytest.raises(PlanError, match="at least a batch of 8"):
        DinoTrainer(images[:5], RECIPE)
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
