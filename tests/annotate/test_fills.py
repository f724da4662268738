"""Flood fill, holes, taking from a proposal, classes that are not painted over."""

import json

import numpy as np
import pytest

from napari_histossl.annotate import (
    FloodFill,
    Found,
    HoleFill,
    MaskStore,
    Polygon,
    Stroke,
    Take,
    _searching,
)
from napari_histossl.annotate._polygon_raster import rasterise_rings
from napari_histossl.annotate._seeding import ArrayLabels
from napari_histossl.classes import ClassInfo, ClassTable, Origin
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box

SHAPE = (700, 600)
WHOLE = Box(0, 0, *SHAPE)


def ring(mask, class_index=1):
    """A ring of tumour around (200, 200), and a blob of it elsewhere."""
    mask.paint(Stroke([(200, 200)], 60, class_index))
    mask.paint(Stroke([(200, 200)], 40, 0, tool="eraser"))
    mask.paint(Stroke([(500, 400)], 30, class_index))


def test_a_flood_stays_inside_the_view(mask):
    view = Box(150, 150, 300, 300)
    receipt = mask.paint(FloodFill((400, 400), 2, view))
    assert receipt.box == view
    labels = mask.read(WHOLE)
    assert (labels[view.slices] == 2).all()
    assert (labels == 2).sum() == 300 * 300


def test_a_flood_fills_what_is_connected_and_alike(mask):
    ring(mask)
    inner = mask.read(WHOLE)[200, 165:236] == 0
    mask.paint(FloodFill((200, 200), 3, WHOLE))
    labels = mask.read(WHOLE)
    assert inner.all()
    assert (labels[200, 165:236] == 3).all()
    assert labels[200, 145] == 1
    assert labels[400, 100] == 0
    assert [entry.tool for entry in mask.entries()][-1] == "fill"
    mask.undo()
    assert mask.read(WHOLE)[200, 200] == 0


def test_all_of_a_class_in_the_view_connected_or_not(mask):
    ring(mask)
    before = mask.read(WHOLE)
    view = Box(0, 0, 510, 600)  # half of the blob
    mask.paint(FloodFill((200, 150), 3, view, connected=False))
    expected = before.copy()
    expected[view.slices][before[view.slices] == 1] = 3
    np.testing.assert_array_equal(mask.read(WHOLE), expected)
    assert (expected == 1).any()


@pytest.mark.parametrize("at", [(-1, 5), (699.6, 3), (5, 5000)])
def test_a_flood_from_outside_is_no_step(mask, at):
    assert mask.paint(FloodFill(at, 1, Box(-50, -50, 9000, 9000))).seq is None


def test_a_flood_with_the_same_class_is_no_step(mask):
    assert mask.paint(FloodFill((9, 9), 0, WHOLE)).seq is None


def test_a_large_view_is_searched_coarsely_and_set_exactly(mask, monkeypatch):
    ring(mask)
    before = mask.read(WHOLE)
    monkeypatch.setattr(_searching, "_SEARCHED_PX", 300 * 400)
    mask.paint(FloodFill((200, 200), 3, WHOLE))
    labels = mask.read(WHOLE)
    inside = np.hypot(*(np.indices(SHAPE) - 200)) < 38
    assert (labels[inside] == 3).all()
    assert (labels == 3).sum() <= np.pi * 40**2 + 200
    np.testing.assert_array_equal(labels[before != 0], before[before != 0])


def test_holes_are_filled_and_what_is_spared_is_not(mask):
    ring(mask)
    mask.paint(Stroke([(200, 200)], 5, 4))
    mask.paint(HoleFill(1, WHOLE, spared=(4,)))
    labels = mask.read(WHOLE)
    assert (labels[200, 200], labels[200, 220], labels[400, 100]) == (4, 1, 0)
    mask.paint(HoleFill(1, WHOLE))
    assert mask.read(WHOLE)[200, 200] == 1
    assert mask.paint(HoleFill(1, WHOLE)).seq is None


