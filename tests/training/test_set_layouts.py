"""Folders of pictures and masks, tables of labels, and patches cut from slides."""

import shutil

import numpy as np
import pytest
from PIL import Image

from napari_histossl.annotate import MaskStore
from napari_histossl.classes import (
    DEFAULT_CLASSES,
    KAROLINSKA_CLASSES,
    RADBOUD_CLASSES,
    ClassInfo,
    ClassTable,
)
from napari_histossl.errors import DataSetError, PlanError
from napari_histossl.geometry import Box
from napari_histossl.slide import open_slide
from napari_histossl.store import Pyramid
from napari_histossl.store.paths import mask_path, results_folder
from napari_histossl.training.masked_slides import own_slides, panda_slides, part_of
from napari_histossl.training.patch_sets import open_patch_set
from napari_histossl.training.set_description import SetDescription
from napari_histossl.training.tile_grid import TilePlan

RNG = np.random.default_rng(0)
SMALL = TilePlan(tile_px=128)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)


# ---- img_dir and ann_dir ----


@pytest.fixture
def folders(tmp_path):
    root = tmp_path / "folders"
    for part in ("train", "val"):
        save(root / "img_dir" / part / "a7_0.png", RNG.integers(0, 255, (8, 9, 3)))
        mask = np.repeat([[0], [127], [255], [255]], 9, 1).repeat(2, 0)
        save(root / "ann_dir" / part / "a7_0_mask.png", mask)
    return root


def test_stretched_masks_are_karolinskas(folders):
    val = open_patch_set(folders, split="val")
    assert val.classes == KAROLINSKA_CLASSES
    assert val.mask(0)[:, 0].tolist() == [2, 2, 0, 0, 1, 1, 1, 1]
    assert val.exclude_index == 2
    assert val.labels.tolist() == [[1, 1]]
    assert val.groups == ("a7",)
    assert val.mpp is None
    with pytest.raises(DataSetError, match=r"no pictures in .*test"):
        open_patch_set(folders, split="test")


def test_folders_that_say_what_their_values_are(folders):
    three = ClassTable([*KAROLINSKA_CLASSES, ClassInfo(3, "ink", (0, 0, 0))])
    SetDescription(three, 0.5, 255, {0: 2, 127: 0, 255: 1}).write(folders)
    train = open_patch_set(folders)
    assert train.classes == three
    assert train.mask(0)[:, 0].tolist() == [2, 2, 0, 0, 1, 1, 1, 1]
    assert train.mpp == 0.5


def test_folders_that_do_not_fit(folders):
    mask = folders / "ann_dir" / "train" / "a7_0_mask.png"
    save(mask, np.full((8, 9), 128))
    with pytest.raises(DataSetError, match=r"value 128, .* one of 0, 127, 255"):
        open_patch_set(folders).mask(0)
    mask.unlink()
    with pytest.raises(DataSetError, match=r"1 of 1 pictures .* have no mask"):
        open_patch_set(folders)


# ---- A table ----

TABLE = """name,group,split,tumour,tubules,necrosis
a.png,p1,train,1,0,1
sub/b.png,p2,train,0,1,0
c.png,p3,val,0,0,1
"""


@pytest.fixture
def table(tmp_path):
    root = tmp_path / "table"
    for name in ("a.png", "sub/b.png", "c.png"):
        save(root / name, RNG.integers(0, 255, (8, 8, 3)))
    (root / "labels.csv").write_text(TABLE)
    save(root / "masks" / "c.png", np.full((8, 8), 2))
    return root


def test_a_table_of_labels(table):
    train = open_patch_set(table)
    assert train.labels.tolist() == [[1, 0, 1], [0, 1, 0]]
    assert train.groups == ("p1", "p2")
    assert [info.name for info in train.classes] == ["tumour", "tubules", "necrosis"]
    assert train.classes[1].colour == DEFAULT_CLASSES.named("tumour").colour
    assert train.image(1).shape == (8, 8, 3)
    assert train.mask(0) is None
    val = open_patch_set(table, split="val")
    assert val.labels.tolist() == [[0, 0, 1]]
    assert (val.mask(0) == 2).all()


