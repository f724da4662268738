"""The list of a proposal's objects: found, ordered, decided on, followed."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore, Stroke, Verdict
from napari_histossl.annotate.review_log import ObjectState
from napari_histossl.annotate.review_objects import ObjectTable
from napari_histossl.classes import DEFAULT_CLASSES, ClassInfo, ClassTable, Origin
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays.class_proposal import LabelChoice
from napari_histossl.panels import review
from napari_histossl.panels.review import ReviewSource, difference_from
from napari_histossl.panels.review_planes import uncertainties
from napari_histossl.panels.review_rows import Column, ReviewRows, Shown
from napari_histossl.panels.review_states import ReviewStates

CLASSES = ClassTable(
    [ClassInfo(1, "stroma", (0, 255, 0)), ClassInfo(2, "Tumour", (255, 0, 0))]
)
"""Not in the order of the mask's classes: 1 tumour, 2 stroma."""

SHAPE = 320, 480
PX = 8
SURE, UNSURE = Box(5, 5, 10, 10), Box(20, 30, 8, 12)
"""Two nests of tumour, in pixels of the maps; stroma lies to the left of column 5."""


def values(nests):
    maps = np.zeros((2, SHAPE[0] // PX, SHAPE[1] // PX), np.float16)
    for box, tumour in nests:
        maps[1][box.slices], maps[0][box.slices] = tumour, 1 - tumour
    return maps


@pytest.fixture
def overlay(tmp_path, write_class_maps):
    maps = values([(SURE, 0.95), (UNSURE, 0.6)])
    maps[0, :, :4] = 1
    return write_class_maps(tmp_path / "overlays" / "model.ome.zarr", maps, PX, CLASSES)


@pytest.fixture
def source(overlay):
    return ReviewSource("model", "proposal", LabelChoice(overlay, threshold=0.1))


@pytest.fixture
def mask(tmp_path):
    with MaskStore.create(tmp_path / "mask.ome.zarr", SHAPE, 0.5) as made:
        yield made


def listed(mask, source, **options):
    plan = review.resolve(mask, source, SHAPE, **options)
    list(review.find_objects(plan))
    return plan, ObjectTable.load(plan.out)


def at_px0(box):
    return Box(*(value * PX for value in (box.y, box.x, *box.shape)))


def test_the_most_uncertain_object_comes_first(mask, source):
    plan, table = listed(mask, source)
    assert plan.level == len(mask.levels) - 1  # not finer than what is said
    rows = ReviewRows(table, mask.classes, 1.0)
    assert rows.measures == ("entropy", "margin")
    names = [rows.class_name(index) for index in rows.visible]
    assert names == ["tumour", "tumour", "stroma"]
    first = int(rows.visible[0])
    assert table.box_px0(first) == at_px0(UNSURE)
    p = np.array([0.6, 0.4])
    assert rows.unsure(first) == pytest.approx(-(p * np.log2(p)).sum(), abs=0.01)
    rows.show(Shown(measure="margin"))
    assert rows.unsure(first) == pytest.approx(0.8, abs=0.01)


def test_uncertainty_is_that_of_the_shares():
    strengths = np.array([[[1, 1, 0, 2]], [[1, 0, 0, 1]]], np.float32)
    entropy, margin = uncertainties(strengths)[:, 0]
    thirds = np.array([2 / 3, 1 / 3])
    expected = -(thirds * np.log2(thirds)).sum()
    np.testing.assert_allclose(entropy, [1, 0, 0, expected], atol=1e-5)
    np.testing.assert_allclose(margin, [1, 0, 1, 2 / 3], atol=1e-5)


def test_disagreement_with_a_second_model_is_a_share_of_pixels(
    mask, source, tmp_path, write_class_maps
):
    half = Box(UNSURE.y, UNSURE.x, UNSURE.height, UNSURE.width // 2)
    maps = values([(SURE, 0.9), (half, 0.9)])
    second = write_class_maps(tmp_path / "second.ome.zarr", maps, PX, CLASSES)
    _, table = listed(mask, source, second=LabelChoice(second, threshold=0.1))
    rows = ReviewRows(table, mask.classes, None)
    rows.show(Shown(measure=review.DISAGREEMENT, class_index=1))
    assert [rows.unsure(int(i)) for i in rows.visible] == [0.5, 0]


def test_accepting_and_rejecting_at_the_mask_s_own_pixels(mask, source):
    _, table = listed(mask, source)
    plane = review.plane_of(source, mask, SHAPE)
    index = {table.box_px0(i): i for i in range(len(table))}
    unsure, sure = index[at_px0(UNSURE)], index[at_px0(SURE)]
    mask.paint(review.decision(plane, table, unsure, Verdict.ACCEPT))
    mask.paint(review.decision(plane, table, sure, Verdict.REJECT))
    assert (mask.read(at_px0(UNSURE)) == 1).all()
    assert (mask.origin(at_px0(UNSURE)) == Origin.MODEL_ACCEPTED).all()
    assert not mask.read(at_px0(SURE)).any()
    assert (mask.origin(at_px0(SURE)) == Origin.HUMAN).all()
    whole = mask.origin(Box(0, 0, *SHAPE))
    assert np.count_nonzero(whole) == sum(
        box.height * box.width * PX**2 for box in (SURE, UNSURE)
    )
    states = ReviewStates(mask, plane, table).update().states
    assert states == {unsure: ObjectState.ACCEPTED, sure: ObjectState.REJECTED}
    mask.undo()
    mask.paint(review.decision(plane, table, sure, Verdict.ACCEPT, again=True))
    assert (mask.read(at_px0(SURE)) == 1).all()


def test_states_follow_strokes_decisions_undo_and_comments(mask, source):
    _, table = listed(mask, source)
    plane = review.plane_of(source, mask, SHAPE)
    states, rows = ReviewStates(mask, plane, table), ReviewRows(table, CLASSES, 1.0)
    index = next(i for i in range(3) if table.box_px0(i) == at_px0(UNSURE))
    box = at_px0(UNSURE)

    def state_after(change):
        change()
        found = states.update()
        rows.take(found.states, found.comments)
        return rows.state(index)

    assert state_after(lambda: None) is ObjectState.OPEN
    near = Stroke([(box.y + 30, box.x + 30)], 4, class_index=2)
    assert state_after(lambda: mask.paint(near)) is ObjectState.EDITED
    accept = review.decision(plane, table, index, Verdict.ACCEPT)
    assert state_after(lambda: mask.paint(accept)) is ObjectState.ACCEPTED
    assert state_after(mask.undo) is ObjectState.EDITED
    assert state_after(mask.undo) is ObjectState.OPEN
    assert state_after(mask.redo) is ObjectState.EDITED
    far = Stroke([(300, 20)], 4, class_index=2)
    assert state_after(lambda: mask.paint(far)) is ObjectState.EDITED
    assert rows.decided == 2  # the stroma at the left was painted on
    name = table.name(index)
    state_after(lambda: mask.comment(box, "mitoses", about=name))
    assert rows.comment(index).text == "mitoses"
    again = ReviewStates(mask, plane, table).update()
    assert again.states[index] is ObjectState.EDITED


def test_what_models_said_in_the_mask_is_reviewed_as_well(tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[40:80, 40:90], labels[200:220, 300:330] = 1, 3
    with MaskStore.create(tmp_path / "m.ome.zarr", SHAPE, 0.5, base=labels) as mask:
        mask.paint(Stroke([(210, 310)], 60, class_index=3))
        source = ReviewSource(review.MODEL_TITLE, "mask")
        _, table = listed(mask, source)
        assert table.classes.tolist() == [1]  # what a person painted is not listed
        plane = review.plane_of(source, mask, SHAPE)
        mask.paint(review.decision(plane, table, 0, Verdict.ACCEPT))
        _, again = listed(mask, source)
        states = ReviewStates(mask, plane, again).update().states
        assert states == {0: ObjectState.ACCEPTED}
        mask.paint(review.decision(plane, again, 0, Verdict.REJECT))
        with pytest.raises(PlanError, match="list the objects again"):
            review.decision(plane, again, 0, Verdict.ACCEPT)


def test_differences_from_a_second_mask_are_stepped_through(mask, tmp_path):
    labels = np.zeros(SHAPE, np.uint8)
    labels[100:150, 100:150] = 2
    path = tmp_path / "other.ome.zarr"
    MaskStore.create(path, SHAPE, 0.5, base=labels).close()
    mask.paint(Stroke([(280, 300)], 30, class_index=1))
    source = difference_from(path)
    plan, table = listed(mask, source)
    assert plan.out.name == "mask.differences.npz"
    rows = ReviewRows(table, mask.classes, 1.0)
    assert [rows.class_name(int(i)) for i in rows.visible] == [
        "tumour → unlabelled",  # the larger one
        "unlabelled → stroma",
    ]
    assert rows.present() == [1, 2]
    plane = review.plane_of(source, mask, SHAPE)
    with pytest.raises(PlanError, match="not accepted or rejected"):
        review.decision(plane, table, 0, Verdict.ACCEPT)


def test_a_proposal_without_a_class_of_the_mask_is_refused(tmp_path, source):
    classes = ClassTable([ClassInfo(1, "gland", (1, 2, 3))])
    with (
        MaskStore.create(tmp_path / "g.ome.zarr", SHAPE, 0.5, classes) as mask,
        pytest.raises(PlanError, match="no class of these"),
    ):
        listed(mask, source)


def table_of(count):
    rng = np.random.default_rng(5)
    corners = rng.integers(0, 6000, (count, 2))
    sizes = rng.integers(1, 9, (count, 2))
    return ObjectTable(
        "many",
        3,
        ("entropy",),
        rng.integers(1, 4, count).astype(np.uint16),
        np.zeros(count, np.uint16),
        np.hstack([corners, sizes]),
        corners,
        sizes.prod(axis=1),
        rng.random((1, count)).astype(np.float32),
    )


def test_order_and_filters_of_many_objects():
    rows = ReviewRows(table_of(50_000), DEFAULT_CLASSES, 16.0)
    unsure = [rows.unsure(int(i)) for i in rows.visible[:100]]
    assert unsure == sorted(unsure, reverse=True)
    rows.show(Shown(Column.AREA, is_falling=False, class_index=2))
    areas = rows.table.areas_px[rows.visible]
    assert (np.diff(areas) >= 0).all()
    assert (rows.table.classes[rows.visible] == 2).all()
    rows.take({7: ObjectState.REJECTED, 9: ObjectState.ACCEPTED}, [])
    rows.show(Shown(state=ObjectState.REJECTED))
    assert rows.visible.tolist() == [7]
    assert rows.step(None, forward=True) == 7
    assert rows.step(7, forward=True) is None
    assert rows.decided == 2


def test_the_journal_of_many_edits_is_followed_for_many_objects(tmp_path):
    table = table_of(20_000)
    with MaskStore.create(tmp_path / "m.ome.zarr", (60_000, 60_000), 0.5) as mask:
        for row in range(20):
            mask.paint(Stroke([(row * 300, 40)], 2, class_index=1))
        plane = review.plane_of(ReviewSource("", "mask"), mask, mask.shape)
        states = ReviewStates(mask, plane, table)
        assert len(states.update().states) < 2_000
        assert not states.update().states
