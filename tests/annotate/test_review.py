"""Decisions, comments and signatures: in the journal, undone, refused, verified."""

from __future__ import annotations

import numpy as np
import pytest

from napari_histossl.annotate import (
    Decision,
    Found,
    Kind,
    MaskStore,
    Polygon,
    Stroke,
    Verdict,
)
from napari_histossl.annotate.review_log import ReviewLog
from napari_histossl.classes import Origin
from napari_histossl.errors import AnnotationError, JournalError
from napari_histossl.geometry import Box
from napari_histossl.store import Pyramid

OBJECT = Box(64, 64, 128, 64)
WHOLE = Box(0, 0, 700, 600)


@pytest.fixture
def proposed(path):
    """A mask that starts from a proposal: one object of class 2, one of class 1."""
    labels = np.zeros(WHOLE.shape, np.uint8)
    labels[OBJECT.slices] = 2
    labels[400:432, 400:432] = 1
    with MaskStore.create(path, WHOLE.shape, 0.5, base=labels) as made:
        yield made


def decide(verdict, level=4, **options):
    box = Box(*(value >> level for value in (OBJECT.y, OBJECT.x, *OBJECT.shape)))
    found = np.ones(box.shape, bool)
    return Decision(found, box, level, 2, verdict, "object", **options)


def pixels(mask):
    return mask.read(WHOLE), mask.origin(WHOLE)


def test_an_accepted_object_keeps_its_class_and_says_who_stands_for_it(proposed):
    labels_before, _ = pixels(proposed)
    receipt = proposed.paint(decide(Verdict.ACCEPT, author="ada"))
    labels, origin = pixels(proposed)
    np.testing.assert_array_equal(labels, labels_before)
    assert (origin[OBJECT.slices] == Origin.MODEL_ACCEPTED).all()
    assert (origin == Origin.MODEL_ACCEPTED).sum() == OBJECT.height * OBJECT.width
    assert origin[410, 410] == Origin.MODEL
    entry = receipt.entry
    assert (entry.kind, entry.tool, entry.author) == (Kind.REGION, "accept", "ada")
    assert proposed.facts_of(entry)["about"] == "object"
    proposed.undo()
    assert (proposed.origin(OBJECT) == Origin.MODEL).all()
    proposed.redo()
    assert (proposed.origin(OBJECT) == Origin.MODEL_ACCEPTED).all()
    assert proposed.verify() == 4


def test_a_rejected_object_is_taken_away_and_comes_back_with_undo(proposed):
    before = pixels(proposed)
    proposed.paint(decide(Verdict.REJECT))
    labels, origin = pixels(proposed)
    assert not labels[OBJECT.slices].any()
    assert (origin[OBJECT.slices] == Origin.HUMAN).all()
    assert labels[410, 410] == 1
    proposed.undo()
    for now, then in zip(pixels(proposed), before, strict=True):
        np.testing.assert_array_equal(now, then)


def test_what_a_person_painted_is_not_decided_over(proposed):
    proposed.paint(Stroke([(100, 90)], 10, class_index=3))
    proposed.paint(Stroke([(160, 90)], 10, class_index=0, tool="eraser"))
    proposed.paint(decide(Verdict.ACCEPT))
    labels, origin = pixels(proposed)
    assert (labels[100, 90], origin[100, 90]) == (3, Origin.HUMAN)
    assert (labels[160, 90], origin[160, 90]) == (0, Origin.HUMAN)
    assert origin[130, 90] == Origin.MODEL_ACCEPTED


def test_an_edge_finer_than_the_level_belongs_to_the_object(proposed):
    proposed.paint(Stroke([(300, 300)], 5, class_index=2))  # a person's: stays
    coarse = Box(4, 5, 8, 2)  # one coarse pixel less on the left and on the right
    found = np.ones(coarse.shape, bool)
    proposed.paint(Decision(found, coarse, 4, 2, Verdict.REJECT, "core"))
    assert not proposed.read(OBJECT).any()
    assert proposed.read(Box(300, 300, 1, 1)) == 2


class Source:
    """A proposal that holds the object only."""

    def read(self, box):
        labels = np.zeros(WHOLE.shape, np.uint8)
        labels[OBJECT.slices] = 2
        return labels[box.slices]


