"""`napari-histossl evaluate segmentation`: folders, files, overlays, what is wrong."""

import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.cli import app
from napari_histossl.errors import HistoSSLError
from napari_histossl.geometry import Box
from napari_histossl.metrics import Confusion
from napari_histossl.panels.confusion_figure import lay_out_confusion
from napari_histossl.store import Pyramid
from napari_histossl.store.masks import read_mask_png
from napari_histossl.training.patch_sets import open_patch_set
from napari_histossl.training.weak_set import draw_weak_set


def run(*arguments):
    command = ["evaluate", "segmentation", *map(str, arguments)]
    return CliRunner().invoke(app, command)


def error_of(*arguments):
    result = run(*arguments)
    assert isinstance(result.exception, HistoSSLError), result.output
    return str(result.exception)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    list(draw_weak_set(root, slides=1))
    return root


@pytest.fixture
def predictions(drawn, tmp_path):
    """The true masks of the test patches, with stroma taken for tumour on the left."""
    folder = shutil.copytree(drawn / "test" / "mask", tmp_path / "predictions")
    for path in folder.iterdir():
        mask = read_mask_png(path)
        left = mask[:, :40]
        left[left == 1] = 0
        Image.fromarray(mask).save(path)
    return folder


def test_a_folder_against_a_set(drawn, predictions, tmp_path):
    files = [tmp_path / name for name in ("a.csv", "a.json", "a.png")]
    options = [f"--{f.suffix[1:]}" for f in files[:2]]
    result = run(
        predictions, drawn,
        options[0], files[0], options[1], files[1], "--figure", files[2],
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    facts = json.loads(files[1].read_text())
    patches = open_patch_set(drawn, split="test")
    true = np.stack([patches.mask(index) for index in range(len(patches))])
    guess = np.stack([read_mask_png(predictions / name) for name in patches.names])
    inside = true != 4
    assert facts["pixels"] == inside.sum()
    assert facts["accuracy"] == pytest.approx((guess == true)[inside].mean())
    assert facts["confusion"][1][0] == ((true == 1) & (guess == 0)).sum()
    assert facts["IoU stroma"] < 1
    assert f"mIoU {facts['mIoU']:.4f}" in result.stdout
    rows = list(csv.DictReader(files[0].read_text().splitlines()))
    assert [row["name"] for row in rows] == [*patches.names, "all"]
    assert float(rows[-1]["mIoU"]) == pytest.approx(facts["mIoU"], abs=1e-5)
    with Image.open(files[2]) as figure:
        assert min(figure.size) > 300


def test_two_folders_and_two_files(drawn, predictions):
    truth = drawn / "test" / "mask"
    same = run(predictions, truth)
    assert same.exit_code == 0, same.output
    assert same.stdout == run(predictions, drawn).stdout
    name = min(truth.iterdir()).name
    one = run(truth / name, truth / name)
    assert "1 file, " in one.stdout
    assert "accuracy 1.0000" in one.stdout


def test_memory_mapped_arrays_with_named_classes(tmp_path):
    truth = np.repeat(np.array([0, 1, 2], np.uint8), 400).reshape(30, 40)
    np.save(tmp_path / "t.npy", truth)
    np.save(tmp_path / "p.npy", np.roll(truth, 3, 0))
    names = "tumour, gravel"
    result = run(tmp_path / "p.npy", tmp_path / "t.npy", "--classes", names)
    assert result.exit_code == 0, result.output
    assert "800 px" in result.stdout
    assert "gravel" in result.stdout
    assert "nothing beside" in error_of(tmp_path / "p.npy", tmp_path / "t.npy")


def test_panda_masks(panda, tmp_path):
    mask = panda / "train_label_masks" / "0005f7aa_mask.tiff"
    result = run(mask, mask)
    assert result.exit_code == 0, result.output
    assert "Gleason 4" in result.stdout
    assert "mIoU 1.0000" in result.stdout
    other = panda / "train_label_masks" / "0018ae58_mask.tiff"
    assert "prediction holds the value" in error_of(mask, other)


def write_labels(path, labels, pixel_px0):
    with Pyramid.create(
        path,
        shape=labels.shape,
        dtype=np.uint8,
        pixel_um_yx=(pixel_px0 * 0.5,) * 2,
        pixel_px0_yx=(pixel_px0,) * 2,
        reducer="priority",
        is_label=True,
        classes=DEFAULT_CLASSES,
    ) as mask:
        mask.write(Box(0, 0, *labels.shape), labels)
        mask.refresh()
    return path


def test_an_overlay_against_a_mask_of_the_slide(tmp_path):
    truth = np.zeros((200, 240), np.uint8)
    truth[:, :120], truth[100:, 120:200] = 1, 2
    coarse = truth[::4, ::4].copy()
    coarse[:25, :10] = 2
    overlay = write_labels(tmp_path / "overlay.ome.zarr", coarse, 4.0)
    mask = write_labels(tmp_path / "mask.ome.zarr", truth, 1.0)
    result = run(overlay, mask, "--json", tmp_path / "a.json")
    assert result.exit_code == 0, result.output
    facts = json.loads((tmp_path / "a.json").read_text())
    assert facts["pixels"] == 200 * 120 + 100 * 80
    assert facts["confusion"][0][:2] == [200 * 120 - 4000, 4000]


def test_what_is_wrong_is_said(drawn, predictions, tmp_path):
    first = min(predictions.iterdir())
    assert "no file or folder" in error_of(tmp_path / "nowhere", drawn)
    (tmp_path / "empty").mkdir()
    assert "holds no mask" in error_of(predictions, tmp_path / "empty")
    assert "no PNG pictures" not in error_of(tmp_path / "empty", drawn)
    Image.fromarray(np.zeros((9, 9), np.uint8)).save(first)
    assert "the prediction has shape (9, 9)" in error_of(predictions, drawn)
    Image.fromarray(np.full((128, 128), 7, np.uint8)).save(first)
    message = error_of(predictions, drawn)
    assert message.startswith(first.name)
    assert "holds the value 7" in message
    first.write_bytes(first.read_bytes()[:60])
    assert "damaged" in error_of(predictions, drawn)
    first.unlink()
    assert f"1 of 25 masks have no prediction in {predictions}" in error_of(
        predictions, drawn
    )
    (tmp_path / "a.npy").write_bytes(b"no array")
    assert "no array" in error_of(tmp_path / "a.npy", tmp_path / "a.npy", "--classes=a")
    train = drawn / "train_masks", drawn, "--part", "train"
    assert "no true mask" in error_of(*train)


def test_the_figure_says_all(drawn):
    table = Confusion(np.array([[6, 2, 0], [1, 7, 0], [0, 0, 0]]), np.array([0, 2, 0]))
    classes = type(DEFAULT_CLASSES)(list(DEFAULT_CLASSES)[:3])
    layout = lay_out_confusion(table, classes, "a title")
    texts = [text.text for text in layout.texts]
    assert texts[0] == "a title"
    for expected in ("75.0", "25.0", "70.0", "20.0", "0.667", "0.583", "no class", "–"):
        assert expected in texts, expected
    for one in layout.pieces:
        assert 0 <= one.x <= one.x + one.width <= layout.width
        assert 0 <= one.y <= one.y + one.height <= layout.height
    lines = layout.texts
    for number, one in enumerate(lines):
        for other in lines[:number]:
            apart = (
                one.x >= other.x + other.width
                or other.x >= one.x + one.width
                or one.y >= other.y + other.height
                or other.y >= one.y + one.height
            )
            assert apart, (one, other)
