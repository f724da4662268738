"""The drawn set with patch labels: what is on disk is what was promised."""

import json

import numpy as np
import pytest
from PIL import Image

from napari_histossl.errors import DataSetError
from napari_histossl.training.patch_sets import open_patch_set
from napari_histossl.training.weak_set import WEAK_SETS, draw_weak_set

PARTS = ("train_masks", "val", "test")


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    root = tmp_path_factory.mktemp("weak")
    total = [progress.total for progress in draw_weak_set(root, slides=1)]
    assert total == [3, 3, 3]
    return root


def test_parts_of_the_set_come_from_slides_of_their_own():
    plan = WEAK_SETS["weak-1"]
    seeds = [set(plan.train_seeds), set(plan.val_seeds), set(plan.test_seeds)]
    assert [len(s) * plan.per_slide for s in seeds] == [2400, 300, 400]
    assert len(set.union(*seeds)) == sum(map(len, seeds))


def test_train_has_labels_only(drawn):
    train = open_patch_set(drawn)
    assert len(train) == 25
    assert set(train.groups) == {"drawn1001"}
    assert train.image(0).shape == (128, 128, 3)
    assert all(train.mask(index) is None for index in range(len(train)))
    assert (train.mpp, train.exclude_index) == (1.0, 4)
    names = [info.name for info in train.classes]
    assert names == ["tumour", "stroma", "lymphocytes", "necrosis"]


@pytest.mark.parametrize("part", PARTS)
def test_labels_say_what_covers_two_percent(drawn, part):
    patches = open_patch_set(drawn, split=part)
    for index, label in enumerate(patches.labels):
        mask = patches.mask(index)
        assert mask.max() <= 4
        assert (mask != 4).mean() >= 0.5
        shares = np.bincount(mask.ravel(), minlength=5)[:4] / mask.size
        assert ((shares >= 0.02) == label).all()


def test_it_is_frozen(drawn):
    """Names hold places and labels; they are what they were when it was made."""
    assert [path.name for path in sorted((drawn / "train").iterdir())[:2]] == [
        "drawn1001_y10545_x5633[1001].png",
        "drawn1001_y10725_x4241[1100].png",
    ]
    facts = json.loads((drawn / "data.json").read_text())
    assert [*facts["counts"]["val"].values()] == [25, 15, 24, 2, 1]
    assert facts["provenance"]["parameters"]["train_seeds"] == [1001, 1002]


def test_drawing_again_gives_the_same(drawn, tmp_path):
    work = draw_weak_set(tmp_path, slides=1)
    next(work)
    work.close()  # an interrupted drawing leaves whole files, and no description
    assert not (tmp_path / "data.json").exists()
    for path in sorted((tmp_path / "train").iterdir()):
        with Image.open(path) as new, Image.open(drawn / "train" / path.name) as old:
            assert np.array_equal(np.asarray(new), np.asarray(old))


def test_what_cannot_be_drawn(drawn, tmp_path):
    with pytest.raises(DataSetError, match=r"holds data\.json already"):
        next(draw_weak_set(drawn))
    with pytest.raises(DataSetError, match=r"no drawn set 'weak-9'; known: weak-1"):
        next(draw_weak_set(tmp_path, "weak-9"))