def test_a_hole_that_reaches_the_edge_of_the_view_is_none(mask):
    ring(mask)
    assert mask.paint(HoleFill(1, Box(200, 100, 200, 200))).seq is None
    with pytest.raises(AnnotationError, match="only a class has holes"):
        mask.paint(HoleFill(0, WHOLE))


def test_holes_of_one_object_only(mask):
    ring(mask)
    mask.paint(
        Stroke([(500, 500), (540, 500), (540, 540), (500, 540), (500, 500)], 6, 1)
    )
    assert mask.paint(HoleFill(1, WHOLE, at_px0=(0, 0))).seq is None
    mask.paint(HoleFill(1, WHOLE, at_px0=(540, 520)))
    labels = mask.read(WHOLE)
    assert (labels[520, 520], labels[200, 200]) == (1, 0)


@pytest.mark.parametrize("level", [0, 1])
def test_what_a_wand_found_on_a_level_is_set_on_all(mask, level):
    ring(mask)
    found = np.zeros((100, 120), bool)
    found[10:90, 20:100] = True
    box = Box(120 >> level, 100 >> level, 100, 120)
    mask.paint(Found(found, box, level, 2, spared=(1,)))
    before = np.zeros(SHAPE, bool)
    inside = before[box.y << level :, box.x << level :]
    full = found.repeat(2**level, 0).repeat(2**level, 1)
    inside[: full.shape[0], : full.shape[1]] = full
    labels = mask.read(WHOLE)
    np.testing.assert_array_equal(labels == 2, before & (labels != 1))
    assert list(mask.entries())[-1].tool == "wand"


def test_an_area_of_another_shape_than_its_box_is_refused():
    with pytest.raises(AnnotationError, match=r"\(4, 4\)"):
        Found(np.ones((3, 3), bool), Box(0, 0, 4, 4), 0, 1)


def test_a_tool_with_an_endless_name_is_refused(mask):
    with pytest.raises(AnnotationError, match="at most 200"):
        mask.paint(FloodFill((1, 1), 1, WHOLE, tool="x" * 1000))


def test_the_receipt_is_the_entry(mask):
    receipt = mask.paint(Stroke([(5, 5)], 3, 1))
    (entry,) = mask.entries()
    assert receipt.entry == entry
    assert (receipt.seq, receipt.box, receipt.hash) == (1, entry.box, entry.hash)


# ---- Taking from a proposal ----


@pytest.fixture
def proposal():
    labels = np.zeros(SHAPE, np.uint8)
    labels[:, 200:] = 3
    labels[300:] = 2
    return labels


def test_the_brush_takes_what_the_proposal_says(mask, proposal):
    take = Take(
        [(300, 200)], 50, ArrayLabels(proposal), author="Dr. A", provenance={"m": "v"}
    )
    receipt = mask.paint(take)
    labels, origin = mask.read(WHOLE), mask.origin(WHOLE)
    covered = np.hypot(*(np.indices(SHAPE) - np.reshape([300, 200], (2, 1, 1)))) <= 50
    expected = np.where(covered, proposal, 0)
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(
        origin, np.where(expected, Origin.MODEL_ACCEPTED, Origin.UNTOUCHED)
    )
    assert receipt.entry.author == "Dr. A"
    assert json.loads(mask._journal.payload(receipt.entry)) == {"m": "v"}


def test_the_other_way_takes_away_what_both_say(mask, proposal):
    mask.paint(Stroke([(100, 300)], 40, 3))
    mask.paint(Stroke([(100, 320)], 10, 1))
    mask.paint(Take([(100, 300)], 20, ArrayLabels(proposal), removes=True))
    labels, origin = mask.read(WHOLE), mask.origin(WHOLE)
    assert (labels[100, 300], origin[100, 300]) == (0, Origin.HUMAN)
    assert labels[100, 319] == 1  # not what the model says: it stays
    assert labels[100, 270] == 3  # not under the brush


