"""`napari-histossl evaluate`: small data sets, from the shell to the table."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A small residual network that has learned nothing."""
    from dataclasses import replace

    from napari_histossl.models import create_model, model_spec, save_weights

    options = {"depth": 18, "stages": 1, "width": 8}
    spec = replace(model_spec("resnet", **options), tile_px=32, mpp=0.5)
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    torch.manual_seed(0)
    save_weights(create_model("resnet", **options), spec, path)
    return path


def _write_classes(root, seed):
    """Write two classes that differ in texture."""
    rng = np.random.default_rng(seed)
    for step, name in ((2, "fine"), (8, "coarse")):
        (root / name).mkdir(parents=True)
        for number in range(6):
            pixels = rng.integers(180, 220, (32, 32, 3), dtype=np.uint8)
            pixels[::step] = 70
            Image.fromarray(pixels).save(root / name / f"{number}.png")
    return root


def _write_scores(root):
    """Write BreastPathQ's layout; the score is the darkness."""
    for table, folder in (("train_labels", "train"), ("val_labels", "validation")):
        (root / folder).mkdir(parents=True)
        lines = ["slide,rid,y"]
        for number in range(8):
            lines.append(f"1,{number},{number / 8}")
            pixels = np.full((32, 32, 3), 220 - 20 * number, np.uint8)
            Image.fromarray(pixels).save(root / folder / f"1_{number}.tif")
        (root / f"{table}.csv").write_text("\n".join(lines))
    return root


def _run(*arguments):
    from napari_histossl.cli import app

    return CliRunner().invoke(app, ["evaluate", *map(str, arguments), "--threads", "1"])


def test_neighbours_of_a_folder_of_classes(weights, tmp_path):
    train, test = _write_classes(tmp_path / "a", 1), _write_classes(tmp_path / "b", 2)
    done = _run("knn", weights, "--train", train, "--test", test, "--labels", 100,
                "--labels", 50, "--starts", 2, "--k", 3,
                "--csv", tmp_path / "all.csv")  # fmt: skip
    assert done.exit_code == 0, done.output
    for name in ("small", "colour histogram", "random, shaped as small, mean of 2"):
        assert f"| {name}" in done.output
    assert "AUC coarse" in done.output
    assert "| 50% " in done.output
    rows = (tmp_path / "all.csv").read_text().splitlines()
    assert len(rows) == 1 + 4 * 2 * 2 * 4  # who, labels, stains, measures


def test_another_stain_from_a_folder(weights, tmp_path):
    folders = [_write_classes(tmp_path / name, 1) for name in "abc"]
    done = _run("linear", weights, "--train", folders[0], "--test", folders[1],
                "--other-stain", folders[2], "--starts", 0)  # fmt: skip
    assert done.exit_code == 0, done.output
    line = next(x for x in done.output.splitlines() if x.startswith("| small"))
    _, _, _, accuracy, area, other, other_area, _ = map(str.strip, line.split("|"))
    assert (accuracy, area) == (other, other_area)  # the same pictures


def test_scores_of_breastpathq(weights, tmp_path):
    root = _write_scores(tmp_path / "bpq")
    done = _run("linear", weights, "--train", root, "--test", root, "--starts", 1)
    assert done.exit_code == 0, done.output
    line = next(x for x in done.output.splitlines() if x.startswith("| small"))
    error, tau = (float(x) for x in line.split("|")[3:5])
    assert error < 0.02
    assert tau > 0.8


def test_drawn_tissue_and_the_sample_weights():
    done = _run("linear", "--slides", 1, "--starts", 0, "--target", "scores")
    assert done.exit_code == 0, done.output
    assert "dino_sample" in done.output
    assert "squared error" in done.output


def test_a_region_model_reads_no_pictures(tmp_path):
    from napari_histossl.models import create_model, model_spec, save_weights

    options = {"input_embed_dim": 6, "output_embed_dim": 12, "depth": 1, "num_heads": 3}
    path = tmp_path / "region.safetensors"
    model = create_model("hipt_region_vit", **options)
    save_weights(model, model_spec("hipt_region_vit", **options), path)
    folder = _write_classes(tmp_path / "a", 1)
    done = _run("knn", path, "--train", folder, "--test", folder)
    assert "reads features of another model" in str(done.exception)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["knn", "--test", "b"], "go with --train"),
        (["knn", "--train", "a"], "needs --test"),
        (["knn", "--train", "none", "--test", "b"], "no folder none"),
        (["knn", "--train", "a", "--test", "b", "--k", "13"], "13 neighbours"),
        (["knn", "--train", "q", "--test", "q"], "evaluate linear"),
        (["linear", "--train", "a", "--test", "b", "--target", "scores"], "no scores"),
        (["linear", "--train", "a", "--test", "b", "--penalty", "0"], "above 0"),
        (["knn", "--train", "a", "--test", "b", "--labels", "0"], "share of labels"),
        (["knn", "--train", "a", "--test", "b", "--other-stain", "q"], "other labels"),
    ],
    ids=["test", "train", "folder", "k", "scores", "target", "penalty", "share",
         "stain"],
)  # fmt: skip
def test_what_cannot_be_judged(
    arguments, words, weights, tmp_path, capsys, monkeypatch
):
    from napari_histossl.cli import main

    monkeypatch.chdir(tmp_path)
    _write_classes(tmp_path / "a", 1)
    _write_classes(tmp_path / "b", 2)
    _write_scores(tmp_path / "q")
    command, *rest = arguments
    with pytest.raises(SystemExit) as end:
        main(["evaluate", command, str(weights), *rest, "--starts", "0"])
    assert end.value.code == 1
    assert words in capsys.readouterr().err
