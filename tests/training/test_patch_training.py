"""Classifier and segmenter: the same numbers again, taken up again, and what is odd."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import DataSetError, PlanError, TrainingError
from napari_histossl.models import examine_weights, load_model
from napari_histossl.training.patch_presets import CLASSIFIER_PRESETS, SEGMENTER_PRESETS
from napari_histossl.training.patch_recipe import ClassifierRecipe, SegmenterRecipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CLASSIFIER = ClassifierRecipe(
    width=1 / 32, epochs=2, batch=4, learning_rate=0.02,
    normalise="pictures", flips="quarters",
)  # fmt: skip
SEGMENTER = SegmenterRecipe(
    backbone="small", epochs=2, batch=4, learning_rate=0.02,
    layers={"truth": 1.0}, normalise="pictures",
)  # fmt: skip
BOTH = pytest.mark.parametrize("recipe", [CLASSIFIER, SEGMENTER], ids=["cls", "seg"])


def _trainer(patches, recipe, validation=None, **options):
    from napari_histossl.training.classifier import ClassifierTrainer
    from napari_histossl.training.segmenter import SegmenterTrainer

    is_classifier = isinstance(recipe, ClassifierRecipe)
    kind = ClassifierTrainer if is_classifier else SegmenterTrainer
    return kind(patches, validation or patches, recipe, **options)


def _train(patches, recipe, out, **options):
    from napari_histossl.training import train

    return train(_trainer(patches, recipe), out, **options)


@pytest.fixture(scope="module")
def patches(drawn_patches):
    return drawn_patches(16)


@BOTH
def test_a_file_is_written_and_enough(patches, recipe, tmp_path):
    out = tmp_path / "small.safetensors"
    records = list(_train(patches, recipe, out, half=True))
    assert records[-1].done == records[-1].total == recipe.epochs * 4
    model, spec = load_model(out)
    assert (spec.mpp, spec.tile_px, model.training) == (1.0, 32, False)
    assert (spec.classes, spec.recipe) == (patches.classes, "paper")
    assert model(torch.zeros(2, 3, 32, 32)).shape[:2] == (2, 4)
    said = examine_weights(out).provenance
    assert said["recipe"]["variant"] == "paper"
    rows = out.with_suffix(".csv").read_text().splitlines()
    assert rows[0] == "step,loss,validation"
    assert rows[1].endswith("nan")
    assert float(rows[-1].split(",")[2]) > 0


@BOTH
def test_closing_and_taking_up_again(patches, recipe, tmp_path, monkeypatch):
    """Stopped in the middle of the second epoch: every file is the same."""
    monkeypatch.setattr("napari_histossl.training.loop._CHECKPOINT_S", 0.0)
    plain, broken = tmp_path / "plain.safetensors", tmp_path / "broken.safetensors"
    list(_train(patches, recipe, plain))
    work = _train(patches, recipe, broken)
    for _ in range(6):
        next(work)
    work.close()
    records = list(_train(patches, recipe, broken))
    assert records[0].done == 7
    for suffix in (".safetensors", ".csv"):
        one, other = plain.with_suffix(suffix), broken.with_suffix(suffix)
        assert one.read_bytes() == other.read_bytes(), suffix


@BOTH
def test_one_seed_one_result(patches, recipe):
    first, again, other = (
        _trainer(patches, replace(recipe, seed=seed)) for seed in (0, 0, 1)
    )
    losses = [first.step().loss for _ in range(3)]
    assert [again.step().loss for _ in range(3)] == losses
    assert other.step().loss != losses[0]


def test_the_classifier_learns(drawn_patches):
    recipe = replace(
        CLASSIFIER, epochs=10, batch=8, dropout_attention=False, dropout=0.0,
        optimiser="adamw", learning_rate=2e-3, flips="both",
    )  # fmt: skip
    trainer = _trainer(drawn_patches(48), recipe, drawn_patches(16, seed=1))
    while not trainer.is_done:
        trainer.step()
    assert trainer.kept.best > 0.8


def test_the_segmenter_learns(patches, drawn_patches):
    trainer = _trainer(patches, replace(SEGMENTER, epochs=8), drawn_patches(8, seed=1))
    while not trainer.is_done:
        trainer.step()
    assert trainer.kept.best > 0.5


def test_mu_falls_after_three_epochs(patches):
    trainer, found = _trainer(patches, CLASSIFIER), []
    for epoch in range(6):
        trainer.step_index = 4 * epoch + 1
        found.append(trainer.mu)
    assert found[:3] == [1.0, 1.0, 1.0]
    assert 1 > found[3] > found[4] > found[5] > 0.9
    published = _trainer(patches, replace(CLASSIFIER, variant="published"))
    assert published.mu is None
    published.step_index = 4 * 3
    assert published.mu == pytest.approx(0.98**3)
    assert _trainer(patches, replace(CLASSIFIER, dropout_attention=False)).mu is None


def test_the_best_epoch_is_kept_and_patience_ends(patches, monkeypatch):
    trainer = _trainer(patches, replace(CLASSIFIER, epochs=9, patience=2, width=1 / 64))
    values = iter([0.6, 0.9, 0.7, 0.8, 0.95])
    monkeypatch.setattr(trainer, "judged", lambda: next(values))
    kept = []
    while not trainer.is_done:
        trainer.step()
        kept.append(trainer.kept.best)
    assert len(kept) == 16  # four epochs: the two after the second were worse
    assert kept[-1] == 0.9
    best = trainer.model.state_dict()["fc8.weight"]
    assert not torch.equal(best, trainer.network.state_dict()["fc8.weight"])


@BOTH
def test_a_loss_that_is_no_number_stops(patches, recipe, tmp_path, monkeypatch):
    monkeypatch.setattr("napari_histossl.training.loop._CHECKPOINT_S", 0.0)
    trainer = _trainer(patches, recipe)
    from napari_histossl.training import train

    out = tmp_path / "x.safetensors"
    work = train(trainer, out)
    for _ in range(5):
        next(work)
    loss = trainer.loss
    monkeypatch.setattr(trainer, "loss", lambda: loss() * float("nan"))
    with pytest.raises(TrainingError, match=r"batch 2 in epoch 2 is nan.*patch\d+.png"):
        next(work)
    state = torch.load(tmp_path / "x.safetensors.checkpoint", weights_only=True)
    assert state["step_index"] == 5
    assert all(v.isfinite().all() for v in state["network"].values())
    assert next(_train(patches, recipe, out)).done == 6  # it can be taken up


def test_impossible_trainings(patches, drawn_patches):
    with pytest.raises(DataSetError, match="no patches to learn from"):
        _trainer(drawn_patches(0), CLASSIFIER)
    with pytest.raises(DataSetError, match="holds lymphocytes or necrosis"):
        _trainer(drawn_patches(2), replace(CLASSIFIER, batch=2))
    with pytest.raises(PlanError, match="at least a batch of 20"):
        _trainer(patches, replace(CLASSIFIER, batch=20))
    for init in ("imagenet", "trained"):
        with pytest.raises(PlanError, match="given weights; got none"):
            _trainer(patches, replace(CLASSIFIER, init=init))
    with pytest.raises(DataSetError, match=r"patch\d+.png has no true mask"):
        _trainer(drawn_patches(16, masks=False), SEGMENTER).step()
    with pytest.raises(PlanError, match="needs pseudo-masks"):
        _trainer(patches, replace(SEGMENTER, layers={"bn7": 1.0}))
    with pytest.raises(PlanError, match="not mixed"):
        replace(SEGMENTER, layers={"bn7": 1.0, "truth": 1.0})
    with pytest.raises(PlanError, match="weight above 0"):
        replace(SEGMENTER, layers={})
    with pytest.raises(PlanError, match="epochs=0"):
        replace(CLASSIFIER, epochs=0)
    trainer = _trainer(patches, CLASSIFIER, drawn_patches(1))
    with pytest.raises(DataSetError, match="same labels"):
        [trainer.step() for _ in range(4)]


def test_masks_of_another_size_are_refused(patches):
    from napari_histossl.training.patch_items import PatchItems

    items = PatchItems(patches, [lambda _index: np.zeros((8, 32), np.uint8)])
    with pytest.raises(DataSetError, match="8 x 32 px, the first patch 32 x 32"):
        items[np.array([1])]


def test_published_numbers():
    first, segmenter = CLASSIFIER_PRESETS["published"], SEGMENTER_PRESETS["published"]
    assert (first.epochs, first.batch, first.learning_rate) == (20, 20, 0.01)
    assert (segmenter.epochs, segmenter.batch, segmenter.momentum) == (30, 20, 0.9)
    assert segmenter.layers == {"b4_5": 0.2, "b5_2": 0.2, "bn7": 0.6}


def test_a_start_from_imagenet_freezes_and_groups(patches, tmp_path):
    """Four groups of rates, as published; batch norms and the first layers stay."""
    from napari_histossl.models import create_model, model_spec, save_weights

    start = tmp_path / "start.safetensors"
    spec = model_spec("resnet38", n_classes=9, width=1 / 32)
    save_weights(create_model("resnet38", n_classes=9, width=1 / 32), spec, start)
    recipe = replace(CLASSIFIER, init="imagenet", variant="published")
    trainer = _trainer(patches, recipe, start=start)
    groups = trainer.optimiser.param_groups
    assert [group["factor"] for group in groups] == [1, 2, 10, 20]
    assert groups[0]["momentum"] == pytest.approx(5e-4)
    before = {k: v.clone() for k, v in trainer.network.state_dict().items()}
    trainer.step()
    after = trainer.network.state_dict()
    moved = {key for key, value in after.items() if not value.equal(before[key])}
    assert "fc8.weight" in moved
    assert "b4_5.conv_branch2a.weight" in moved
    assert not {k for k in moved if "bn" in k or k.startswith(("conv1a", "b2"))}


def test_a_start_from_trained_weights_trains_all(patches, tmp_path):
    out = tmp_path / "first.safetensors"
    list(_train(patches, replace(CLASSIFIER, dropout_attention=False), out))
    recipe = replace(CLASSIFIER, init="trained", learning_rate=1e-6)
    trainer = _trainer(patches, recipe, start=out)
    model, _ = load_model(out)
    before = model.state_dict()
    trainer.step()
    after = trainer.network.state_dict()
    assert torch.allclose(after["fc8.weight"], before["fc8.weight"], atol=1e-3)
    assert not after["bn7.running_mean"].equal(before["bn7.running_mean"])


def test_shrunk_patches_are_averaged_and_say_so(drawn_patches):
    from napari_histossl.training.patch_scale import at_scale, shrunk

    patches = drawn_patches(16)
    small = shrunk(patches, 2)
    blocks = patches.image(3).reshape(16, 2, 16, 2, 3).mean((1, 3))
    np.testing.assert_array_equal(small.image(3), np.rint(blocks).astype(np.uint8))
    np.testing.assert_array_equal(small.mask(3), patches.mask(3)[1::2, 1::2])
    assert small.mpp == 2.0
    assert at_scale(patches, 1.04) is patches
    assert at_scale(patches, 2.0).image(0).shape == (16, 16, 3)
    with pytest.raises(PlanError, match="finer by a whole number"):
        at_scale(patches, 0.5)
    patches.mpp = None
    assert at_scale(patches, 2.0) is patches
    with pytest.raises(PlanError, match="unknown scale"):
        shrunk(patches, 2)


def test_a_segmenter_of_half_the_magnification(drawn_patches):
    from napari_histossl.training.predictions import segmented

    patches = drawn_patches(16, edge=64)
    trainer = _trainer(patches, replace(SEGMENTER, shrink=2, epochs=1))
    while not trainer.is_done:
        trainer.step()
    assert (trainer.spec.mpp, trainer.spec.tile_px) == (2.0, 32)
    model = trainer.model
    index, logits = next(segmented(model, trainer.spec, patches))
    assert (index, logits.shape) == (0, (4, 64, 64))


@pytest.mark.gpu
@BOTH
def test_a_graphics_processor_sees_the_same_patches(patches, recipe):
    """The first step's loss is that of the processor; a checkpoint can be taken up."""
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device on this machine")
    recipe = replace(recipe, dropout=0.0)
    here, there = _trainer(patches, recipe), _trainer(patches, recipe, device="cuda")
    assert there.step().loss == pytest.approx(here.step().loss, rel=1e-2)
    resumed = _trainer(patches, recipe, device="cuda")
    resumed.restore(there.state())
    while resumed.epoch < 1:
        assert np.isfinite(resumed.step().loss)
    assert resumed.kept.best > -1
