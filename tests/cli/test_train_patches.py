"""From patch labels to a segmentation, from a shell, on tiny patches."""

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from napari_histossl.classes import BCSS_CLASSES
from napari_histossl.store.masks import write_values_png

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

COLOURS = np.array([(160, 60, 130), (230, 130, 170), (60, 40, 120), (200, 120, 60)])


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def _run(*arguments):
    from napari_histossl.cli import app

    return CliRunner().invoke(app, list(map(str, arguments)))


@pytest.fixture(scope="module")
def patches(tmp_path_factory):
    """24 patches of 64 px to learn from, 8 for val and for test, as BCSS has it."""
    root = tmp_path_factory.mktemp("bcss")
    rng = np.random.default_rng(0)
    for part, count in (("train", 24), ("val", 8), ("test", 8)):
        images = root / part if part == "train" else root / part / "img"
        masks = root / ("train_masks" if part == "train" else f"{part}/mask")
        images.mkdir(parents=True)
        masks.mkdir(parents=True)
        for number in range(count):
            mask = np.full((64, 64), number % 4, np.uint8)
            mask[:, 32:] = (number // 4 + number) % 4
            digits = "".join(str(int(c in mask)) for c in range(4))
            name = f"TCGA-{number}_x0[{digits}].png"
            noisy = COLOURS[mask] + rng.normal(0, 10, (64, 64, 3))
            pixels = noisy.clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(images / name)
            write_values_png(masks / name, mask, BCSS_CLASSES, 4)
    return root


def test_every_step_is_compared(patches, tmp_path):
    """Small presets, one epoch each; a second call trains nothing."""
    from napari_histossl.models import load_model

    out = tmp_path / "weak"
    command = ["train", "compare-weak", patches, out, "--epochs", 1, "--threads", 1]
    done = _run(*command)
    assert done.exit_code == 0, done.output
    names = {path.name for path in out.glob("seed0/*.safetensors")}
    assert names == {
        f"{name}.safetensors"
        for name in ("classifier_plain", "classifier", "segmenter_one", "segmenter",
                     "segmenter_true")
    }  # fmt: skip
    table = (out / "table.md").read_text()
    for row in ("| Grad-CAM without dropout attention, bn7 | test |",
                "| pseudo-mask with dropout attention, b4_5 | train |",
                "| DeepLabV3+, three layers, gated | test |",
                "| DeepLabV3+, true masks | test |"):  # fmt: skip
        assert row in table
    assert "classifier: macro AUC" in table
    pair = [load_model(out / "seed0" / f"{name}.safetensors")[1]
            for name in ("classifier", "segmenter")]  # fmt: skip
    assert len({(spec.mean, spec.std, spec.mpp, spec.classes) for spec in pair}) == 1
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*.safetensors")}
    assert _run(*command).exit_code == 0
    assert times == {path: path.stat().st_mtime_ns for path in times}
    assert (out / "table.md").read_text() == table


def test_a_file_says_what_it_knows(patches, tmp_path):
    from napari_histossl.models import examine_weights

    weights, masks = tmp_path / "c.safetensors", tmp_path / "masks"
    done = _run("train", "classifier", patches, "--out", weights, "--epochs", 1,
                "--width", 0.04, "--threads", 1, "--recipe", "published")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "best      macro AUC" in done.output
    record = examine_weights(weights)
    assert record.spec.name == "resnet38"
    assert (record.spec.mpp, record.spec.tile_px) == (2.0, 32)
    said = record.provenance
    assert record.spec.classes == BCSS_CLASSES
    assert said["recipe"]["variant"] == "published"
    done = _run("pseudo-masks", patches, weights, masks, "--threads", 1)
    assert done.exit_code == 0, done.output
    facts = (masks / "pseudo_masks.json").read_text()
    assert record.sha256 in facts
    assert '"name": "published"' in facts
    out = tmp_path / "s.safetensors"
    done = _run("train", "segmenter", patches, "--pseudo-masks", masks, "--out", out,
                "--epochs", 1, "--layer", "bn7=1", "--threads", 1)  # fmt: skip
    assert done.exit_code == 0, done.output
    said = examine_weights(out).provenance
    assert said["recipe"]["layers"] == {"bn7": 1.0}
    assert said["pseudo_masks"]["weights_sha256"] == record.sha256


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--out", "{}/a.safetensors"], "give one of them"),
        (["--out", "{}/a.txt", "--true-masks"], ".safetensors"),
        (["--out", "{}/a.safetensors", "--true-masks", "--preset", "huge"], "small or"),
        (["--out", "{}/a.safetensors", "--pseudo-masks", "{}"], "no pseudo-mask"),
        (["--out", "{}/a.safetensors", "--pseudo-masks", "{}", "--layer", "bn7=x"],
         "bn7=0.6"),
    ],
)  # fmt: skip
def test_what_cannot_be_said(patches, tmp_path, arguments, sentence):
    said = [each.format(tmp_path) for each in arguments]
    done = _run("train", "segmenter", patches, *said, "--threads", 1)
    assert done.exit_code == 1
    assert sentence in str(done.exception)


def test_an_empty_folder(tmp_path):
    for part in ("train", "val"):
        (tmp_path / part).mkdir()
    out = tmp_path / "a.safetensors"
    done = _run("train", "classifier", tmp_path, "--layout", "bcss", "--out", out)
    assert done.exit_code == 1
    assert "no PNG pictures" in str(done.exception)
