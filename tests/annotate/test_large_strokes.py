"""Large strokes: durable and seen at once, filled later, taken back at any moment."""

import numpy as np
import pytest

from napari_histossl.annotate import Kind, MaskStore, Polygon, Stroke, _blocks
from napari_histossl.annotate.formats import _region_walk, geojson
from napari_histossl.annotate.journal import Journal
from napari_histossl.annotate.measure import Measuring
from napari_histossl.classes import Origin
from napari_histossl.errors import JournalError
from napari_histossl.geometry import Box
from napari_histossl.store import Pyramid

SIDE = 1536
WHOLE = Box(0, 0, SIDE, SIDE)
SQUARE = [(125, 175), (125, 1325), (1300, 1325), (1300, 175)]
IN_SQUARE = Box(125, 175, 1175, 1150)
BLOCKS = 36


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    """Six by six blocks of a small mask do as well as those of a large one."""
    monkeypatch.setattr(_blocks, "BLOCK_PX", 256)


@pytest.fixture
def mask(path):
    with MaskStore.create(path, (SIDE, SIDE), 0.5) as store:
        yield store


def square(class_index=2, **options):
    return Polygon(SQUARE, class_index, **options)


def truth(box=IN_SQUARE, class_index=2):
    labels = np.zeros((SIDE, SIDE), np.uint8)
    labels[box.slices] = class_index
    return labels


def test_a_large_polygon_is_journalled_as_its_corners(mask):
    receipt = mask.paint(square())
    assert receipt.seq == 1
    assert mask.owed_blocks == BLOCKS
    (entry,) = mask.entries()
    assert len(mask._journal.payload(entry)) < 300
    assert mask._journal.blobs.loose_bytes() < 300
    assert not mask._planes.read(IN_SQUARE).labels.any()  # no pixel is set yet


def test_it_is_seen_before_a_pixel_is_set_at_every_zoom(mask):
    mask.paint(square())
    np.testing.assert_array_equal(mask.read(WHOLE), truth())
    for level, info in enumerate(mask.levels):
        labels, origin = mask.read(info.box, level), mask.origin(info.box, level)
        y, x, y1, x1 = (value >> level for value in (125, 175, 1300, 1325))
        assert (labels[y + 1 : y1 - 1, x + 1 : x1 - 1] == 2).all()
        assert not labels[: y - 1].any()
        assert ((origin == Origin.HUMAN) == (labels == 2)).all()
    assert mask.owed_blocks == BLOCKS


def test_a_thin_line_is_seen_from_far_away(mask):
    mask.paint(Stroke([(25, 25), (1510, 1510)], 1, 1))
    coarsest = mask.read(mask.levels[-1].box, len(mask.levels) - 1)
    assert (np.diag(coarsest)[8:-8] == 1).all()