def test_a_rejection_can_be_taken_back_by_accepting(proposed):
    proposed.paint(decide(Verdict.REJECT))
    proposed.paint(decide(Verdict.ACCEPT, source=Source()))
    assert not proposed.read(OBJECT).any()  # what a person took away stays away
    proposed.paint(decide(Verdict.ACCEPT, source=Source(), again=True))
    labels, origin = pixels(proposed)
    assert (labels[OBJECT.slices] == 2).all()
    assert (origin[OBJECT.slices] == Origin.MODEL_ACCEPTED).all()


def test_an_object_of_another_proposal_is_put_into_an_empty_mask(mask):
    mask.paint(decide(Verdict.ACCEPT, source=Source()))
    assert (mask.read(OBJECT) == 2).all()
    assert np.count_nonzero(mask.read(WHOLE)) == OBJECT.height * OBJECT.width
    mask.undo()
    mask.paint(decide(Verdict.REJECT, source=Source()))
    assert not mask.read(OBJECT).any()
    assert (mask.origin(OBJECT) == Origin.HUMAN).all()


def test_a_decision_is_journaled_where_no_pixel_is_left_to_change(proposed):
    corners = [(60, 60), (60, 135), (200, 135), (200, 60)]
    proposed.paint(Polygon(corners, class_index=2))
    receipt = proposed.paint(decide(Verdict.ACCEPT))
    assert receipt.entry.tool == "accept"
    assert (proposed.origin(OBJECT) == Origin.HUMAN).all()
    proposed.undo()
    assert proposed.verify() == 4


def test_decisions_that_make_no_sense_are_refused(proposed):
    with pytest.raises(AnnotationError, match="shape of its box"):
        Decision(np.ones((2, 2), bool), Box(0, 0, 3, 3), 0, 1, Verdict.ACCEPT, "")
    with pytest.raises(AnnotationError, match="class"):
        Decision(np.ones((3, 3), bool), Box(0, 0, 3, 3), 0, 0, Verdict.ACCEPT, "")
    with pytest.raises(AnnotationError, match="9"):
        proposed.paint(
            Decision(np.ones((3, 3), bool), Box(0, 0, 3, 3), 0, 9, Verdict.ACCEPT, "")
        )


def test_comments_are_entries_and_the_last_word_stands(mask, path):
    first = mask.comment(OBJECT, "mitosis?", author="ada", about="2:4:4:4")
    second = mask.comment(OBJECT, "no, apoptosis", author="bo", replaces=first.seq)
    mask.comment(Box(0, 0, 10, 10), "pen", author="ada")
    assert [c.text for c in mask.comments()] == ["no, apoptosis", "pen"]
    assert mask.comments()[0].author == "bo"
    mask.comment(OBJECT, "", replaces=second.seq)
    assert [c.text for c in mask.comments()] == ["pen"]
    assert not mask.can_undo  # nothing was painted
    mask.close()
    with MaskStore.open(path, read_only=True) as again:
        assert [c.text for c in again.comments()] == ["pen"]
        assert again.verify() == 4


def test_comments_that_make_no_sense_are_refused(mask):
    with pytest.raises(AnnotationError, match="4000"):
        mask.comment(OBJECT, "x" * 4001)
    with pytest.raises(AnnotationError, match="outside"):
        mask.comment(Box(800, 800, 5, 5), "here")
    mask.paint(Stroke([(10, 10)], 2, class_index=1))
    with pytest.raises(AnnotationError, match="no comment"):
        mask.comment(OBJECT, "x", replaces=1)


