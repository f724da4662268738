"""Files as they are published: found, told apart and loaded without naming a model."""

import argparse
import pickle
import subprocess
import sys
import types
import zipfile
from dataclasses import replace

import pytest

from napari_histossl.errors import WeightsError
from napari_histossl.models import (
    add_weights,
    create_model,
    examine_weights,
    find_published,
    load_model,
    load_weights,
)
from napari_histossl.models.library import spec_for

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

VIT = {"img_size": 28, "patch_size": 14, "embed_dim": 64, "depth": 2, "num_heads": 1}
RESNET = {"depth": 18, "width": 8}


@pytest.fixture
def vit():
    torch.manual_seed(0)
    return create_model("vit", **VIT)


@pytest.fixture
def resnet():
    torch.manual_seed(0)
    return create_model("resnet", **RESNET)


def _prefixed(prefix, model, scale=1):
    return {f"{prefix}{k}": v * scale for k, v in model.state_dict().items()}


def _equal(model, other):
    theirs = other.state_dict()
    return all(torch.equal(v, theirs[k]) for k, v in model.state_dict().items())


def _dino(vit):
    """DINO's: student and teacher with prefixes and heads, options in a namespace."""
    teacher = _prefixed("module.backbone.", vit)
    teacher["module.head.mlp.0.weight"] = torch.zeros(2, 2)
    teacher["module.head.last_layer.weight_g"] = torch.zeros(2, 1)
    return {
        "student": {key: torch.zeros_like(value) for key, value in teacher.items()},
        "teacher": teacher,
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(9)}}, "param_groups": []},
        "epoch": 3,
        "args": argparse.Namespace(arch="vit_small", lr=0.0005, crops=[0.4, 1.0]),
    }


@pytest.mark.parametrize("zipped", [True, False])
def test_dino_without_naming_the_model(vit, tmp_path, zipped):
    path = tmp_path / "dino.pth"
    torch.save(_dino(vit), path, _use_new_zipfile_serialization=zipped)
    model, spec = load_model(path)
    assert _equal(vit, model)
    assert (spec.name, spec.token_px, spec.heads, spec.tile_px) == ("vit", 14, 1, 28)
    record = examine_weights(path)
    assert record.spec == spec
    assert record.provenance["epoch"] == 3
    assert record.provenance["options"]["crops"] == [0.4, 1.0]
    assert "the file says neither scale nor normalisation" in record.notes[0]


def test_a_full_size_file_is_known_as_the_preset(tmp_path):
    model = create_model("vit_small_patch16").half()
    torch.save({"teacher": _prefixed("backbone.", model)}, tmp_path / "hipt.pth")
    loaded, spec = load_model(tmp_path / "hipt.pth")
    assert (spec.name, spec.mpp, spec.tile_px) == ("vit_small_patch16", 0.5, 256)
    assert spec.mean == (0.5, 0.5, 0.5)
    torch.testing.assert_close(loaded.norm.bias, model.norm.bias.float())


def test_normalisation_from_the_options(vit, tmp_path):
    options = {"mean": [0.7, 0.5, 0.6], "std": (0.2, 0.3, 0.2), "layers": [1, {}]}
    content = {"state_dict": vit.state_dict(), "hyper_parameters": options}
    torch.save(content, tmp_path / "a.ckpt")
    _, spec = load_model(tmp_path / "a.ckpt")
    assert (spec.mean, spec.std) == ((0.7, 0.5, 0.6), (0.2, 0.3, 0.2))


@pytest.fixture
def lightning(monkeypatch):
    """A class of a library that is gone when the file is read."""
    module = types.ModuleType("pytorch_lightning")
    kind = type("ModelCheckpoint", (dict,), {"__module__": module.__name__})
    module.ModelCheckpoint = kind
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return kind