def test_filling_is_exact_at_every_level_and_begins_with_the_view(mask):
    mask.paint(square())
    view = Box(1050, 1050, 60, 60)
    first = next(mask.settle(near_px0=view))
    assert first.box.intersection(view) == view
    list(mask.settle())
    assert mask.owed_blocks == 0
    labels = truth()
    for level, info in enumerate(mask.levels):
        np.testing.assert_array_equal(mask.read(info.box, level), labels)
        labels = labels.reshape(len(labels) // 2, 2, -1, 2).max(axis=(1, 3))


def test_filling_goes_on_after_it_was_stopped_and_the_mask_reopened(mask, path):
    mask.paint(square())
    work = mask.settle()
    steps = [next(work) for _ in range(5)]
    work.close()
    assert 0 < mask.owed_blocks <= BLOCKS - len(steps)
    mask.close(settle=False)
    with MaskStore.open(path) as again:
        assert again.owed_blocks > 0
        np.testing.assert_array_equal(again.read(WHOLE), truth())
        list(again.settle())
        assert again.owed_blocks == 0
        assert again.verify() == 2
        assert [entry.kind for entry in again.entries()] == [Kind.STROKE, Kind.FILLED]


def test_closing_fills_so_that_other_programs_see_it(mask, path):
    mask.paint(square())
    mask.close()
    with Pyramid.open(path) as pyramid:
        np.testing.assert_array_equal(pyramid.read(WHOLE), truth())


def test_a_stroke_upon_owed_blocks_fills_these_alone(mask):
    mask.paint(square())
    mask.paint(Stroke([(600, 600)], 30, 5))
    assert mask.owed_blocks == BLOCKS - 1
    labels = mask.read(WHOLE)
    assert labels[600, 600] == 5
    assert labels[650, 600] == 2


def test_undo_before_filling_costs_nothing_and_sets_nothing(mask):
    mask.paint(Stroke([(400, 400)], 20, 1))
    before = mask.read(WHOLE)
    mask.paint(square())
    mask.undo()
    assert mask.owed_blocks == 0
    np.testing.assert_array_equal(mask.read(WHOLE), before)
    mask.redo()
    assert mask.owed_blocks == BLOCKS
    np.testing.assert_array_equal(mask.read(WHOLE), truth())


@pytest.mark.parametrize("filled_steps", [1, 20])
def test_undo_and_redo_while_filling(mask, path, filled_steps):
    mask.paint(Stroke([(400, 400), (800, 500)], 30, 1))
    list(mask.settle())
    before, origin = mask.read(WHOLE), mask.origin(WHOLE)
    mask.paint(square())
    for _progress in zip(range(filled_steps), mask.settle(), strict=False):
        pass
    mask.undo()
    np.testing.assert_array_equal(mask.read(WHOLE), before)
    np.testing.assert_array_equal(mask.origin(WHOLE), origin)
    coarse = Box(0, 0, SIDE // 4, SIDE // 4)
    was = before.reshape(SIDE // 4, 4, -1, 4).max(axis=(1, 3))
    np.testing.assert_array_equal(mask.read(coarse, 2), was)
    for _progress in zip(range(3), mask.settle(), strict=False):
        pass
    mask.redo()
    np.testing.assert_array_equal(mask.read(WHOLE), truth())
    mask.close(settle=False)
    with MaskStore.open(path) as again:
        again.undo()
        list(again.settle())
        np.testing.assert_array_equal(again.read(WHOLE), before)
        again.verify()


def test_what_is_spared_is_judged_by_what_was_there(mask):
    mask.paint(Stroke([(400, 400)], 20, 1))
    mask.paint(square(3, spared=(1,)))
    labels = mask.read(WHOLE)
    assert (labels[400, 400], labels[400, 460]) == (1, 3)
    list(mask.settle())
    np.testing.assert_array_equal(mask.read(WHOLE), labels)


def test_a_hole_and_a_crossing_are_outside(mask):
    hole = [(250, 250), (250, 500), (500, 500), (500, 250)]
    mask.paint(Polygon([SQUARE, hole], 4, tool="lasso"))
    labels = mask.read(WHOLE)
    assert (labels[400, 400], labels[400, 600]) == (0, 4)
    assert int((labels == 4).sum()) == 1175 * 1150 - 250 * 250


def test_damaged_pixels_before_are_found_and_said_where(mask, path):
    mask.paint(Stroke([(400, 400)], 20, 1))
    mask.paint(square())
    for _progress in zip(range(9), mask.settle(), strict=False):
        pass
    with mask._journal._database.transaction():
        mask._journal._database.run(
            "UPDATE patches SET body = substr(body, 1, 30) || x'77' "
            "WHERE seq = 2 AND part = 'before' AND number = 0"
        )
    with pytest.raises(JournalError, match=r"damaged at entry 2.*the 1 entries before"):
        mask.verify()


def test_what_was_removed_from_sealed_pixels_is_found(mask):
    mask.paint(square())
    list(mask.settle())
    with mask._journal._database.transaction():
        mask._journal._database.run("DELETE FROM patches WHERE number = 0")
    with pytest.raises(JournalError, match="damaged at entry 1"):
        mask.verify()


class PowerCut(BaseException):
    """The process ends here."""


def test_undo_and_redo_of_what_a_crash_made_owed_again(path, monkeypatch):
    """The blocks are filled on the disk, and the journal does not know it yet."""

    def cut(*_arguments):
        raise PowerCut

    mask = MaskStore.create(path, (SIDE, SIDE), 0.5)
    mask.paint(square(1))
    list(mask.settle())
    mask.paint(square(3))
    for step in ("undo", "redo"):
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "settle", cut)
            with pytest.raises(PowerCut):
                list(mask.settle())
        mask._writer.settler.close()
        mask._journal.close()
        mask._planes.close()
        mask = MaskStore.open(path)
        assert mask.owed_blocks == BLOCKS
        getattr(mask, step)()
        expected = truth(class_index={"undo": 1, "redo": 3}[step])
        np.testing.assert_array_equal(mask.read(WHOLE), expected)
    list(mask.settle())
    np.testing.assert_array_equal(mask.read(WHOLE), expected)
    mask.close()


def test_what_is_owed_is_exported_and_measured_as_if_it_were_filled(
    mask, path, tmp_path, monkeypatch
):
    """Empty tiles are told from afar, where neither sliver nor rest may vanish."""
    monkeypatch.setattr(_region_walk, "_OVERVIEW_PX", 1 << 18)
    mask.paint(Polygon([(1090, 10), (1096, 900), (1097, 900)], 3))  # hardly a pixel
    mask.paint_region(Box(1028, 1028, 470, 470), 2, tool="fill")
    mask.paint(Polygon([(1029, 1029), (1029, 1535), (1535, 1535), (1535, 1029)], 0))
    mask.paint(Stroke([(100, 1400), (900, 1405)], 0.3, 1))
    assert mask.owed_blocks
    with MaskStore.open(path, read_only=True) as looking:
        assert looking.owed_blocks
        owed = [_measures(looking), _objects(looking, tmp_path)]
    list(mask.settle())
    with MaskStore.open(path, read_only=True) as looking:
        assert [_measures(looking), _objects(looking, tmp_path)] == owed
    assert {row[0] for row in owed[0] if row[1]} >= {"tumour", "stroma", "lymphocytes"}


def _measures(mask):
    measuring = Measuring(mask)
    list(measuring.run())
    return [(row.name, row.pixels, row.objects) for row in measuring.rows()]


def _objects(mask, folder):
    list(geojson.write(mask, folder / "a.geojson"))
    return sorted((folder / "a.geojson").read_text().splitlines())
