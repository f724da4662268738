"""Sets of patches with labels in their names and masks beside them."""

import numpy as np
import pytest
from PIL import Image

from napari_histossl.classes import BCSS_CLASSES, LUAD_CLASSES
from napari_histossl.errors import DataSetError, SlideOpenError, StoreError
from napari_histossl.store.masks import write_mask_png
from napari_histossl.training.patch_sets import open_patch_set
from napari_histossl.training.set_description import SetDescription

RNG = np.random.default_rng(0)


def save_picture(path, edge=16):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 255, (edge, edge, 3), np.uint8)).save(path)


def save_mask(path, labels):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mask_png(path, np.asarray(labels, np.uint8))


@pytest.fixture
def bcss(tmp_path):
    root = tmp_path / "bcss"
    for name in ("TCGA-A1_x0[1101].png", "TCGA-B2_x8[0010].png"):
        save_picture(root / "train" / name)
    save_picture(root / "val" / "img" / "TCGA-C3_x1.png")
    mask = np.full((16, 16), 4)
    mask[:4] = [[0], [0], [2], [2]]
    save_mask(root / "val" / "mask" / "TCGA-C3_x1.png", mask)
    return root


def test_labels_in_names_as_published(bcss, tmp_path):
    train = open_patch_set(bcss)
    assert train.classes == BCSS_CLASSES
    assert train.labels.tolist() == [[1, 1, 0, 1], [0, 0, 1, 0]]
    assert train.groups == ("TCGA-A1", "TCGA-B2")
    assert train.names[0] == "TCGA-A1_x0[1101].png"
    assert (train.mpp, train.exclude_index, len(train)) == (1.0, 4, 2)
    assert train.image(1).shape == (16, 16, 3)
    assert train.mask(0) is None

    luad = tmp_path / "luad"
    save_picture(luad / "train" / "1031280-2300-27920-[1 0 0 1].png")
    train = open_patch_set(luad)
    assert train.classes == LUAD_CLASSES
    assert train.labels.tolist() == [[1, 0, 0, 1]]
    assert train.groups == ("1031280",)


def test_groups_are_slides_or_patients(bcss):
    names = (
        "TCGA-A1-A0SK-DX1_xmin45749_ymin25055_MPP-0.2500+0[1101].png",
        "TCGA-05-4244-01Z-2300-27920-[1 0 0 1].png",
    )
    for name in names:
        save_picture(bcss / "train" / name)
    groups = open_patch_set(bcss, "bcss").groups
    assert set(groups) == {
        *("TCGA-A1-A0SK-DX1", "TCGA-05-4244-01Z"),
        *("TCGA-A1", "TCGA-B2"),
    }


def test_masks_give_the_labels_where_names_do_not(bcss):
    val = open_patch_set(bcss, "bcss", "val")
    mask = val.mask(0)
    assert mask.dtype == np.uint8
    assert np.bincount(mask.ravel(), minlength=5).tolist() == [32, 0, 32, 0, 192]
    assert val.labels.tolist() == [[1, 0, 1, 0]]


def test_a_set_says_itself_what_it_is(bcss):
    SetDescription(LUAD_CLASSES, 2.0, 7).write(bcss, note="for people")
    train = open_patch_set(bcss)
    assert train.classes == LUAD_CLASSES
    assert (train.mpp, train.exclude_index) == (2.0, 7)
    for text in ("{", "[]", "{}", '{"classes": 3, "mpp": 1, "exclude_index": 4}'):
        (bcss / "data.json").write_text(text)
        with pytest.raises(DataSetError, match=r"data\.json"):
            open_patch_set(bcss)
    (bcss / "data.json").unlink()
    with pytest.raises(DataSetError, match=r"no data\.json.* say luad or bcss"):
        open_patch_set(bcss, "drawn")


@pytest.mark.parametrize("digits", ["[110]", "[1 1 0 1 0]", "[]"])
def test_a_label_string_of_the_wrong_length(bcss, digits):
    save_picture(bcss / "train" / f"TCGA-D4_x0{digits}.png")
    with pytest.raises(DataSetError, match=r"labels in its name; expected 4"):
        open_patch_set(bcss, "bcss")


def test_a_name_without_labels(bcss):
    save_picture(bcss / "train" / "TCGA-D4_x0.png")
    with pytest.raises(DataSetError, match=r"no labels in its name.*\[1000\]"):
        open_patch_set(bcss)


def test_what_does_not_fit_is_said(bcss):
    val = open_patch_set(bcss, "bcss", "val")
    path = bcss / "val" / "mask" / "TCGA-C3_x1.png"
    save_mask(path, np.zeros((8, 16)))
    with pytest.raises(DataSetError, match=r"8 x 16 px, its picture .* 16 x 16"):
        val.mask(0)
    save_mask(path, np.full((16, 16), 5))
    with pytest.raises(DataSetError, match=r"holds the value 5.*expected 0 to 3, or 4"):
        val.mask(0)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(StoreError, match="damaged"):
        val.mask(0)
    path.unlink()
    with pytest.raises(StoreError, match="does not exist"):
        val.mask(0)


def test_a_truncated_picture(bcss):
    path = next((bcss / "train").glob("TCGA-A1*"))
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SlideOpenError, match="cannot be read as a picture"):
        open_patch_set(bcss).image(0)


def test_folders_that_are_no_sets(tmp_path, bcss):
    with pytest.raises(DataSetError, match="no folder"):
        open_patch_set(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataSetError, match=r"no set of patches .* say which layout"):
        open_patch_set(tmp_path / "empty")
    with pytest.raises(DataSetError, match=r"no PNG pictures in .*test"):
        open_patch_set(bcss, "bcss", "test")
    with pytest.raises(DataSetError, match="got 'coco' and 'train'"):
        open_patch_set(bcss, "coco")
