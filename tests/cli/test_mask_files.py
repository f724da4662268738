"""`napari-histossl mask`: import, measure, compare, and the names of other commands."""

import csv
import json
from functools import partial

import numpy as np
import pytest
import tifffile
from PIL import Image

from napari_histossl.annotate import MaskStore, Stroke, _blocks
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
    """An empty mask on the drawn slide, 700 x 900 px."""
    done = run("new", tiny_tiff)
    assert done.code == 0, done.err
    return mask_path(results_folder(tiny_tiff), "mask")


def feature(y, x, size, name=None, colour=(1, 2, 3)):
    ring = [[x, y], [x + size, y], [x + size, y + size], [x, y + size], [x, y]]
    classification = {"classification": {"name": name, "color": colour}} if name else {}
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": {"objectType": "annotation", **classification},
    }


@pytest.fixture
def save(tmp_path):
    def write(*features, name="qupath.geojson"):
        path = tmp_path / name
        collection = {"type": "FeatureCollection", "features": features}
        path.write_text(json.dumps(collection), encoding="utf-8")
        return path

    return write


def pixels(path):
    with MaskStore.open(path, read_only=True) as mask:
        box = mask.levels[0].box
        return mask.read(box), mask.origin(box)


def test_annotations_of_qupath_into_a_mask(run, path, save):
    file = save(
        feature(10, 20, 100, "Tumor"),
        feature(50, 60, 20),
        feature(650, 800, 200, "necrosis"),
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}},
    )
    done = run("import", file, path, "--map", "none=stroma", "--author", "Dr. A")
    assert done.code == 0, done.err
    labels, origin = pixels(path)
    expected = np.zeros((700, 900), np.uint8)
    expected[10:110, 20:120] = 1
    expected[50:70, 60:80] = 2
    expected[650:, 800:] = 4
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(origin, np.where(expected, Origin.HUMAN, 0))
    for words in (
        "1 points",
        "cut at the edge of the slide: 1",
        "painted 3 of 3 shapes",
    ):
        assert words in done.out
    log = run("log", path).out
    assert "Dr. A" in log
    assert "import" in log
    assert "taken back" in run("undo", path).out
    assert not pixels(path)[0].any()


def test_a_new_mask_has_the_classes_of_the_file(run, save, tiny_tiff):
    file = save(feature(0, 0, 9, "Tumor"), feature(20, 20, 9, "Gland", (9, 8, 7)))
    done = run("import", file, "--slide", tiny_tiff, "--name", "é", "--origin", "model")
    assert done.code == 0, done.err
    path = mask_path(results_folder(tiny_tiff), "é")
    with MaskStore.open(path, read_only=True) as mask:
        assert mask.classes.named("gland").colour == (9, 8, 7)
        assert mask.provenance["imported"] == "qupath.geojson"
    labels, origin = pixels(path)
    assert np.unique(labels).tolist() == [0, 1, 6]
    assert np.unique(origin).tolist() == [0, Origin.MODEL]


