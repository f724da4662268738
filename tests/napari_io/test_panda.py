"""Masks of PANDA as layers: labels as they are, where they belong, with the grade."""

import shutil

import numpy as np
import pytest
from PIL import Image

from napari_histossl.napari_io.panda import panda_layer, slide_of
from napari_histossl.napari_io.reader import get_reader
from napari_histossl.panels.slide import describe_slide
from napari_histossl.slide import open_slide
from napari_histossl.slide.panda import case_of_slide, is_mask

MASK = "train_label_masks/0005f7aa_mask.tiff"


def test_a_mask_brings_its_slide(panda):
    path = str(panda / MASK)
    slide, mask = get_reader(path)(path)
    assert [slide[2], mask[2]] == ["image", "labels"]
    facts = slide[1]["metadata"]["histossl"]
    assert facts["brought"]
    assert mask[1]["metadata"]["histossl"]["source"] == facts["source"]
    assert mask[1]["scale"] == slide[1]["scale"]
    assert mask[1]["units"] == slide[1]["units"]
    assert [a.shape for a in mask[0]] == [a.shape[:2] for a in slide[0]]
    paths = [str(panda / "train_images" / "0005f7aa.tiff"), path]
    layers = get_reader(paths)(paths)
    assert [kind for _, _, kind in layers] == ["image", "labels"]
    assert "brought" not in layers[0][1]["metadata"]["histossl"]


def test_labels_are_those_of_the_file_in_the_organisers_colours(panda, panda_pictures):
    levels, options, _ = panda_layer(panda / MASK)
    tissue = panda_pictures["0005f7aa"][..., 1] < 215
    for number, level in enumerate(levels):
        labels = level.compute()
        assert labels.dtype == np.uint8
        assert set(np.unique(labels)) <= {0, 1, 2, 3, 4, 5}
        if not number:
            assert ((labels > 0) == tissue).all()
    colours = options["colormap"]
    assert colours[3] == pytest.approx((1, 1, 0.7, 1), abs=0.003)
    assert colours[5] == (1, 0, 0, 1)
    assert colours[0][3] == 0
    assert options["name"] == "0005f7aa_mask (radboud, ISUP 4, Gleason 4+4)"
    facts = options["metadata"]["histossl"]["facts"]
    assert facts["Grade"] == "ISUP 4, Gleason 4+4"
    assert facts["4"] == "Gleason 4"
    assert options["features"]["index"] == [0, 1, 2, 3, 4, 5]
    assert options["features"]["class"][3] == "Gleason 3"


def test_without_a_table_the_hospital_is_guessed_only_where_it_is_certain(panda):
    (panda / "train.csv").unlink()
    _, options, _ = panda_layer(panda / MASK)
    assert options["name"] == "0005f7aa_mask"
    assert options["colormap"][5] == (1, 0, 0, 1)
    _, options, _ = panda_layer(panda / "train_label_masks" / "0018ae58_mask.tiff")
    assert options["colormap"] is None


def test_a_mask_without_its_slide(panda):
    (panda / "train_images" / "0005f7aa.tiff").unlink()
    assert slide_of(panda / MASK) is None
    (mask,) = get_reader(str(panda / MASK))(str(panda / MASK))
    assert mask[1]["scale"] == pytest.approx((0.5, 0.5))
    assert mask[1]["metadata"]["histossl"]["source"] is None


def test_what_is_no_mask_opens_as_a_slide(panda):
    other = panda / "train_label_masks" / "tissue_mask.tiff"
    shutil.copy(panda / "train_images" / "0005f7aa.tiff", other)
    assert not is_mask(other)
    (layer,) = get_reader(str(other))(str(other))
    assert layer[2] == "image"
    other.write_bytes(b"II*\0nothing")
    assert not is_mask(other)
    assert not is_mask(panda / "train_images" / "0005f7aa.tiff")
    assert is_mask(panda / MASK)


def test_a_small_mask_of_one_level(panda):
    small = panda / "train_label_masks" / "001c62ab_mask.tiff"
    red = np.zeros((300, 400, 3), np.uint8)
    red[:, :200, 0] = 2
    Image.fromarray(red).save(small)
    assert get_reader(str(small)) is not None
    labels, options, _ = panda_layer(small)
    assert not options["multiscale"]
    assert np.array_equal(labels.compute(), red[..., 0])


def test_the_grade_stands_beside_the_slide(panda):
    path = panda / "train_images" / "0005f7aa.tiff"
    assert case_of_slide(path).isup_grade == "4"
    with open_slide(path) as slide:
        facts = describe_slide(slide, slide.source.name)
        assert facts["Grade"] == "ISUP 4, Gleason 4+4"
        assert facts["Hospital"] == "radboud"
        assert "Grade" not in describe_slide(slide, "Slide 3")
    with open_slide(panda / "train_images" / "001c62ab.tiff") as slide:
        assert describe_slide(slide)["Hospital"] == "radboud, no mask"
    (panda / "train.csv").write_text("a,b\n")
    with open_slide(path) as slide:
        assert "Grade" not in describe_slide(slide)
