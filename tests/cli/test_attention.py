"""`napari-histossl attention`: what it prints, writes, refuses, and takes up again."""

import os
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from napari_histossl.cli import main

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

CONFIG = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3}


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    from dataclasses import replace

    from napari_histossl.models import create_model, model_spec, save_weights

    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    spec = replace(model_spec("vit", **CONFIG), tile_px=32, mpp=0.5)
    save_weights(create_model("vit", **CONFIG), spec, path)
    return path


@pytest.fixture
def attention(capsys):
    """Run the command in this process: exit code, output, errors."""

    def run(*arguments):
        try:
            main(["attention", *map(str, arguments)])
            code = 0
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr()
        return SimpleNamespace(code=code, out=said.out, err=said.err)

    return run


def test_a_slide_from_the_shell_twice(tiny_tiff, weights, tmp_path, attention):
    from napari_histossl.store import Pyramid

    first = attention(tiny_tiff, "--weights", weights, "--workspace", tmp_path / "work")
    assert first.code == 0, first.err
    for word in ("level 0 at 0.5 x 0.5", "3 heads", "softmax", "written"):
        assert word in first.out
    out = next((tmp_path / "work").rglob("*.ome.zarr"))
    with Pyramid.open(out) as pyramid:
        done = pyramid.done_keys()
        values = pyramid.read(pyramid.levels[0].box)
    assert 0 < len(done) < 22 * 29  # the tissue alone
    assert np.isfinite(values[:, 44, 56]).all()
    assert np.isnan(values[:, 0, 0]).all()
    second = attention(
        tiny_tiff, "--weights", weights, "--workspace", tmp_path / "work"
    )
    assert second.code == 0, second.err


def test_a_plan_alone_writes_nothing(tiny_tiff, weights, tmp_path, attention):
    shown = attention(
        tiny_tiff, "--weights", weights, "--out", tmp_path / "o", "--plan"
    )
    assert shown.code == 0, shown.err
    assert "tiles" in shown.out
    assert not (tmp_path / "o").exists()


def test_a_picture_without_a_scale(tissue_picture, weights, tmp_path, attention):
    path = tmp_path / "picture.png"
    Image.fromarray(tissue_picture).save(path)
    refused = attention(path, "--weights", weights)
    _assert_refused(refused, "--mpp 0.5")
    assert not (tmp_path / "picture.png.histossl").exists()
    taken = attention(path, "--weights", weights, "--mpp", "0.5", "--name", "mine")
    assert taken.code == 0, taken.err
    assert (tmp_path / "picture.png.histossl/overlays/mine.ome.zarr").is_dir()


def test_no_tissue(weights, tmp_path, attention):
    path = tmp_path / "white.png"
    Image.fromarray(np.full((600, 600, 3), 246, np.uint8)).save(path)
    _assert_refused(attention(path, "--weights", weights, "--mpp", "0.5"), "no tissue")
    assert not (tmp_path / "white.png.histossl").exists()


def test_weights_that_are_none(tiny_tiff, weights, tmp_path, attention):
    from napari_histossl.models import load_model

    state = load_model(weights)[0].state_dict()
    torch.save(state, tmp_path / "silent.pt")
    (tmp_path / "bomb.pth").write_bytes(pickle.dumps(_Bomb(tmp_path / "it ran")))
    cases = {
        ("--weights", tmp_path / "absent.pt"): "cannot be read",
        ("--weights", tmp_path / "silent.pt"): "name the model",
        ("--weights", tmp_path / "silent.pt", "--model", "vit_small_patch16"):
            "does not fit the model vit_small_patch16",
        ("--weights", tmp_path / "bomb.pth", "--model", "vit"): "was not run",
    }  # fmt: skip
    for options, words in cases.items():
        _assert_refused(attention(tiny_tiff, *options, "--out", tmp_path / "o"), words)
        assert not (tmp_path / "o").exists()
    assert not (tmp_path / "it ran").exists()