@pytest.mark.parametrize("zipped", [True, False])
def test_lightning_with_its_callbacks(resnet, lightning, tmp_path, monkeypatch, zipped):
    """Ciga's: 'model.resnet.' in front, a projector, objects of the library beside."""
    state = _prefixed("model.resnet.", resnet)
    state["model.projector.0.weight"] = torch.zeros(4, 4)
    made = lightning(best=1.5)
    made.monitor = "loss"
    content = {
        "epoch": 999,
        "callbacks": {lightning: made},
        "lr_schedulers": [made],
        "state_dict": state,
    }
    path = tmp_path / "resnet.ckpt"
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with monkeypatch.context() as gone:
        gone.delitem(sys.modules, "pytorch_lightning")
        model, spec = load_model(path)
    assert _equal(resnet, model)
    assert not spec.has_attention
    assert examine_weights(path).provenance["epoch"] == 999


@pytest.mark.parametrize("prefix", ["module.encoder_q.", "encoder_q."])
def test_moco(resnet, tmp_path, prefix):
    """The encoder of queries, not that of keys; the queue and the head are left out."""
    state = _prefixed(prefix.replace("_q", "_k"), resnet, 2)
    state |= _prefixed(prefix, resnet)
    state |= {f"{prefix}fc.0.weight": torch.zeros(3, 3), "queue": torch.zeros(3)}
    torch.save({"state_dict": state, "arch": "resnet50"}, tmp_path / "moco.pth.tar")
    model, _ = load_model(tmp_path / "moco.pth.tar")
    assert _equal(resnet, model)


def test_timm_and_torchvision_names(vit, resnet, tmp_path):
    from safetensors.torch import save_file

    state = {**vit.state_dict(), "head.weight": torch.zeros(5, 64)}
    save_file(state, tmp_path / "timm.safetensors")
    assert _equal(vit, load_model(tmp_path / "timm.safetensors")[0])
    old = {k: v for k, v in resnet.state_dict().items() if "num_batches" not in k}
    torch.save({**old, "fc.weight": torch.zeros(5, 64)}, tmp_path / "old.pth")
    assert _equal(resnet, load_model(tmp_path / "old.pth")[0])


def test_a_whole_network_fits_the_truncated_one(tmp_path):
    whole = create_model("resnet", depth=50, width=8)
    torch.save(whole.state_dict(), tmp_path / "whole.pth")
    cut = create_model("resnet", depth=50, width=8, stages=3)
    load_weights(cut, tmp_path / "whole.pth")
    theirs = whole.state_dict()
    assert all(torch.equal(v, theirs[k]) for k, v in cut.state_dict().items())


def test_almost_one_of_ours(vit, tmp_path):
    """Layer scale: looks like a vision transformer, and is another one."""
    extra = {f"blocks.{i}.ls1.gamma": torch.ones(64) for i in range(2)}
    torch.save({**vit.state_dict(), **extra}, tmp_path / "scaled.pth")
    with pytest.raises(WeightsError, match=r"2 are extra \(blocks\.0\.ls1\.gamma"):
        load_model(tmp_path / "scaled.pth")


def test_a_model_that_cannot_be_told(tmp_path):
    narrow = create_model("vit", **{**VIT, "embed_dim": 24, "num_heads": 3})
    torch.save(narrow.state_dict(), tmp_path / "narrow.pth")
    record = examine_weights(tmp_path / "narrow.pth")
    assert record.spec is None
    assert "number of heads cannot be told" in record.notes[0]
    with pytest.raises(WeightsError, match="name the model as well"):
        load_model(tmp_path / "narrow.pth")
    torch.save({"u.weight": torch.zeros(2)}, tmp_path / "unknown.pth")
    with pytest.raises(WeightsError, match="of no architecture that is known here"):
        load_model(tmp_path / "unknown.pth")


class _Unknown:
    """A class that is neither PyTorch's nor a training library's."""