def test_taking_spares_what_it_is_told_to(mask, proposal):
    mask.paint(Stroke([(100, 300)], 10, 1))
    mask.paint(Take([(100, 300)], 40, ArrayLabels(proposal), spared=(1,)))
    labels = mask.read(WHOLE)
    assert (labels[100, 300], labels[100, 330]) == (1, 3)


def test_taking_where_nothing_is_proposed_is_no_step(mask, proposal):
    assert mask.paint(Take([(100, 50)], 40, ArrayLabels(proposal))).seq is None
    assert mask.paint(Take([(-900, 50)], 40, ArrayLabels(proposal))).seq is None


def test_a_proposal_with_an_unknown_class_changes_nothing(mask, proposal):
    with pytest.raises(AnnotationError, match="9 is no class"):
        mask.paint(Take([(300, 200)], 50, ArrayLabels(proposal * 0 + 9)))
    assert mask.verify() == 0
    assert not mask.read(WHOLE).any()


# ---- Outlines ----


@pytest.mark.parametrize(
    "rings",
    [
        [(0, 0), (0, 9)],
        [],
        [[(0, 0), (0, 9), (9, 9)], [(1, 1)]],
        [(0, 0), (0, 9), (np.nan, 9)],
        [(0, 0), (0, 9), (1e30, 9)],
        "ring",
        7,
    ],
)
def test_an_outline_that_makes_no_sense_is_refused(rings):
    with pytest.raises(AnnotationError, match=r"got|is"):
        Polygon(rings, 1)


def test_pixels_inside_rings_equal_counted_crossings(rng):
    box = Box(-3, 5, 40, 50)
    y, x = np.indices(box.shape) + np.reshape([box.y, box.x], (2, 1, 1))
    for _ in range(50):
        corners = rng.integers(-30, 80, (int(rng.integers(3, 9)), 2))
        inside = np.zeros(box.shape, bool)
        for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            (ay, ax), (by, bx) = sorted([tuple(a), tuple(b)])
            right = (x - ax) * (by - ay) >= (y - ay) * (bx - ax)
            inside ^= (ay <= y) & (y < by) & right
        found = rasterise_rings((corners.astype(np.float32),), box)
        np.testing.assert_array_equal(found, inside)


def test_a_lasso_of_many_points_is_cut_off_at_the_edge(mask):
    angle = np.linspace(0, 2 * np.pi, 5000)
    points = 200 * np.stack([np.sin(angle), np.cos(angle)], axis=1)
    mask.paint(Polygon(points, 2, tool="lasso"))
    count = int((mask.read(WHOLE) == 2).sum())
    assert count == pytest.approx(np.pi * 200**2 / 4 + 200, rel=0.01)


# ---- Labels of 16 bits ----


def test_labels_of_16_bits_hold_large_classes(path):
    classes = ClassTable(
        [ClassInfo(1, "one", (1, 2, 3)), ClassInfo(255, "last", (4, 5, 6), "", 9)]
    )
    with MaskStore.create(path, (3000, 900), 0.5, classes, dtype=np.uint16) as mask:
        assert mask.dtype == np.uint16
        mask.paint(Stroke([(100, 100), (2900, 100)], 40, 1))
        mask.paint(Stroke([(1500, 100)], 5, 255))
        mask.paint(FloodFill((100, 100), 255, Box(90, 90, 20, 20)))
        mask.undo()
        mask.redo()
    with MaskStore.open(path) as mask:
        labels = mask.read(Box(0, 0, 3000, 900))
        assert labels.dtype == np.uint16
        assert (labels[1500, 100], labels[100, 100], labels[300, 100]) == (255, 255, 1)
        coarsest = mask.read(mask.levels[-1].box, len(mask.levels) - 1)
        factor = 2 ** (len(mask.levels) - 1)
        assert coarsest[1500 // factor, 100 // factor] == 255


@pytest.mark.parametrize("dtype", [np.int8, np.float32, np.uint32])
def test_labels_of_another_type_are_refused(path, dtype):
    with pytest.raises(AnnotationError, match="uint8 or uint16"):
        MaskStore.create(path, SHAPE, 0.5, dtype=dtype)
