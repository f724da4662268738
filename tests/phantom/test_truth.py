"""Nuclei agree with their mask, with the class map, and however the box is cut."""

import numpy as np
import pytest

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.geometry import Box
from napari_histossl.phantom import PhantomSlide

BOX = Box(9600, 9800, 1200, 1100)


@pytest.fixture(scope="module")
def slide():
    return PhantomSlide(8, 20_000, 20_000, 0.5)


@pytest.fixture(scope="module")
def drawing(slide):
    return slide.draw(BOX, 0)


@pytest.fixture(scope="module")
def nuclei(slide):
    return slide.nuclei(BOX)


def pixels_of(nuclei):
    rows, columns = np.floor(nuclei.centre_px0).astype(int).T
    return rows - BOX.y, columns - BOX.x


def test_no_pixel_is_unlabelled(slide):
    for level in range(len(slide.levels)):
        box = slide.levels[level].box.intersection(Box(0, 0, 300, 300))
        labels = np.unique(slide.truth(box, level))
        assert 0 not in labels
        assert set(labels.tolist()) <= {info.index for info in DEFAULT_CLASSES}


def test_centres_lie_in_the_box_and_in_the_mask(drawing, nuclei):
    assert len(nuclei) > 500
    rows, columns = pixels_of(nuclei)
    assert min(rows.min(), columns.min()) >= 0
    assert rows.max() < BOX.height
    assert columns.max() < BOX.width
    assert drawing.nuclei[rows, columns].mean() > 0.99


def test_every_part_of_the_mask_has_a_nucleus_near(drawing, nuclei):
    rows, columns = np.nonzero(drawing.nuclei[60:-60, 60:-60][::7, ::7])
    places = np.stack([rows * 7 + 60.5, columns * 7 + 60.5], axis=1)
    centres = nuclei.centre_px0 - (BOX.y, BOX.x)
    nearest = [np.min(np.hypot(*(centres - place).T)) for place in places]
    # The longest half axis of any nucleus is 9 um = 18 px.
    assert max(nearest) < 24


def test_cells_stand_in_their_own_tissue(drawing, nuclei):
    rows, columns = pixels_of(nuclei)
    here = drawing.truth[rows, columns]
    for label, least in ((1, 0.97), (4, 0.97)):
        of_class = nuclei.class_index == label
        if of_class.any():
            assert (here[of_class] == label).mean() > least
    lymphocytes = nuclei.class_index == 3
    dense = (drawing.truth == 3).mean()
    # Far more crowded in clusters than anywhere else.
    share = (here[lymphocytes] == 3).mean()
    assert share > 3 * dense


def test_a_box_cut_in_four_holds_the_same_nuclei(slide, nuclei):
    quarters = [
        slide.nuclei(Box(BOX.y + dy, BOX.x + dx, 600, 550))
        for dy in (0, 600)
        for dx in (0, 550)
    ]
    centres = np.concatenate([quarter.centre_px0 for quarter in quarters])
    kinds = np.concatenate([quarter.class_index for quarter in quarters])
    assert len(centres) == len(nuclei)
    order, expected = np.lexsort(centres.T), np.lexsort(nuclei.centre_px0.T)
    np.testing.assert_array_equal(centres[order], nuclei.centre_px0[expected])
    np.testing.assert_array_equal(kinds[order], nuclei.class_index[expected])


def test_nuclei_are_darker_than_what_lies_round_them(drawing):
    tissue = drawing.truth != 5
    inside = drawing.rgb[drawing.nuclei & tissue].mean()
    outside = drawing.rgb[~drawing.nuclei & tissue].mean()
    assert inside < outside - 20


def test_the_mask_alone_is_the_mask_of_the_drawing(slide):
    box = Box(9700, 9900, 120, 100)
    np.testing.assert_array_equal(slide.nuclei_mask(box, 0), slide.draw(box, 0).nuclei)


def test_glass_is_bright_and_empty(slide):
    corner = slide.draw(Box(0, 0, 100, 100), 0)
    assert (corner.truth == 5).all()
    assert corner.rgb.min() > 200
    assert not corner.nuclei.any()
    assert len(slide.nuclei(Box(0, 0, 100, 100))) == 0