def test_a_table_with_names_and_classes_only(table):
    (table / "labels.csv").write_text("name,tumour,benign epithelium\na.png,1,0\n")
    train = open_patch_set(table)
    assert train.groups == ("a",)
    assert train.classes[2].colour == RADBOUD_CLASSES.named("benign epithelium").colour
    with pytest.raises(DataSetError, match=r"no row of val; see its column split"):
        open_patch_set(table, split="val")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,tumour\na.png,1\n", "has the columns file, tumour; expected name"),
        ("", "has the columns none"),
        ("name,group,split\n", "a column for each class"),
        ("name,tumour\na.png,yes\n", "line 2: expected 0 or 1 .* got yes"),
        ("name,tumour,stroma\na.png,1\n", "line 2: expected 0 or 1 for each of 2"),
        ("name,tumour\nz.png,1\n", r"line 2: there is no file .*z\.png"),
        ("name,tumour,Tumour,tumour\na.png,1,1,1\n", "two classes share the name"),
    ],
)
def test_tables_that_do_not_fit(table, text, message):
    (table / "labels.csv").write_text(text)
    with pytest.raises(Exception, match=message) as caught:
        open_patch_set(table)
    assert isinstance(caught.value, ValueError)


def test_a_description_of_other_classes(table):
    SetDescription(KAROLINSKA_CLASSES, 1.0, 2).write(table)
    with pytest.raises(DataSetError, match=r"the description beside it benign tissue"):
        open_patch_set(table)


# ---- PANDA ----


def test_panda_is_cut_from_one_hospital_at_a_time(panda, panda_pictures):
    with pytest.raises(DataSetError, match=r"'radboud' or 'karolinska'"):
        open_patch_set(panda, "panda")
    rows = (panda / "train.csv").read_text().splitlines()
    parts = ["split", "train", "train", "val"]
    text = "\n".join(f"{row},{part}" for row, part in zip(rows, parts, strict=True))
    (panda / "train.csv").write_text(text)
    train = open_patch_set(panda, "radboud", plan=SMALL)
    assert train.classes == RADBOUD_CLASSES
    assert set(train.groups) == {"0005f7aa"}
    assert (train.mpp, train.exclude_index) == (1.0, 5)
    for index in (0, len(train) - 1):
        mask = train.mask(index)
        assert mask.shape == train.image(index).shape[:2] == (128, 128)
        glass = train.image(index)[..., 1] > 235
        assert (mask[glass] == 5).mean() > 0.9
    shares = np.bincount(train.mask(0).ravel(), minlength=6)[:5] / 128**2
    assert ((shares >= 0.02) == train.labels[0]).all()
    assert train.names[0].startswith("0005f7aa_y")
    train.close()
    with pytest.raises(DataSetError, match="no slide with a mask is in val"):
        open_patch_set(panda, "radboud", "val")


def test_masks_lie_where_their_slides_do(panda, panda_pictures):
    slides = panda_slides(panda, "karolinska")
    part = slides.slides[0].split
    whole = open_patch_set(panda, "karolinska", part, plan=TilePlan(100, 1.0, 0.0))
    assert len(whole) == 6 * 8  # 600 x 800 um
    for index, name in enumerate(whole.names):
        y, x = (int(text[1:]) for text in name.split("_")[1:])
        picture = panda_pictures["0018ae58"][2 * y : 2 * y + 200, 2 * x : 2 * x + 200]
        tissue = picture[1::2, 1::2, 1] < 215
        assert ((whole.mask(index) != 2) == tissue).all()
    whole.close()


def test_a_panda_mask_of_another_size(panda):
    other = panda / "train_label_masks" / "0018ae58_mask.tiff"
    Image.fromarray(np.zeros((300, 400, 3), np.uint8)).save(other)
    part = part_of("0018ae58")
    with pytest.raises(DataSetError, match=r"300 x 400 px, its slide .* 1200 x 1600"):
        open_patch_set(panda, "karolinska", part)


def test_an_unknown_hospital(panda):
    text = (panda / "train.csv").read_text()
    (panda / "train.csv").write_text(text.replace("karolinska", "radboud"))
    assert len(panda_slides(panda).slides) == 3
    with pytest.raises(DataSetError, match="no slide of 'karolinska'"):
        panda_slides(panda, "karolinska")
    (panda / "train.csv").write_text(text.replace("radboud", "utrecht"))
    with pytest.raises(DataSetError, match="known are radboud, karolinska"):
        panda_slides(panda, "utrecht")


# ---- Slides with masks made here ----


