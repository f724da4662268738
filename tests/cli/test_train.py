"""`napari-histossl train`: a training of seconds, and its judgement."""

import sys

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def test_train_and_judge(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from napari_histossl.cli import app
    from napari_histossl.models import examine_weights

    out = tmp_path / "a.safetensors"
    command = ["train", "dino", "--out", str(out), "--steps", "2", "--slides", "2",
               "--patches", "5", "--threads", "1", "--seed", "3"]  # fmt: skip
    monkeypatch.setattr(sys, "argv", ["napari-histossl", *command])
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    record = examine_weights(out)
    assert record.provenance["recipe"]["steps"] == 2
    assert record.provenance["recipe"]["seed"] == 3
    assert record.provenance["command"].endswith("--threads 1 --seed 3")
    assert record.sha256 in done.output

    judged = CliRunner().invoke(
        app, ["train", "evaluate", str(out), "--starts", "1", "--slides", "1",
              "--threads", "1"]
    )  # fmt: skip
    assert judged.exit_code == 0, judged.output
    lines = judged.output.splitlines()
    for name in ("trained", "random start 0", "mean of random"):
        assert any(line.startswith(name) for line in lines), judged.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["evaluate", "text.safetensors"], "not a safetensors file"),
        (["dino", "--out", "model.pth", "--steps", "1"], "written as .safetensors"),
        (["dino", "--out", "none/a.safetensors", "--steps", "1"], "no folder"),
    ],
    ids=["text", "suffix", "folder"],
)
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
