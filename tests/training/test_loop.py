"""A training from its first step to its file, and taken up again in the middle."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from napari_histossl.errors import PlanError, WeightsError
from napari_histossl.models import examine_weights, load_model
from napari_histossl.training import DinoRecipe, SimclrRecipe, Variation

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

DINO = DinoRecipe(
    steps=6, batch=8, embed_dim=24, depth=2, num_heads=3, prototypes=32, hidden=32,
    bottleneck=16, global_px=32, local_px=16, frozen_steps=2,
)  # fmt: skip
SIMCLR = SimclrRecipe(
    steps=6, batch=8, model="resnet", options={"depth": 18, "stages": 2, "width": 8},
    hidden=16, projection=8, crop_px=32, tile_px=48,
    variation=Variation(stain_deviation=0.2),
)  # fmt: skip

METHODS = pytest.mark.parametrize("recipe", [DINO, SIMCLR], ids=["dino", "simclr"])


def _trainer(pictures, recipe, **options):
    from napari_histossl.training import DinoTrainer, SimclrTrainer

    kind = DinoTrainer if isinstance(recipe, DinoRecipe) else SimclrTrainer
    return kind(pictures, recipe, **options)


def _train(pictures, recipe, out, **options):
    from napari_histossl.training import train

    return train(_trainer(pictures, recipe, mpp=0.7), out, **options)


@METHODS
def test_a_file_is_written_and_enough(discs, recipe, tmp_path):
    out = tmp_path / "small.safetensors"
    records = list(_train(discs, recipe, out, provenance={"seeds": [1]}))
    assert [r.done for r in records] == [1, 2, 3, 4, 5, 6]
    assert "loss" in records[-1].message
    model, spec = load_model(out)
    assert (spec.mpp, spec.tile_px) == (0.7, recipe.tile_px)
    assert spec.mean != (0.5, 0.5, 0.5)
    assert not model.training
    feature = model(torch.zeros(1, 3, 64, 64))
    assert feature.shape == (1, spec.feature_dim)
    said = examine_weights(out).provenance
    assert said["recipe"]["steps"] == 6
    assert said["seeds"] == [1]
    suffixes = sorted(p.suffix for p in tmp_path.iterdir())
    assert suffixes == [".csv", ".png", ".safetensors"]


@METHODS
def test_closing_and_taking_up_again(discs, recipe, tmp_path, monkeypatch):
    """Stopped in the middle: the checkpoint is used, every file is the same."""
    monkeypatch.setattr("napari_histossl.training.loop._CHECKPOINT_S", 0.0)
    plain, broken = tmp_path / "plain.safetensors", tmp_path / "broken.safetensors"
    list(_train(discs, recipe, plain))
    work = _train(discs, recipe, broken)
    for _ in range(3):
        next(work)
    work.close()
    assert not broken.exists()
    with pytest.raises(PlanError, match="another recipe"):
        next(_train(discs, replace(recipe, seed=9), broken))
    records = list(_train(discs, recipe, broken))
    assert records[0].done == 4
    for suffix in (".safetensors", ".csv", ".png"):
        one, other = plain.with_suffix(suffix), broken.with_suffix(suffix)
        assert one.read_bytes() == other.read_bytes(), suffix
    assert not broken.with_name("broken.safetensors.checkpoint").exists()


def test_half_the_size_and_nearly_the_same_features(discs, tmp_path):
    whole, half = tmp_path / "whole.safetensors", tmp_path / "half.safetensors"
    list(_train(discs, SIMCLR, whole))
    list(_train(discs, SIMCLR, half, half=True))
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    pictures = torch.rand(2, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        exact, rounded = (load_model(p)[0](pictures) for p in (whole, half))
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, exact, rtol=1e-2, atol=1e-2)


def test_a_damaged_checkpoint_says_so(discs, tmp_path):
    from napari_histossl.training.loop import begun_steps

    out = tmp_path / "x.safetensors"
    checkpoint = out.with_name("x.safetensors.checkpoint")
    assert begun_steps(out) is None
    checkpoint.write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match="--overwrite"):
        next(_train(discs, DINO, out))
    torch.save({"something": 1}, checkpoint)
    with pytest.raises(WeightsError, match="--overwrite"):
        begun_steps(out)
    work = _train(discs, DINO, out, overwrite=True)
    assert next(work).done == 1
    work.close()


class _Bomb:
    """A pickle that leaves a file where it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_checkpoint_that_is_a_program_does_not_run(discs, tmp_path):
    out, trace = tmp_path / "x.safetensors", tmp_path / "it_ran"
    torch.save({"step": _Bomb(trace)}, tmp_path / "x.safetensors.checkpoint")
    with pytest.raises(WeightsError, match="--overwrite"):
        next(_train(discs, DINO, out))
    assert not trace.exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_told_and_the_training_taken_up(discs, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_histossl.training.loop._CHECKPOINT_S", 0.0)
    out = tmp_path / "x.safetensors"
    work = _train(discs, DINO, out)
    next(work), next(work)
    partial = out.with_name("x.safetensors.checkpoint.partial")
    partial.symlink_to("/dev/full")
    with pytest.raises(WeightsError, match="free some space"):
        list(work)
    partial.unlink()
    assert next(_train(discs, DINO, out)).done > 1  # from the last checkpoint
    assert list(_train(discs, DINO, out))[-1].done == 6


def test_the_number_of_steps_is_remembered(discs, tmp_path, monkeypatch):
    from napari_histossl.training.loop import begun_steps, steps_in

    monkeypatch.setattr("napari_histossl.training.loop._CHECKPOINT_S", 0.0)
    assert steps_in(lambda: _trainer(discs, DINO), 1.0, trial=1) > 1
    out = tmp_path / "x.safetensors"
    work = _train(discs, DINO, out)
    next(work), next(work)
    work.close()
    assert begun_steps(out) == 6


class _Files:
    """Pictures that are read when needed; counts the reads."""

    def __init__(self, pictures):
        self._pictures, self.shape, self.reads = pictures, pictures.shape, 0

    def __len__(self):
        return len(self._pictures)

    def __getitem__(self, indices):
        self.reads += 1
        return self._pictures[indices]


def test_pictures_from_files_give_the_same_training(discs):
    files = _Files(discs)
    from_array, from_files = _trainer(discs, DINO), _trainer(files, DINO)
    assert [from_array.step() for _ in range(6)] == [
        from_files.step() for _ in range(6)
    ]
    from_files.close()
    assert files.reads <= 9  # one to normalise, six steps, one ahead


def test_a_bad_file_ends_the_training(discs):
    class Broken(_Files):
        def __getitem__(self, indices):
            if self.reads == 3:
                raise PlanError("bad file")
            return super().__getitem__(indices)

    trainer = _trainer(Broken(discs), DINO)
    with pytest.raises(PlanError, match="bad file"):
        [trainer.step() for _ in range(6)]
    trainer.close()


def test_the_curve_shows_the_loss(discs, tmp_path):
    from napari_histossl.training.curve import LossCurve, draw_curve
    from napari_histossl.training.trainer import StepReport

    table, picture = tmp_path / "a.csv", tmp_path / "a.png"
    curve = LossCurve(table, 0)
    for step in range(1, 101):
        curve.add(step, StepReport(100 / step))
    curve.close()
    draw_curve(table, picture)
    drawn = np.asarray(Image.open(picture).convert("RGB")).astype(int)
    blue = (drawn[..., 2] - drawn[..., 0]) > 100
    rows = [np.flatnonzero(blue[:, x]).mean() for x in (70, 200, 500)]
    assert rows[0] < rows[1] - 100
    assert rows[1] < rows[2]
    lines = table.read_text().splitlines()
    assert lines[0] == "step,loss"
    assert lines[-1] == "100,1.00000"


def test_the_curve_shows_the_validation_once_there_is_one(tmp_path):
    from napari_histossl.training.curve import LossCurve, draw_curve
    from napari_histossl.training.supervised import PatchReport

    table, picture = tmp_path / "a.csv", tmp_path / "a.png"
    found = []
    for until in (10, 100):
        curve = LossCurve(table, 0)
        for step in range(1, until + 1):
            curve.add(step, PatchReport(1.0, 0.5 if step > 50 else float("nan")))
        curve.close()
        draw_curve(table, picture)
        drawn = np.asarray(Image.open(picture).convert("RGB")).astype(int)
        orange = (drawn[..., 0] - drawn[..., 2]) > 100
        found.append(orange[100:300])
    assert not found[0].any()
    rows, columns = np.nonzero(found[1])
    assert np.ptp(rows) <= 2
    assert columns.min() > 300


@pytest.mark.gpu
@METHODS
def test_a_graphics_processor_sees_the_same_views(discs, recipe, tmp_path):
    """The first step's loss is that of the processor; the file can be read anywhere."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine")
    here, there = _trainer(discs, recipe), _trainer(discs, recipe, device="cuda")
    assert there.step().loss == pytest.approx(here.step().loss, rel=1e-2)
    resumed = _trainer(discs, recipe, device="cuda")
    resumed.restore(there.state())
    assert np.isfinite(resumed.step().loss)
    out = tmp_path / "a.safetensors"
    list(_train(discs, recipe, out))
    assert load_model(out)[1].tile_px == recipe.tile_px