def test_classes_that_the_mask_does_not_have(run, path, save):
    file = save(feature(0, 0, 9, "Gland"), feature(20, 20, 9, "stroma"))
    done = run("import", file, path)
    assert done.code == 1
    assert "'Gland'" in done.err
    assert not pixels(path)[0].any()
    done = run("import", file, path, "--unknown", "skip")
    assert done.code == 0, done.err
    assert "painted 1 of 2 shapes" in done.out
    done = run("import", file, path, "--map", "Gland=nonsense")
    assert done.code == 1
    assert "no class is named" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("{file}",), 2, "name a mask"),
        (("{file}", "{mask}", "--map", "x"), 2, "NAME=CLASS"),
        (("{mask}/0.zip", "{mask}"), 1, "read from .geojson"),
        (("missing.geojson", "{mask}"), 1, "cannot be read"),
        (("{file}", "missing.ome.zarr"), 1, "missing.ome.zarr"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence(
    run, path, save, arguments, code, words
):
    names = {"file": save(feature(0, 0, 9, "Tumor")), "mask": path}
    done = run("import", *(argument.format(**names) for argument in arguments))
    assert done.code == code
    assert words in " ".join(done.err.replace("│", " ").split())
    assert "Traceback" not in done.err


def test_a_new_mask_is_not_begun_with_a_bad_file(run, save, tiny_tiff):
    bad = save(feature(0, 0, float("nan"), "Tumor"))
    assert run("import", bad, "--slide", tiny_tiff).code == 1
    assert not mask_path(results_folder(tiny_tiff), "imported").exists()


@pytest.mark.parametrize("ending", ["geojson", "xml"])
def test_out_and_in_again_is_the_same(run, path, tmp_path, tiny_tiff, ending):
    with MaskStore.open(path) as mask:
        mask.paint(Stroke([(100, 200), (300, 500)], 30, 1))
        mask.paint(Stroke([(150, 250)], 12, 0))
        mask.paint(Stroke([(290, 480)], 9, 3))
    out = tmp_path / f"a.{ending}"
    assert run("export", path, out).code == 0
    done = run("import", out, "--slide", tiny_tiff, "--name", "again")
    assert done.code == 0, done.err
    again = mask_path(results_folder(tiny_tiff), "again")
    np.testing.assert_array_equal(pixels(again)[0], pixels(path)[0])
    compared = run("compare", again, path).out
    assert "kappa of all classes, unlabelled included: 1.0000" in compared
    assert compared.splitlines()[1].split()[:4] == [
        "tumour",
        "1.0000",
        "1.0000",
        "1.0000",
    ]


def test_a_tiff_like_those_of_panda(run, path, tmp_path):
    with MaskStore.open(path) as mask:
        mask.paint(Stroke([(100, 200)], 30, 2))
    assert run("export", path, tmp_path / "a_mask.tiff").code == 0
    values = tifffile.imread(tmp_path / "a_mask.tiff")
    np.testing.assert_array_equal(values[..., 0], pixels(path)[0])


@pytest.mark.parametrize("ending", ["tiff", "png"])
def test_a_picture_of_labels_starts_a_new_mask(run, path, tmp_path, tiny_tiff, ending):
    with MaskStore.open(path) as mask:
        mask.paint(Stroke([(100, 200), (600, 800)], 30, 2))
        mask.paint(Stroke([(600, 200)], 50, 5))
    out = tmp_path / f"a_mask.{ending}"
    assert run("export", path, out).code == 0
    new = ("--slide", tiny_tiff, "--classes", "radboud", "--origin", "model")
    done = run("import", out, *new)
    assert done.code == 0, done.err
    again = mask_path(results_folder(tiny_tiff), "imported")
    labels, origin = pixels(again)
    np.testing.assert_array_equal(labels, pixels(path)[0])
    np.testing.assert_array_equal(origin, np.where(labels, Origin.MODEL, 0))
    with MaskStore.open(again, read_only=True) as mask:
        assert mask.classes.named("Gleason 5").index == 5
    assert "starts a new mask" in run("import", out, path).err


@pytest.mark.parametrize("place", [(5, 5), (690, 890)])
def test_a_value_that_is_no_class_leaves_no_mask_behind(
    run, tiny_tiff, tmp_path, place, monkeypatch
):
    monkeypatch.setattr(_blocks, "BLOCK_PX", 256)  # the last block is a later one
    labels = np.zeros((700, 900), np.uint8)
    labels[place] = 77
    Image.fromarray(labels).save(tmp_path / "odd.png")
    done = run("import", tmp_path / "odd.png", "--slide", tiny_tiff, "--name", "odd")
    assert done.code == 1
    assert "77 is no class of this mask" in done.err
    folder = mask_path(results_folder(tiny_tiff), "odd").parent
    assert not list(folder.glob("odd*"))
    labels[place] = 3
    Image.fromarray(labels).save(tmp_path / "odd.png")
    done = run("import", tmp_path / "odd.png", "--slide", tiny_tiff, "--name", "odd")
    assert done.code == 0, done.err


def test_a_picture_of_another_slide_is_refused(run, tiny_tiff, tmp_path):
    tifffile.imwrite(tmp_path / "a.tiff", np.zeros((300, 100, 3), np.uint8))
    done = run("import", tmp_path / "a.tiff", "--slide", tiny_tiff)
    assert done.code == 1
    assert "of another slide" in done.err
    assert not mask_path(results_folder(tiny_tiff), "imported").exists()


def test_measure(run, path, tmp_path, tiny_tiff):
    with MaskStore.open(path) as mask:
        mask.paint(Stroke([(100, 200)], 30, 1))
        mask.paint(Stroke([(400, 600)], 30, 1))
    shown = run("measure", path).out.splitlines()
    assert shown[2].split()[0] == "tumour"
    assert shown[2].split()[-1] == "2"
    done = run("measure", path, "--slide", tiny_tiff, "--out", tmp_path / "a.csv")
    assert done.code == 0, done.err
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["name"]: row for row in csv.DictReader(file)}
    assert rows["tumour"]["objects"] == "2"
    area = int(np.count_nonzero(pixels(path)[0])) * 0.25e-6
    assert float(rows["tumour"]["area_mm2"]) == pytest.approx(area)
    assert 0 <= float(rows["tumour"]["share_of_tissue"]) <= 1


def test_masks_of_different_sizes_are_not_compared(run, path, tiny_tiff):
    assert run("new", tiny_tiff, "--name", "rough", "--mpp", 1).code == 0
    done = run("compare", path, mask_path(results_folder(tiny_tiff), "rough"))
    assert done.code == 1
    assert "make one of them again" in done.err


def test_from_an_overlay(run, tiny_tiff):
    overlay = overlay_path(results_folder(tiny_tiff), "heads")
    values = np.zeros((1, 44, 57), np.float32)
    values[0, 5:9, 10:20] = 3
    with Pyramid.create(
        overlay, shape=values.shape, dtype=np.float32, pixel_um_yx=(8, 8)
    ) as pyramid:
        pyramid.write(Box(0, 0, 44, 57), values)
    done = run("from-overlay", tiny_tiff, "heads", "--threshold", 2, "--name", "model")
    assert done.code == 0, done.err
    labels, origin = pixels(mask_path(results_folder(tiny_tiff), "model"))
    assert np.count_nonzero(labels == 1) == 4 * 10 * 16 * 16
    np.testing.assert_array_equal(origin, np.where(labels, Origin.MODEL, 0))


def test_commands_have_their_names(run):
    said = run("--help").out
    for name in (
        "new",
        "from-overlay",
        "import",
        "export",
        "measure",
        "compare",
        "compact",
        "log",
    ):
        assert name in said
    assert "verify" in said
