"""`napari-histossl weights`: list, check, add, fetch; what it says and refuses."""

import functools
import http.server
import threading
from types import SimpleNamespace

import pytest

from napari_histossl.cli import main

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

VIT = {"img_size": 32, "patch_size": 8, "embed_dim": 64, "depth": 1, "num_heads": 1}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("NAPARI_HISTOSSL_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def shell(capsys, folder):
    """Run a command in this process: exit code, output, errors."""

    def run(*arguments):
        try:
            main([*map(str, arguments)])
            code = 0
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return run


@pytest.fixture
def weights(shell):
    return lambda *arguments: shell("weights", *arguments)


@pytest.fixture
def checkpoint(tmp_path):
    from napari_histossl.models import create_model

    model = create_model("vit", **VIT)
    state = {f"backbone.{key}": value for key, value in model.state_dict().items()}
    (tmp_path / "page").mkdir()
    path = tmp_path / "page" / "dino.pth"
    torch.save({"teacher": state, "epoch": 9}, path)
    return path


def test_list_add_list(weights, checkpoint, folder):
    empty = weights("list")
    assert empty.code == 0
    assert "none yet" in empty.out
    assert "hipt_vit256" in empty.out
    assert "Commons Clause" in empty.out
    assert "sha256 6960cd5a8657" in empty.out
    assert "hash not published" in empty.out
    added = weights("add", checkpoint, "--name", "mine", "--mpp", 0.5,
                    "--normalisation", "0.7,0.5,0.6/0.2,0.3,0.2")  # fmt: skip
    assert added.code == 0, added.err
    assert "added     mine: vit, 1 heads, 64 features, tiles of 32 px" in added.out
    assert "0.5 um/px, normalised 0.7,0.5,0.6/0.2,0.3,0.2" in added.out
    assert (folder / "mine.safetensors").is_file()
    assert "  mine  " in weights("list").out
    again = weights("add", checkpoint, "--name", "mine")
    assert again.code == 1
    assert again.err.startswith("error: there are weights called 'mine'")


def test_added_weights_are_used_by_name(weights, checkpoint, tiny_tiff, shell):
    assert weights("add", checkpoint, "--name", "mine", "--mpp", 0.5).code == 0
    said = shell("attention", tiny_tiff, "--weights", "mine", "--plan")
    assert said.code == 0, said.err
    assert "mine.safetensors" in said.out
    said = shell("attention", tiny_tiff, "--weights", "other", "--plan")
    assert said.code == 1
    assert "none of those added (mine)" in said.err


def test_check(weights, checkpoint, folder):
    said = weights("check", checkpoint)
    assert said.code == 0, said.err
    for words in ("sha256    ", "epoch     9", "says neither scale nor normalisation",
                  "model     vit, 1 heads", "all there", "all finite"):  # fmt: skip
        assert words in said.out
    assert not folder.exists()


def test_check_refuses(weights, checkpoint, tmp_path):
    half = tmp_path / "half.pth"
    half.write_bytes(checkpoint.read_bytes()[:9000])
    broken = torch.load(checkpoint, weights_only=True)
    broken["teacher"]["backbone.norm.bias"][3] = float("nan")
    torch.save(broken, tmp_path / "nan.pth")
    for arguments, sentence in [
        ([half], "only a part of one"),
        ([tmp_path / "nan.pth"], "not finite in norm.bias"),
        ([tmp_path / "absent.pth"], "cannot be read"),
        ([checkpoint, "--model", "resnet50_trunc"], "does not fit the model resnet50"),
        ([checkpoint, "--published", "ciga"], "no published model 'ciga'"),
    ]:
        said = weights("check", *arguments)
        assert said.code == 1
        assert sentence in said.err
        assert said.err.count("\n") == 1


def test_check_names_every_tensor_that_does_not_fit(weights, checkpoint, tmp_path):
    content = torch.load(checkpoint, weights_only=True)
    teacher = content["teacher"]
    gone = [key for key in teacher if ".mlp." in key]
    for key in gone:
        del teacher[key]
    teacher["backbone.blocks.0.ls1.gamma"] = torch.ones(64)
    teacher["backbone.head.weight"] = torch.ones(2, 64)
    teacher["backbone.norm.bias"] = torch.ones(65)
    torch.save(content, tmp_path / "other.pth")
    said = weights("check", tmp_path / "other.pth")
    assert said.code == 1
    for key in gone:
        assert f"missing   {key.removeprefix('backbone.')}\n" in said.out
    assert "extra     blocks.0.ls1.gamma\n" in said.out
    assert "left out  head.weight\n" in said.out
    assert "reshaped  norm.bias is (65,), expected (64,)\n" in said.out
    assert "4 keys are missing" in said.err


def test_impossible_normalisations(weights, checkpoint):
    for text in ("0.5", "1,2,3/0,1,1", "a,b,c/1,1,1", "1,2/1,2"):
        said = weights("add", checkpoint, "--normalisation", text)
        assert said.code == 1
        assert "a normalisation is half, imagenet, or" in said.err


@pytest.fixture
def address(checkpoint, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    handler = functools.partial(
        http.server.SimpleHTTPRequestHandler, directory=str(checkpoint.parent)
    )
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/dino.pth"
        server.shutdown()
        thread.join()


def test_fetch(weights, address, folder):
    said = weights("fetch", address, "--mpp", 0.5)
    assert said.code == 0, said.err
    assert "added     dino: vit" in said.out
    assert [p.name for p in folder.rglob("*") if p.is_file()] == ["dino.safetensors"]


def test_fetch_what_is_not_there(weights, address):
    said = weights("fetch", f"{address}x")
    assert (said.code, "the server answers 404" in said.err) == (1, True)
    said = weights("fetch", "no such model")
    assert (said.code, "no published model 'no such model'" in said.err) == (1, True)


def test_what_must_be_asked_for(weights, tmp_path):
    """No address is published: where to ask, and how to add the file then."""
    said = weights("fetch", "han_luad_classifier")
    assert said.code == 1
    assert "ask at https://github.com/ChuHan89/WSSS-Tissue" in said.err
    assert "--published han_luad_classifier" in said.err


def test_classes_of_weights(weights, tmp_path):
    """A classifier says its classes where another model says its heads."""
    from dataclasses import replace

    from napari_histossl.classes import BCSS_CLASSES
    from napari_histossl.models import create_model, model_spec, save_weights

    options = {"n_classes": 4, "width": 1 / 16}
    network, spec = create_model("resnet38", **options), model_spec("resnet38")
    torch.save(network.state_dict(), tmp_path / "silent.pth")
    said = weights("check", tmp_path / "silent.pth")
    assert said.code == 0, said.err
    assert "resnet38, the classes of a tile, 4 without names, tiles of 224" in said.out
    path = tmp_path / "named.safetensors"
    save_weights(network, replace(spec, config=options, classes=BCSS_CLASSES), path)
    said = weights("check", path)
    assert "classes of a tile: tumour, stroma, lymphocytes, necrosis," in said.out