def test_nothing_changes_in_a_signed_region(proposed):
    proposed.paint(Stroke([(100, 90)], 10, class_index=3))
    signed = proposed.sign(OBJECT, author="Dr Ada", statement="tumour, 3 mm")
    before = pixels(proposed)
    changes = (
        Stroke([(100, 100)], 5, class_index=1),
        Polygon([(0, 0), (0, 500), (500, 500), (500, 0)], class_index=1),
        Found(np.ones((4, 4), bool), Box(5, 5, 4, 4), 4, class_index=1),
        decide(Verdict.REJECT),
    )
    for change in changes:
        with pytest.raises(AnnotationError, match=r"Dr Ada signed.*unlock"):
            proposed.paint(change)
    with pytest.raises(AnnotationError, match="signed"):
        proposed.paint_region(OBJECT, 1, tool="x")
    with pytest.raises(AnnotationError, match="signed"):
        proposed.undo()
    for now, then in zip(pixels(proposed), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert proposed.verify() == 3  # refused changes left no entry
    beside = proposed.paint(Stroke([(300, 300)], 20, class_index=1))
    assert beside.seq == 4
    proposed.undo()  # that is outside of what was signed
    (signature,) = proposed.signatures()
    assert (signature.author, signature.statement) == ("Dr Ada", "tumour, 3 mm")
    assert signature.box == OBJECT
    proposed.unlock(signed.seq, author="bo")
    assert not proposed.signatures()
    proposed.undo()
    with pytest.raises(AnnotationError, match="no signature that stands"):
        proposed.unlock(signed.seq)


def test_a_stroke_around_a_signed_region_is_not_refused(proposed):
    proposed.sign(OBJECT)
    ring = [(40, 40), (40, 160), (220, 160), (220, 40), (40, 40)]
    assert proposed.paint(Stroke(ring, 5, class_index=1)).seq is not None


def test_undo_of_a_large_stroke_does_not_reach_a_signed_region(path, monkeypatch):
    monkeypatch.setattr("napari_histossl.annotate._blocks.BLOCK_PX", 64)
    with MaskStore.create(path, WHOLE.shape, 0.5) as mask:
        corners = [(10, 10), (10, 400), (400, 400), (400, 10)]
        mask.paint(Polygon(corners, class_index=1))
        mask.sign(OBJECT)
        with pytest.raises(AnnotationError, match="signed"):
            mask.undo()
        assert (mask.read(OBJECT) == 1).all()
        assert mask.verify() >= 2


def test_a_lock_stands_after_a_restart_and_in_a_large_stroke(path, monkeypatch):
    monkeypatch.setattr("napari_histossl.annotate._blocks.BLOCK_PX", 64)
    with MaskStore.create(path, WHOLE.shape, 0.5) as mask:
        corners = [(10, 10), (10, 400), (400, 400), (400, 10)]
        mask.paint(Polygon(corners, class_index=1))
        mask.sign(OBJECT, author="ada")
    with MaskStore.open(path) as mask:
        assert len(mask.signatures()) == 1
        with pytest.raises(AnnotationError, match="signed"):
            mask.paint(Polygon(corners, class_index=2))
        assert mask.verify() >= 2


def test_verify_finds_pixels_changed_behind_a_signature(proposed, path):
    proposed.sign(OBJECT, author="ada")
    proposed.close()
    with Pyramid.open(path, "r+") as labels:
        labels.write(Box(100, 100, 4, 4), np.full((4, 4), 3, np.uint8))
    with (
        MaskStore.open(path, read_only=True) as mask,
        pytest.raises(JournalError, match="does not hold what ada signed"),
    ):
        mask.verify()


def test_a_journal_of_the_format_before_comments_opens(proposed, path):
    import sqlite3

    proposed.paint(decide(Verdict.ACCEPT))
    proposed.close()
    journal = path.with_name(f"{path.name.removesuffix('.ome.zarr')}.journal.sqlite")
    with sqlite3.connect(journal) as connection:
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    with MaskStore.open(path, read_only=True) as mask:
        assert mask.verify() == 2
    with MaskStore.open(path) as mask:
        mask.comment(OBJECT, "since 3")
    with sqlite3.connect(journal) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)


def test_the_log_says_what_stands_also_after_undo_and_a_restart(proposed, path):
    log = ReviewLog(proposed)
    proposed.paint(decide(Verdict.REJECT))
    assert log.update()[0] == {"object"}
    assert log.decision("object").verdict is Verdict.REJECT
    proposed.undo()
    assert log.update()[0] == {"object"}
    assert log.decision("object") is None
    proposed.paint(decide(Verdict.ACCEPT))
    stroke = proposed.paint(Stroke([(100, 100)], 3, class_index=1))
    proposed.comment(OBJECT, "unsure", about="object")
    names, boxes = log.update()
    assert (names, boxes) == ({"object"}, [stroke.box])
    assert log.decision("object").verdict is Verdict.ACCEPT
    assert list(log.edits()) == [stroke.seq]
    assert log.comments_by_object()["object"].text == "unsure"
    proposed.undo()
    assert log.update()[1] == [stroke.box]
    assert not log.edits()
    proposed.close()
    with MaskStore.open(path) as mask:
        again = ReviewLog(mask)
        again.update()
        assert again.decision("object") == log.decision("object")
        assert not again.edits()
        assert [c.text for c in again.comments()] == ["unsure"]
        mask.redo()
        again.update()
        assert list(again.edits()) == [stroke.seq]
