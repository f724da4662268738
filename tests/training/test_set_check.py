"""What is wrong with each file of a set is said, once, with its name."""

import re
import shutil

import numpy as np
import pytest
from PIL import Image

from napari_histossl.errors import DataSetError
from napari_histossl.training.patch_sets import open_patch_set
from napari_histossl.training.set_check import Findings, check_set
from napari_histossl.training.weak_set import draw_weak_set


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("drawn")
    list(draw_weak_set(root, slides=1))
    return root


@pytest.fixture
def drawn_copy(drawn, tmp_path):
    return shutil.copytree(drawn, tmp_path / "set")


def problems_of(root, layout="auto"):
    found = Findings()
    progress = list(check_set(root, layout, found))
    assert all(p.done <= p.total for p in progress)
    return found


def first(root, part):
    return min(root.glob(f"{part}/*.png"))


def test_a_whole_set_has_no_problem_but_rare_classes(drawn):
    found = problems_of(drawn)
    assert all("nothing in" in problem for problem in found.problems)
    assert found.notes == []
    assert found.counts == {"train": 25, "val": 25, "test": 25}
    expected = open_patch_set(drawn, split="val").labels.sum(0)
    assert found.held["val"].tolist() == expected.tolist()


def save(path, array):
    Image.fromarray(np.asarray(array, np.uint8)).save(path)


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def break_name(path):
    path.rename(path.with_name(path.name.replace("[", "[1")))


DAMAGE = {
    "train": [
        (truncate, "cannot be read as a picture"),
        (break_name, "has 5 labels in its name; expected 4"),
        (lambda path: path.rename(path.with_name("x[0000].png")), "no class at all"),
        (lambda path: save(path, np.zeros((9, 9, 3))), "train differ in size"),
    ],
    "val/mask": [
        (truncate, "is damaged"),
        (lambda path: path.unlink(), "does not exist"),
        (lambda path: save(path, np.zeros((9, 9))), "9 x 9 px, its picture .* 128"),
        (lambda path: save(path, np.full((128, 128), 9)), "holds the value 9"),
        (lambda path: save(path, np.full((128, 128), 4)), "excluded as a whole"),
        (lambda path: save(path, np.zeros((128, 128, 3))), "instead of class indices"),
    ],
}


@pytest.mark.parametrize(
    ("part", "number"), [(p, n) for p, ways in DAMAGE.items() for n in range(len(ways))]
)
def test_one_line_for_one_damaged_file(drawn_copy, part, number):
    before = len(problems_of(drawn_copy).problems)
    damage, sentence = DAMAGE[part][number]
    damage(first(drawn_copy, part))
    found = problems_of(drawn_copy).problems
    assert len(found) == before + 1
    (own,) = [problem for problem in found if "nothing in" not in problem]
    assert re.search(sentence, own)


def test_parts_that_share_a_slide_are_noted(drawn_copy):
    path = first(drawn_copy, "train")
    shutil.copy(path, drawn_copy / "val" / "img" / path.name)
    shutil.copy(drawn_copy / "train_masks" / path.name, drawn_copy / "val" / "mask")
    found = problems_of(drawn_copy)
    (note,) = found.notes
    assert note.startswith("train and val share slides or patients, 1 of them")


def test_a_class_that_is_missing(drawn_copy):
    for path in drawn_copy.glob("train/*1].png"):
        path.unlink()
    found = problems_of(drawn_copy).problems
    assert any("nothing in train shows necrosis" in problem for problem in found)


def test_empty_folders(tmp_path, drawn_copy):
    with pytest.raises(DataSetError, match="is no set of patches"):
        problems_of(tmp_path)
    with pytest.raises(DataSetError, match="there is no folder"):
        problems_of(tmp_path / "nowhere")
    for part in ("train", "val", "test"):
        shutil.rmtree(drawn_copy / part)
    found = problems_of(drawn_copy, "drawn")
    assert found.problems == [f"{drawn_copy} holds no picture in train, val, test"]


def test_folders_of_masks(tmp_path):
    root = tmp_path / "set"
    for part, value in (("img_dir", 200), ("ann_dir", 127)):
        (root / part / "train").mkdir(parents=True)
        for name in ("a", "b"):
            ending = "_mask.png" if part == "ann_dir" else ".png"
            shape = (8, 8) if part == "ann_dir" else (8, 8, 3)
            save(root / part / "train" / f"{name}{ending}", np.full(shape, value))
    (root / "ann_dir" / "train" / "b_mask.png").unlink()
    found = problems_of(root)
    assert len(found.problems) == 2
    assert "b_mask.png does not exist" in found.problems[0]
    assert "nothing in train shows cancer" in found.problems[1]


def test_rows_of_a_table(tmp_path):
    save(tmp_path / "a.png", np.zeros((8, 8, 3)))
    text = "name,tumour,stroma\na.png,1,1\nb.png,1,0\na.png,1,maybe\n"
    (tmp_path / "labels.csv").write_text(text)
    found = problems_of(tmp_path)
    assert found.counts == {"train": 3}
    assert [problem.split(": ")[0][-6:] for problem in found.problems[:1]] == ["line 3"]
    assert any("line 4: expected 0 or 1" in problem for problem in found.problems)


def test_panda(panda):
    found = problems_of(panda, "radboud").problems
    assert sum("001c62ab.tiff has no mask" in problem for problem in found) == 1
    assert not any("0005f7aa" in problem for problem in found)
    found = problems_of(panda, "karolinska").problems
    assert all("nothing in" in problem for problem in found)
    other = panda / "train_label_masks" / "0018ae58_mask.tiff"
    shutil.copy(panda / "train_label_masks" / "0005f7aa_mask.tiff", other)
    assert "holds the value 3 in" in problems_of(panda, "karolinska").problems[0]
    truncate(other)
    assert "0018ae58_mask.tiff" in problems_of(panda, "karolinska").problems[0]
    (panda / "train_images" / "0018ae58.tiff").unlink()
    assert "0018ae58.tiff" in problems_of(panda, "karolinska").problems[0]


def test_a_panda_mask_that_labels_nothing(panda):
    mask = panda / "train_label_masks" / "0018ae58_mask.tiff"
    save(mask, np.zeros((1200, 1600, 3)))
    assert "labels nothing" in problems_of(panda, "karolinska").problems[0]
