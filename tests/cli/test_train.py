"""`napari-histossl train`: trainings of seconds, and a judgement."""

import sys

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from tests.conftest import draw_tissue

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _run(*arguments):
    from napari_histossl.cli import app

    return CliRunner().invoke(app, ["train", *map(str, arguments), "--threads", "1"])


def _said(out):
    from napari_histossl.models import examine_weights

    return examine_weights(out)


def test_train_and_judge(tmp_path, monkeypatch):
    out = tmp_path / "a.safetensors"
    command = ["dino", "--out", str(out), "--steps", "2", "--drawn", "2",
               "--patches", "5", "--seed", "3"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["napari-histossl", "train", *command])
    done = _run(*command)
    assert done.exit_code == 0, done.output
    record = _said(out)
    assert record.provenance["method"] == "DINO, recipe small"
    assert record.provenance["recipe"]["steps"] == 2
    assert record.provenance["recipe"]["seed"] == 3
    assert record.provenance["drawing"]["seeds"] == [1, 2]
    assert record.provenance["command"].endswith("--patches 5 --seed 3")
    assert record.sha256 in done.output
    assert out.with_suffix(".png").exists()

    judged = _run("evaluate", out, "--starts", "1", "--slides", "1")
    assert judged.exit_code == 0, judged.output
    lines = judged.output.splitlines()
    for name in ("trained", "random start 0", "mean of random"):
        assert any(line.startswith(name) for line in lines), judged.output


def test_simclr_on_drawn_tissue_in_two_magnifications(tmp_path):
    out = tmp_path / "a.safetensors"
    done = _run("simclr", "--out", out, "--steps", 1, "--drawn", 1, "--patches", 5,
                "--patch-px", 64, "--batch", 8, "--at-mpp", 0.5, "--at-mpp", 1,
                "--half")  # fmt: skip
    assert done.exit_code == 0, done.output
    record = _said(out)
    assert record.spec.name == "resnet"
    assert record.spec.mpp == 0.5
    assert [d["mpp"] for d in record.provenance["drawing"]] == [0.5, 1.0]
    judged = _run("evaluate", out)
    assert judged.exit_code == 1
    assert "no attention" in str(judged.exception)


def test_a_folder_of_pictures(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "pictures").mkdir()
    for number in range(6):
        pixels = rng.integers(0, 255, (80, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pictures" / f"{number}.png")
    out = tmp_path / "a.safetensors"
    done = _run("dino", "--recipe", "small", "--out", out, "--pictures",
                tmp_path / "pictures", "--steps", 1, "--batch", 8, "--patch-px", 40,
                "--at-mpp", 0.25, "--at-mpp", 0.5)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "6 pictures, 12 with all magnifications" in done.output
    assert _said(out).spec.mpp == 0.25


def test_a_folder_of_slides_goes_on_after_a_bad_one(tmp_path):
    (tmp_path / "slides").mkdir()
    for seed in (1, 2):
        picture = Image.fromarray(draw_tissue(500, 500, seed))
        picture.save(tmp_path / "slides" / f"{seed}.png")
    (tmp_path / "slides" / "torn.svs").write_bytes(b"II*\0torn")
    out = tmp_path / "a.safetensors"
    done = _run("dino", "--recipe", "small", "--out", out, "--slides",
                tmp_path / "slides", "--mpp", 0.5, "--patches", 10, "--patch-px", 96,
                "--steps", 1, "--batch", 8)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "torn.svs is left out" in done.output
    assert "20 patches of 2 slides" in done.output
    assert _said(out).provenance["slides"] == ["1.png", "2.png"]


def test_a_given_scale_is_for_slides_without_one(tmp_path, tiny_tiff):
    from napari_histossl.cli._train_data import slide_source

    Image.fromarray(draw_tissue(64, 64)).save(tmp_path / "a.png")
    (tmp_path / "torn.svs").write_bytes(b"II*\0torn")
    assert slide_source(tmp_path / "a.png", 1.5).mpp_yx == (1.5, 1.5)
    assert slide_source(tmp_path / "a.png", None).mpp_yx is None
    assert slide_source(tiny_tiff, 1.5).mpp_yx is None  # it says 0.5 itself
    assert slide_source(tmp_path / "torn.svs", 1.5).mpp_yx is None


def test_regions_from_a_folder_of_grids(tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "grids").mkdir()
    for number in range(3):
        np.save(tmp_path / "grids" / f"{number}.npy", rng.normal(size=(32, 32, 6)))
    out = tmp_path / "a.safetensors"
    done = _run("dino", "--recipe", "small-grid", "--out", out, "--grids",
                tmp_path / "grids", "--steps", 2, "--batch", 12)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "12 regions of 16 x 16 features of 6 numbers" in done.output
    spec = _said(out).spec
    assert (spec.reads_pixels, spec.config["input_embed_dim"]) == (False, 6)


def test_a_trained_model_is_listed_at_once(tmp_path, monkeypatch):
    from napari_histossl.models import list_weights

    monkeypatch.setenv("NAPARI_HISTOSSL_WEIGHTS", str(tmp_path / "library"))
    out = tmp_path / "mine.safetensors"
    done = _run("dino", "--out", out, "--steps", 1, "--drawn", 1, "--patches", 5,
                "--patch-px", 64, "--batch", 8, "--add")  # fmt: skip
    assert done.exit_code == 0, done.output
    (entry,) = list_weights()
    assert (entry.name, entry.problem) == ("mine", "")
    assert entry.spec == _said(out).spec


def test_minutes_are_measured_once(tmp_path):
    out = tmp_path / "a.safetensors"
    done = _run("simclr", "--out", out, "--minutes", 0.05, "--drawn", 1, "--patches",
                3, "--patch-px", 64, "--batch", 4)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "what fits into 0.05 min" in done.output
    assert _said(out).provenance["recipe"]["steps"] >= 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "text.safetensors"], "not a safetensors file"),
        (["dino", "--out", "model.pth", "--steps", "1"], "written as .safetensors"),
        (["dino", "--out", "none/a.safetensors", "--steps", "1"], "no folder"),
        (["dino", "--out", "a.safetensors", "--recipe", "huge"], "no recipe 'huge'"),
        (["simclr", "--out", "a.safetensors", "--slides", "none"], "no folder none"),
        (["simclr", "--out", "a.safetensors", "--slides", "."], "no slide has a patch"),
        (["dino", "--out", "a.safetensors", "--pictures", "."], "no pictures in"),
        (["dino", "--out", "a.safetensors", "--grids", "."], "no grids of features"),
        (["dino", "--out", "a.safetensors", "--grids", ".", "--slides", "."],
         "one thing at a time"),
        (["dino", "--out", "a.safetensors", "--pictures", ".", "--at-mpp", "0.5",
          "--at-mpp", "0.7"], "whole multiples"),
        (["dino", "--out", "a.safetensors", "--drawn", "1", "--patches", "1"],
         "at least a batch of 32"),
    ],
    ids=["text", "suffix", "folder", "recipe", "slides", "unreadable", "pictures",
         "grids", "two", "scales", "few"],
)  # fmt: skip
def test_wrong_weights_and_wrong_places(
    arguments, words, tmp_path, capsys, monkeypatch
):
    from napari_histossl.cli import main

    monkeypatch.chdir(tmp_path)
    (tmp_path / "text.safetensors").write_text("no weights")
    with pytest.raises(SystemExit) as end:
        main(["train", *arguments, "--threads", "1"])
    said = capsys.readouterr().err
    assert end.value.code == 1
    assert words in said
    assert "Traceback" not in said