def test_a_table_of_slides_goes_on_after_a_bad_one(
    tiny_tiff, tissue_picture, weights, tmp_path, attention
):
    Image.fromarray(tissue_picture).save(tmp_path / "second.png")
    (tmp_path / "broken.svs").write_bytes(b"II*\0 no slide at all")
    white = np.full((600, 600, 3), 246, np.uint8)
    Image.fromarray(white).save(tmp_path / "white.png")
    table = tmp_path / "slides.csv"
    table.write_text(
        f"slide,mpp\n{tiny_tiff.name},\nbroken.svs,\nabsent.svs,\nwhite.png,0.5\n"
        f"second.png,0.5\n"
    )
    done = attention("--slides", table, "--weights", weights, "--name", "a")
    assert done.code == 1
    assert "Traceback" not in done.err
    for name in (tiny_tiff.name, "second.png"):
        assert (tmp_path / f"{name}.histossl/overlays/a.ome.zarr").is_dir()
        assert f"slide {1 if name == tiny_tiff.name else 5} of 5" in done.out
    summary = done.out[done.out.index("done      2 of 5 slides") :]
    for name, words in {
        "broken.svs": "is incomplete",
        "absent.svs": "does not exist",
        "white.png": "no tissue",
    }.items():
        line = next(text for text in summary.splitlines() if name in text)
        assert line.startswith("failed")
        assert words in line, line
    good = tmp_path / "good.csv"
    good.write_text(f"slide,mpp\n{tiny_tiff.name},\nsecond.png,0.5\n")
    again = attention("--slides", good, "--weights", weights, "--name", "a")
    assert again.code == 0, again.err
    assert "done      2 of 2 slides" in again.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give a slide, or a table"),
        (("--slides", "absent.csv"), "cannot be read as a table"),
        (("--slides", "a.csv", "--out", "o"), "--out names one overlay"),
    ],
)
def test_neither_a_slide_nor_a_table(arguments, words, attention, tmp_path):
    _assert_refused(attention(*arguments), words)


def test_choices_from_the_shell(tiny_tiff, weights, tmp_path, attention):
    from napari_histossl.store import Pyramid

    shown = attention(
        tiny_tiff, "--weights", weights, "--out", tmp_path / "o.ome.zarr", "--mean",
        "--values", "rank", "--block", "0", "--overlap", "0.5", "--device", "cpu",
    )  # fmt: skip
    assert shown.code == 0, shown.err
    assert "computed on CPU" in shown.out
    with Pyramid.open(tmp_path / "o.ome.zarr") as pyramid:
        assert pyramid.channel_names[-1] == "mean of heads"
        told = pyramid.provenance["parameters"]
    assert told["block"] == 0
    assert told["step_px"] == 16
    assert told["unit"] == "rank within a tile (%)"
    for options, words in {
        ("--block", "2"): "has blocks 0 to 1",
        ("--values", "loud"): "relative, softmax, rank",
        ("--overlap", "0.9"): "a share of 0 to 0.75",
        ("--batch", "0"): "batch 0",
        ("--device", "abacus"): "no device 'abacus'",
    }.items():
        _assert_refused(attention(tiny_tiff, "--weights", weights, *options), words)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_absent(tiny_tiff, weights, tmp_path, attention):
    refused = attention(
        tiny_tiff, "--weights", weights, "--device", "cuda", "--workspace", tmp_path
    )
    _assert_refused(refused, "a GPU was asked for")
    assert not list(tmp_path.rglob("*.zarr"))


@pytest.mark.parametrize("mpp", ["500", "0.000001", "nan", "-1", "0"])
def test_an_absurd_scale(tissue_picture, weights, tmp_path, attention, mpp):
    path = tmp_path / "picture.png"
    Image.fromarray(tissue_picture).save(path)
    _assert_refused(attention(path, "--weights", weights, f"--mpp={mpp}"), mpp[:3])
    assert not list(tmp_path.rglob("*.zarr"))


@pytest.mark.usefixtures("modes_hold")
def test_a_folder_that_may_not_be_written(tiny_tiff, weights, tmp_path, attention):
    words = (tiny_tiff, "--weights", weights)
    tmp_path.chmod(0o500)
    try:
        _assert_refused(attention(*words), "a workspace folder in which you may write")
    finally:
        tmp_path.chmod(0o700)
    assert attention(*words, "--workspace", tmp_path / "elsewhere").code == 0


class _Bomb:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return os.system, (f"touch '{self.target}'",)


def _assert_refused(finished, words):
    assert finished.code == 1
    assert "Traceback" not in finished.err
    last = finished.err.splitlines()[-1]  # a bar may stand above it
    assert last.startswith("error: ")
    assert words in last