def test_other_things_that_links_give(vit, tmp_path):
    pointer = tmp_path / "pointer.pth"
    pointer.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:69\n")
    page = tmp_path / "page.pth"
    page.write_text("<!DOCTYPE html><html></html>")
    torch.save({"state_dict": vit.state_dict(), "x": _Unknown()}, tmp_path / "x.pth")
    with zipfile.ZipFile(tmp_path / "program.pt", "w") as archive:
        archive.writestr("program/data.pkl", pickle.dumps({}))
        archive.writestr("program/code/__torch__.py", "")
    for name, sentence in [
        ("pointer.pth", "pointer of Git LFS"),
        ("page.pth", "a web page, not weights"),
        ("x.pth", "was not run: it asks for .*_Unknown"),
        ("program.pt", "a program or an archive"),
    ]:
        for read in (examine_weights, load_model):
            with pytest.raises(WeightsError, match=sentence):
                read(tmp_path / name)


def test_examining_does_not_import_torch(vit, tmp_path):
    torch.save(_dino(vit), tmp_path / "dino.pth")
    code = (
        "import sys; from napari_histossl.models import examine_weights; "
        f"spec = examine_weights({str(tmp_path / 'dino.pth')!r}).spec; "
        "sys.exit('torch' in sys.modules or spec.token_px != 14)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_weak_supervision_of_both_stages(tmp_path):
    """Han et al.'s: a bare state dict, then one beside its optimiser."""
    torch.manual_seed(0)
    stages = {
        "stage1.pth": create_model("resnet38", width=1 / 16),
        "stage2.pth": create_model("deeplabv3plus", backbone="small"),
    }
    torch.save(stages["stage1.pth"].state_dict(), tmp_path / "stage1.pth")
    second = {"state_dict": stages["stage2.pth"].state_dict(), "optimizer": {}}
    torch.save(second, tmp_path / "stage2.pth")
    for name, model in stages.items():
        loaded, spec = load_model(tmp_path / name)
        assert _equal(model, loaded)
        assert spec.config["n_classes"] == 4
        assert (spec.mean, spec.std) == ((0, 0, 0), (1, 1, 1))
        assert spec.classes is None  # no such file says them


def test_classes_and_recipe_go_with_a_published_file(tmp_path):
    """Named as one of the table, a file becomes one that says its classes."""
    model = create_model("resnet38", width=1 / 16)
    torch.save(model.state_dict(), tmp_path / "luad.pth")
    known = replace(find_published("han_luad_classifier"), config={"width": 1 / 16})
    record = examine_weights(tmp_path / "luad.pth")
    spec = spec_for(record, published=known)
    added = add_weights(tmp_path / "luad.pth", spec=spec, folder=tmp_path / "mine")
    assert added.spec == spec
    assert (added.spec.recipe, added.spec.mpp, added.spec.tile_px) == (
        "published",
        1.0,
        224,
    )
    assert [info.name for info in added.spec.classes][1] == "necrosis"


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("resnet38", {"width": 1 / 16}),
        ("deeplabv3plus", {"backbone": "small"}),
    ],
)
@pytest.mark.parametrize("has_classes", [True, False])
def test_a_start_from_other_classes(tmp_path, name, config, has_classes):
    """ImageNet's, or a segmenter's of 21 classes: all but the last layer is taken."""
    source = create_model(name, n_classes=21, **config)
    last = source.class_layer
    state = source.state_dict()
    if not has_classes:
        state = {k: v for k, v in state.items() if not k.startswith(last)}
    torch.save({"state_dict": state}, tmp_path / "start.pth.tar")
    network = create_model(name, n_classes=4, **config)
    drawn = {k: v for k, v in network.state_dict().items() if k.startswith(last)}
    before = {key: value.clone() for key, value in drawn.items()}
    load_weights(network, tmp_path / "start.pth.tar", fresh=(last,))
    for key, value in network.state_dict().items():
        assert torch.equal(value, before.get(key, state.get(key)))
    assert before
    with pytest.raises(WeightsError, match="does not fit"):
        load_weights(network, tmp_path / "start.pth.tar")
