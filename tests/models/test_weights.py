"""Files of weights: published layouts, wrong ones, damaged ones, hostile ones."""

import argparse
import os
import pickle
from dataclasses import replace

import pytest

from napari_histossl.classes import BCSS_CLASSES
from napari_histossl.errors import WeightsError
from napari_histossl.models import (
    create_model,
    examine_weights,
    load_model,
    load_weights,
    model_spec,
    save_weights,
)
from napari_histossl.models.registry import build

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

SMALL = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3}


@pytest.fixture
def model():
    torch.manual_seed(0)
    return create_model("vit", **SMALL)


def _equal(model, other):
    theirs = other.state_dict()
    return all(torch.equal(v, theirs[k]) for k, v in model.state_dict().items())


def test_a_file_alone_is_enough(model, tmp_path):
    path = tmp_path / "made here.safetensors"
    save_weights(model, model_spec("vit", **SMALL), path, provenance={"seed": 4})
    loaded, spec = load_model(path)
    assert _equal(model, loaded)
    assert not loaded.training
    assert (spec.token_px, spec.heads, spec.config["depth"]) == (8, 3, 2)
    record = examine_weights(path)
    assert record.spec == spec
    assert record.provenance == {"seed": 4}
    assert len(record.sha256) == 64
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name]


def test_classes_and_recipe_are_in_the_file(tmp_path):
    """And a file that names more classes than it has logits is refused."""
    spec = replace(
        model_spec("resnet38", n_classes=4, width=1 / 16),
        classes=BCSS_CLASSES,
        recipe="paper",
        mpp=0.5,
        tile_px=112,
    )
    path = tmp_path / "classifier.safetensors"
    save_weights(build(spec), spec, path)
    assert load_model(path)[1] == spec
    assert examine_weights(path).spec == spec
    wrong = replace(spec, config={"n_classes": 3, "width": 1 / 16})
    save_weights(build(wrong), wrong, path)
    with pytest.raises(WeightsError, match="has 3 logits and names 4 classes"):
        load_model(path)


def test_a_published_training_checkpoint(model, tmp_path):
    """DINO's: a teacher with prefixes and a head, options in an argparse.Namespace."""
    teacher = {f"module.backbone.{k}": v for k, v in model.state_dict().items()}
    teacher["module.head.mlp.0.weight"] = torch.zeros(2, 2)
    student = {k: torch.zeros_like(v) for k, v in teacher.items()}
    path = tmp_path / "dino.pth"
    torch.save(
        {
            "student": student,
            "teacher": teacher,
            "epoch": 3,
            "args": argparse.Namespace(arch="vit_small", lr=0.0005),
            "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]},
        },
        path,
    )
    assert _equal(model, load_weights(create_model("vit", **SMALL), path))


@pytest.mark.parametrize("wrapped", [False, True])
def test_plain_state_dicts(model, tmp_path, wrapped):
    path, state = tmp_path / "plain.pt", model.state_dict()
    torch.save({"state_dict": state} if wrapped else state, path)
    assert _equal(model, load_weights(create_model("vit", **SMALL), path))


def test_another_architecture_is_named_exactly(model, tmp_path):
    path = tmp_path / "other.pt"
    state = model.state_dict()
    state["fc.weight"] = torch.zeros(3, 3)
    del state["norm.bias"]
    torch.save(state, path)
    wider = create_model("vit", **{**SMALL, "img_size": 64})
    with pytest.raises(WeightsError) as caught:
        load_weights(wider, path, name="vit")
    sentence = str(caught.value)
    assert "1 keys are missing (norm.bias)" in sentence
    assert "1 are extra (fc.weight)" in sentence
    assert "pos_embed is (1, 17, 24), expected (1, 65, 24)" in sentence
    assert "\n" not in sentence


class _Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch '{self.target}'",)


@pytest.mark.parametrize("writer", ["pickle", "torch"])
def test_a_malicious_pickle_does_not_run(model, tmp_path, writer):
    path, target = tmp_path / "bomb.pth", tmp_path / "it ran"
    content = {"teacher": model.state_dict(), "extra": _Bomb(target)}
    if writer == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    for read in (examine_weights, load_model, lambda file: load_weights(model, file)):
        with pytest.raises(WeightsError, match="was not run: it asks for"):
            read(path)
    assert not target.exists()
    torch.load(path, weights_only=False) if writer == "torch" else pickle.loads(
        path.read_bytes()
    )
    assert target.exists(), "the bomb is a dud: the test proves nothing"


def test_damaged_files(model, tmp_path):
    whole = tmp_path / "whole.safetensors"
    save_weights(model, model_spec("vit", **SMALL), whole)
    half = tmp_path / "half.safetensors"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    torch.save(model.state_dict(), tmp_path / "whole.pt")
    half_pt = tmp_path / "half.pt"
    half_pt.write_bytes((tmp_path / "whole.pt").read_bytes()[:5000])
    text = tmp_path / "text.safetensors"
    text.write_text("these are not weights")
    empty = tmp_path / "empty.pth"
    empty.touch()
    for path in (half, half_pt, text, empty, tmp_path / "absent.pt"):
        with pytest.raises(WeightsError, match=path.name):
            load_weights(model, path)
    with pytest.raises(WeightsError, match="not a safetensors file"):
        load_model(text)


def test_values_that_are_not_finite(model, tmp_path):
    state = model.state_dict()
    state["norm.weight"] = torch.full((24,), float("nan"))
    torch.save(state, tmp_path / "nan.pt")
    with pytest.raises(WeightsError, match=r"not finite in norm\.weight"):
        load_weights(model, tmp_path / "nan.pt")


def test_files_that_hold_something_else(model, tmp_path):
    torch.save([1, 2, 3], tmp_path / "list.pt")
    with pytest.raises(WeightsError, match="holds no state dict: got list"):
        load_weights(model, tmp_path / "list.pt")
    torch.save(model.state_dict(), tmp_path / "silent.pt")
    with pytest.raises(WeightsError, match="does not say which model"):
        load_model(tmp_path / "silent.pt")
    assert examine_weights(tmp_path / "silent.pt").spec is None


def test_a_full_disk(model, tmp_path):
    """No file may grow beyond 1000 bytes; what was there before stays there."""
    resource = pytest.importorskip("resource", reason="limits of POSIX")
    spec, path = model_spec("vit", **SMALL), tmp_path / "a.safetensors"
    save_weights(model, spec, path)
    before = path.read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(WeightsError, match="cannot be written to"):
            save_weights(model, spec, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert path.read_bytes() == before
    save_weights(model, spec, path)


def test_writing_where_one_cannot(model, tmp_path):
    spec = model_spec("vit", **SMALL)
    with pytest.raises(WeightsError, match="no folder"):
        save_weights(model, spec, tmp_path / "no folder" / "a.safetensors")
    with pytest.raises(WeightsError, match=r"written as \.safetensors"):
        save_weights(model, spec, tmp_path / "a.pt")
