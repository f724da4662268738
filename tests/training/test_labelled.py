"""The layouts of published data sets, drawn tiny."""

import numpy as np
import pytest
from PIL import Image

from napari_histossl.errors import PlanError
from napari_histossl.phantom.patches import Patches

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def write_classes(root, names, count=2, edge=24):
    """Write pictures of a colour of their own in a folder for each class."""
    for index, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = np.full((edge, edge, 3), 20 * index + number, np.uint8)
            Image.fromarray(pixels).save(root / name / f"{name}-{number}.tif")


def _read(folder, **options):
    from napari_histossl.training.labelled import read_labelled

    return read_labelled(folder, **options)


def test_crc_counts_muscle_as_stroma(tmp_path):
    from napari_histossl.training.labelled import CRC_CLASSES

    write_classes(tmp_path, CRC_CLASSES)
    found = _read(tmp_path)
    assert found.classes == ("ADI", "BACK", "DEB", "LYM", "MUC", "NORM", "STR", "TUM")
    assert found.pictures.shape == (18, 24, 24, 3)
    stroma = np.flatnonzero(found.labels == found.classes.index("STR"))
    assert [int(p[0, 0, 0]) for p in found.pictures[stroma]] == [100, 101, 140, 141]
    assert "MUS counts as STR" in found.note
    whole = _read(tmp_path, merge={})
    assert whole.classes == CRC_CLASSES
    assert whole.note == ""


def test_any_folder_of_classes(tmp_path):
    write_classes(tmp_path, ("cat", "dog", "tiger"), count=1, edge=30)
    (tmp_path / "empty").mkdir()
    (tmp_path / "readme.txt").write_text("not a class")
    found = _read(tmp_path, patch_px=16, merge={"tiger": "cat"})
    assert found.classes == ("cat", "dog")
    assert found.labels.tolist() == [0, 1, 0]
    assert found.pictures.shape == (3, 16, 16, 3)
    with pytest.raises(PlanError, match="no class 'lion'"):
        _read(tmp_path, merge={"lion": "cat"})


def _write_scores(root, table, folder, rows, header="slide,rid,y"):
    (root / folder).mkdir()
    lines = [header]
    for number, row in enumerate(rows):
        lines.append(f"99,{number},{row}")
        pixels = np.full((20, 20, 3), 10 * number, np.uint8)
        Image.fromarray(pixels).save(root / folder / f"99_{number}.tif")
    (root / table).write_text("\n".join(lines))


def test_breastpathq(tmp_path):
    _write_scores(tmp_path, "train_labels.csv", "train", ["0.25", "1.0"])
    _write_scores(tmp_path, "val_labels.csv", "validation", ["0.2,0.4"],
                  "slide,rid,p1,p2")  # fmt: skip
    known, judged = _read(tmp_path), _read(tmp_path, part="val")
    assert known.labels is None
    assert known.numbers.tolist() == [0.25, 1.0]
    assert known.pictures[[1]][0, 0, 0, 0] == 10
    assert judged.numbers == pytest.approx([0.3])  # mean of two readers


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("slide,rid,y\n7,1,0.5", "no file"),
        ("slide,rid,y\n99,0,", "no score"),
        ("slide,rid,y\n99,0,much", "line 2: expected the columns"),
        ("name,y\n99,0.5", "line 2: expected the columns"),
        ("slide,rid,y\n", "has no rows"),
    ],
    ids=["file", "score", "text", "columns", "rows"],
)
def test_damaged_tables_name_the_line(tmp_path, table, words):
    _write_scores(tmp_path, "train_labels.csv", "train", ["0.5"])
    (tmp_path / "train_labels.csv").write_text(table)
    with pytest.raises(PlanError, match=words):
        _read(tmp_path)


def test_what_is_no_data_set(tmp_path):
    with pytest.raises(PlanError, match="no folder"):
        _read(tmp_path / "none")
    with pytest.raises(PlanError, match="neither two folders"):
        _read(tmp_path)


def test_drawn_patches_have_classes_and_scores():
    from napari_histossl.training.labelled import from_drawing

    nuclei = np.zeros((3, 8, 8), bool)
    nuclei[1, :4] = True
    patches = Patches(
        np.zeros((3, 8, 8, 3), np.uint8), np.array([4, 2, 4], np.uint8), nuclei,
        np.zeros(3, np.int64),
    )  # fmt: skip
    found = from_drawing(patches, ("stroma", "necrosis"))
    assert found.labels.tolist() == [1, 0, 1]
    assert found.numbers.tolist() == [0, 0.5, 0]
