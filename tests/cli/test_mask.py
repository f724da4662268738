"""`napari-histossl mask`: from a slide to a mask, its history, and out of it again."""

import json
from functools import partial

import numpy as np
import pytest
from PIL import Image

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.classes import Origin
from napari_histossl.geometry import Box
from napari_histossl.store import Pyramid
from napari_histossl.store.paths import mask_path, overlay_path, results_folder


@pytest.fixture
def run(shell):
    """Run one of the commands of masks."""
    return partial(shell, "mask")


@pytest.fixture
def path(run, tiny_tiff):
    """A mask on the drawn slide with one stroke."""
    done = run("create", tiny_tiff)
    assert done.code == 0, done.err
    path = mask_path(results_folder(tiny_tiff), "mask")
    with MaskStore.open(path) as mask:
        mask.paint(Stroke([(100, 200)], 30, 1, author="Dr. A"))
    return path


def test_an_empty_mask_at_the_level_nearest_to_half_a_micrometre(path, run):
    with MaskStore.open(path, read_only=True) as mask:
        assert mask.shape == (700, 900)
        assert mask.mpp_yx == pytest.approx((0.5, 0.5))
        assert mask.downsample == 1
    said = run("info", path).out
    for words in ("700 x 900 px", "1 slide px per mask px", "tiny.tif", "1 entries"):
        assert words in said


def test_a_coarser_mask_knows_where_it_lies_on_the_slide(run, tiny_tiff, tmp_path):
    done = run("create", tiny_tiff, "--mpp", 1, "--name", "rough")
    assert done.code == 0, done.err
    path = mask_path(results_folder(tiny_tiff), "rough")
    with MaskStore.open(path) as mask:
        assert mask.shape == (350, 450)
        assert mask.downsample == 2
        mask.paint_region(Box(10, 20, 5, 6), 2, tool="fill")
    assert run("export", path, tmp_path / "a.geojson").code == 0
    (feature,) = json.loads((tmp_path / "a.geojson").read_text())["features"]
    assert feature["geometry"]["coordinates"][0][:3] == [[40, 20], [52, 20], [52, 30]]


@pytest.fixture
def overlay(tiny_tiff):
    """Two heads with 8 um tokens on the drawn slide."""
    path = overlay_path(results_folder(tiny_tiff), "heads")
    values = np.zeros((2, 44, 57), np.float32)
    values[1, 5:9, 10:20] = 3
    with Pyramid.create(
        path, shape=values.shape, dtype=np.float32, pixel_um_yx=(8, 8), min_level_px=64
    ) as pyramid:
        pyramid.write(Box(0, 0, 44, 57), values)
    return path


@pytest.mark.parametrize("by_name", [True, False])
def test_from_an_overlay(run, tiny_tiff, overlay, by_name):
    done = run(
        "create", tiny_tiff, "--from-overlay", "heads" if by_name else overlay,
        "--head", 1, "--threshold", 2, "--label", "lymphocytes",
    )  # fmt: skip
    assert done.code == 0, done.err
    path = mask_path(results_folder(tiny_tiff), "mask")
    expected = np.zeros((700, 900), np.uint8)
    expected[5 * 16 : 9 * 16, 10 * 16 : 20 * 16] = 3
    with MaskStore.open(path, read_only=True) as mask:
        np.testing.assert_array_equal(mask.read(mask.levels[0].box), expected)
        origin = mask.origin(mask.levels[0].box)
        assert mask.provenance["overlay"] == "heads.ome.zarr"
        assert not mask.can_undo
    np.testing.assert_array_equal(origin, np.where(expected, Origin.MODEL, 0))


def test_history_undo_redo_verify(path, run):
    assert "Dr. A" in run("history", path).out
    assert "taken back" in run("undo", path).out
    assert "nothing to undo" in run("undo", path).out
    assert "brought back" in run("redo", path).out
    lines = run("history", path).out.splitlines()
    assert len(lines) == 3
    assert "undo of 1" in lines[1]
    assert run("history", path, "--last", 1).out.splitlines() == lines[-1:]
    assert run("verify", path).out.startswith("3 entries")


def test_compacting_makes_the_history_smaller_and_keeps_it(path, run):
    with MaskStore.open(path) as mask:
        for number in range(60):
            mask.paint(Stroke([(10 * number, 300), (300, 10 * number)], 9.5, 2))
    before = run("log", path).out
    size_bytes = path.with_name("mask.journal.sqlite").stat().st_size
    done = run("compact", path)
    assert done.code == 0, done.err
    assert "MB before" in done.out
    assert path.with_name("mask.journal.sqlite").stat().st_size < size_bytes / 2
    assert run("log", path).out == before
    assert run("verify", path).out.startswith("61 entries")
    assert "taken back" in run("undo", path).out


def test_export_of_a_box_and_of_a_level(path, run, tmp_path):
    box = ["--box", 80, 180, 40, 50]
    assert run("export", path, tmp_path / "a.png", *box).code == 0
    assert run("export", path, tmp_path / "b.png", "--level", 1).code == 0
    with MaskStore.open(path, read_only=True) as mask:
        part, level = mask.read(Box(80, 180, 40, 50)), mask.read(Box(0, 0, 350, 450), 1)
    with Image.open(tmp_path / "a.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), part)
    with Image.open(tmp_path / "b.png") as picture:
        np.testing.assert_array_equal(np.asarray(picture), level)


def test_a_damaged_journal_is_one_sentence_and_exit_code_1(path, run):
    journal = path.with_name("mask.journal.sqlite")
    journal.write_bytes(journal.read_bytes().replace(b"Dr. A", b"Dr. B"))
    done = run("verify", path)
    assert done.code == 1
    assert "damaged at entry 1" in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("create", "missing.svs"),
        ("info", "missing.ome.zarr"),
        ("undo", "missing.ome.zarr"),
        ("export", "missing.ome.zarr", "a.png"),
    ],
)
def test_what_is_missing_is_one_sentence(run, arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.code == 1
    assert "error:" in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("out", "options", "word"),
    [
        ("a.jpg", [], "png"),
        ("a.png", ["--level", 7], "levels 0 to 1"),
        ("a.geojson", ["--level", -1], "levels 0 to 1"),
        ("no/a.png", [], "cannot be written"),
    ],
)
def test_an_export_that_cannot_be_is_refused(path, run, tmp_path, out, options, word):
    done = run("export", path, tmp_path / out, *options)
    assert done.code == 1
    assert word in done.err


def test_a_mask_is_not_made_twice(path, run, tiny_tiff):
    done = run("create", tiny_tiff)
    assert done.code == 1
    assert "already" in done.err