def make_mask(path, value, name="mask", classes=DEFAULT_CLASSES):
    """Make a mask of half the slide's resolution, its lower half labelled."""
    with open_slide(path) as slide:
        height, width = slide.levels[0].shape
        where = mask_path(results_folder(path), name)
        where.parent.mkdir(parents=True, exist_ok=True)
        with Pyramid.create(
            where,
            shape=(height // 2, width // 2),
            dtype=np.uint8,
            pixel_um_yx=(1.0, 1.0),
            pixel_px0_yx=(2.0, 2.0),
            reducer="priority",
            is_label=True,
            classes=classes,
        ) as mask:
            half = Box(height // 4, 0, height // 4, width // 2)
            mask.write(half, np.full(half.shape, value, np.uint8))
            mask.refresh()


@pytest.fixture
def slides(tmp_path, panda_files):
    root = tmp_path / "slides"
    for part, name in (("train", "0018ae58"), ("val", "0005f7aa")):
        path = root / part / f"{name}.tiff"
        path.parent.mkdir(parents=True)
        shutil.copy(panda_files / "train_images" / path.name, path)
        make_mask(path, 3)
    return root


def test_slides_with_masks_made_here(slides):
    train = open_patch_set(slides, plan=SMALL)
    names = ["tumour", "stroma", "lymphocytes", "necrosis"]
    assert [info.name for info in train.classes] == names
    assert set(train.groups) == {"0018ae58"}
    assert train.exclude_index == 4
    for index, name in enumerate(train.names):
        y = int(name.split("_y")[1].split("_")[0])
        rows = np.arange(y, y + 128)
        expected = np.where((rows >= 300) & (rows < 600), 2, 4)
        assert (train.mask(index) == expected[:, None]).mean() > 0.9
    assert train.labels[:, 2].any()
    assert len(open_patch_set(slides, split="val", plan=SMALL)) > 0
    with pytest.raises(DataSetError, match="slides with masks are in train, val"):
        open_patch_set(slides, split="test")


def test_a_mask_of_the_correct_page_can_be_learned_from(tmp_path, panda_files):
    path = tmp_path / "a.tiff"
    shutil.copy(panda_files / "train_images" / "0018ae58.tiff", path)
    where = mask_path(results_folder(path), "mask")
    where.parent.mkdir(parents=True)
    MaskStore.create(where, (300, 400), 2.0, downsample=4.0).close()
    found = open_patch_set(tmp_path, split=part_of("a.tiff"), plan=SMALL)
    assert (found.mask(0) == 4).all()
    assert not found.labels.any()


def test_which_mask_is_taken(slides):
    path = slides / "train" / "0018ae58.tiff"
    make_mask(path, 1, "other")
    chosen = own_slides(slides).slides[0].mask.path
    assert chosen.name == "mask.ome.zarr"
    chosen.rename(chosen.with_name("another.ome.zarr"))
    with pytest.raises(DataSetError, match="holds 2 masks, none of them named 'mask'"):
        own_slides(slides)


def test_masks_of_other_classes(slides):
    path = slides / "train" / "b.tiff"
    shutil.copy(slides / "train" / "0018ae58.tiff", path)
    make_mask(path, 1, classes=KAROLINSKA_CLASSES)
    with pytest.raises(DataSetError, match="have different classes"):
        own_slides(slides)


def test_masks_of_more_than_bytes(slides):
    path = slides / "train" / "b.tiff"
    shutil.copy(slides / "train" / "0018ae58.tiff", path)
    where = mask_path(results_folder(path), "mask")
    MaskStore.create(where, (300, 400), 2.0, downsample=4.0, dtype=np.uint16).close()
    with pytest.raises(DataSetError, match="holds labels of uint16"):
        own_slides(slides)


def test_no_tissue_and_no_masks(slides, tmp_path):
    with pytest.raises(DataSetError, match="no slide of train has a tile of 5000 px"):
        open_patch_set(slides, plan=TilePlan(5000, 1.0, 0.5))
    with pytest.raises(DataSetError, match=r"no slide in .* has a mask made here"):
        open_patch_set(tmp_path, "slides")
    with pytest.raises(PlanError, match="least_tissue=2"):
        TilePlan(least_tissue=2)


def test_a_folder_that_could_be_two_sets(panda, table):
    (panda / "labels.csv").write_text(TABLE)
    with pytest.raises(DataSetError, match="could be table or panda; say which"):
        open_patch_set(panda)
