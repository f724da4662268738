"""The folder of a person's weights: added once, found by name, usable alone."""

from dataclasses import replace

import pytest

from napari_histossl.errors import WeightsError
from napari_histossl.models import (
    PUBLISHED,
    add_weights,
    create_model,
    examine_weights,
    find_published,
    find_weights,
    list_weights,
    load_model,
    model_spec,
    weights_folder,
)
from napari_histossl.models.library import FOLDER_VARIABLE, spec_for

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 1, "num_heads": 1}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path / "my weights"))
    return tmp_path / "my weights"


@pytest.fixture
def checkpoint(tmp_path):
    model = create_model("vit", **VIT)
    state = {f"module.backbone.{k}": v for k, v in model.state_dict().items()}
    path = tmp_path / "from a page.pth"
    torch.save({"teacher": state, "optimizer": torch.zeros(10**6), "epoch": 3}, path)
    return path


def test_a_checkpoint_becomes_a_file_that_says_all(folder, checkpoint):
    assert weights_folder() == folder
    assert list_weights() == ()
    before = checkpoint.read_bytes()
    spec = spec_for(
        examine_weights(checkpoint),
        mpp=0.25,
        normalisation=((0.7, 0.6, 0.5), (0.1, 0.2, 0.3)),
    )
    added = add_weights(checkpoint, name="mine", spec=spec, provenance={"licence": "x"})
    assert checkpoint.read_bytes() == before
    assert list_weights() == (added,)
    assert added.spec == spec
    assert added.provenance["licence"] == "x"
    assert added.provenance["epoch"] == 3
    assert added.provenance["source"]["sha256"] == examine_weights(checkpoint).sha256
    assert added.path.stat().st_size < checkpoint.stat().st_size / 5
    model, found = load_model(find_weights("mine"))
    assert (found.mpp, found.mean, found.std) == (0.25, spec.mean, spec.std)
    torch.testing.assert_close(
        model.state_dict(), load_model(checkpoint)[0].state_dict()
    )


def test_names(folder, checkpoint):
    add_weights(checkpoint)
    assert find_weights("from a page") == folder / "from a page.safetensors"
    assert find_weights(checkpoint) == checkpoint
    with pytest.raises(WeightsError, match=r"called 'from a page'.*already"):
        add_weights(checkpoint)
    add_weights(checkpoint, overwrite=True)
    for name in ("../up", "a/b", ".hidden"):
        with pytest.raises(WeightsError, match=r"no such file|no file, and none of"):
            find_weights(name)
        with pytest.raises(WeightsError, match="is not a name for weights"):
            add_weights(checkpoint, name=name)
    with pytest.raises(WeightsError, match=r"those added \(from a page\)"):
        find_weights("other")


def test_damaged_files_are_listed_with_the_reason(folder, checkpoint):
    add_weights(checkpoint, name="whole")
    whole = (folder / "whole.safetensors").read_bytes()
    (folder / "half.safetensors").write_bytes(whole[: len(whole) // 2])
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(3)}, folder / "silent.safetensors")
    half, silent, good = list_weights()
    assert "only a part of a safetensors file" in half.problem
    assert "does not say its model" in silent.problem
    assert (half.spec, silent.spec, good.problem) == (None, None, "")


def test_nothing_is_kept_of_a_file_that_does_not_fit(folder, checkpoint):
    with pytest.raises(WeightsError, match="does not fit the model hipt_vit4k_xs"):
        add_weights(checkpoint, spec=model_spec("hipt_vit4k_xs"))
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path, checkpoint):
    (tmp_path / "file").touch()
    with pytest.raises(WeightsError, match="cannot be made"):
        add_weights(checkpoint, folder=tmp_path / "file" / "inside")


def test_heads_that_cannot_be_told(tmp_path, folder):
    model = create_model("vit", **{**VIT, "embed_dim": 24, "num_heads": 3})
    torch.save(model.state_dict(), tmp_path / "narrow.pt")
    with pytest.raises(WeightsError, match="heads cannot be told; say it as well"):
        add_weights(tmp_path / "narrow.pt")
    record = examine_weights(tmp_path / "narrow.pt", num_heads=3)
    added = add_weights(tmp_path / "narrow.pt", spec=spec_for(record))
    assert added.spec.heads == 3


@pytest.mark.parametrize("known", PUBLISHED, ids=lambda known: known.name)
def test_the_table_of_published_models(known):
    with torch.device("meta"):
        model = create_model(known.model, **known.config)
    spec = known.spec
    if spec.task == "features":
        assert spec.feature_dim == model.embed_dim
    else:
        assert len(spec.classes) == spec.n_classes
    assert spec.tile_px % spec.token_px == 0
    assert known.licence
    assert known.origin.startswith("https://")
    assert known.url.startswith("https://") or "to be asked for" in known.title
    assert known.sha256 is None or set(known.sha256) <= set("0123456789abcdef")
    assert find_published(known.name) is known
    if known.sha256:
        assert known.is_hash_of(known.sha256.ljust(64, "0"))
        assert not known.is_hash_of("f" * 64)


def test_a_published_file_is_known_by_its_hash(tmp_path, checkpoint, monkeypatch):
    from napari_histossl.models import published

    digest = examine_weights(checkpoint).sha256
    entry = replace(
        find_published("hipt_vit256"), config=VIT, tile_px=64, sha256=digest[:8]
    )
    monkeypatch.setattr(published, "PUBLISHED", (entry,))
    record = examine_weights(checkpoint)
    assert record.spec == entry.spec
    assert record.provenance["published"] == "hipt_vit256"
    assert "Commons Clause" in record.provenance["licence"]
    assert record.notes == ()
