"""Strokes, undo and large polygons on an empty mask of 100,000 x 100,000."""

import sqlite3

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore, Polygon, Stroke
from napari_histossl.annotate._raster import rasterise, stroke_boxes
from napari_histossl.annotate._settling import _SETTLE_EVERY
from napari_histossl.annotate.journal import Change, Journal, Kind
from napari_histossl.geometry import Box

SHAPE = (100_000, 100_000)
FROM_AFAR = Box(0, 0, 1563, 1563)
"""The whole mask at level 6."""


@pytest.fixture
def mask(tmp_path):
    with MaskStore.create(tmp_path / "mask.ome.zarr", SHAPE, 0.5) as store:
        yield store


def strokes_of(radius_px0, step_px0):
    """30 points, anywhere on the mask, a new stroke each time."""
    rng = np.random.default_rng(0)
    while_drawing = iter(range(1_000_000))

    def next_stroke():
        start = rng.uniform(5_000, 95_000, 2)
        points = start + np.cumsum(rng.normal(step_px0, 8, (30, 2)), axis=0)
        return (Stroke(points, radius_px0, next(while_drawing) % 5 + 1),), {}

    return next_stroke


@pytest.fixture
def strokes():
    """Radius 20, about 300 px long."""
    return strokes_of(20, 4)


@pytest.fixture
def polygon():
    """Five corners, 10,000 x 10,000 px."""
    corners = [(0, 3000), (2000, 10_000), (10_000, 8000), (9000, 0), (4000, 500)]
    return Polygon(np.add(corners, 40_000), 2)


def test_bare_insert(benchmark, tmp_path):
    """The yardstick of a stroke: a row of the same size, durable."""
    connection = sqlite3.connect(tmp_path / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, body BLOB)")
    insert = "INSERT INTO rows (body) VALUES (?)"
    benchmark.pedantic(connection.execute, (insert, (bytes(2500),)), rounds=60)
    connection.close()


@pytest.mark.parametrize(
    ("radius_px0", "step_px0"), [(20, 4), (200, 14)], ids=["brush 20", "brush 200"]
)
def test_stroke(benchmark, mask, radius_px0, step_px0):
    receipt = benchmark.pedantic(
        mask.paint, setup=strokes_of(radius_px0, step_px0), rounds=60, warmup_rounds=3
    )
    assert receipt.seq


def test_undo_of_a_stroke(benchmark, mask, strokes):
    def painted():
        (stroke,), _ = strokes()
        mask.paint(stroke)

    benchmark.pedantic(mask.undo, setup=painted, rounds=40)
    assert not mask.can_undo


def test_redo_of_a_stroke(benchmark, mask, strokes):
    (stroke,), _ = strokes()
    mask.paint(stroke)
    benchmark.pedantic(mask.redo, setup=lambda: mask.undo() and None, rounds=40)
    assert mask.can_undo


def test_undo_of_a_big_fill(benchmark, mask):
    box = Box(20_000, 30_000, 4096, 4096)
    benchmark.pedantic(
        mask.undo,
        setup=lambda: mask.paint_region(box, 2, tool="fill") and None,
        rounds=5,
    )
    assert not mask.read(box, 0).any()


def test_polygon_durable(benchmark, mask, polygon):
    receipt = benchmark.pedantic(
        mask.paint, (polygon,), setup=lambda: _forget(mask), rounds=5
    )
    assert receipt.seq
    _forget(mask)


def test_polygon_visible_from_afar(benchmark, mask, polygon):
    mask.paint(polygon)
    labels = benchmark.pedantic(mask.read, (FROM_AFAR, 6), rounds=5)
    assert (labels == 2).any()
    _forget(mask)


def test_undo_of_a_filled_polygon_visible_from_afar(benchmark, mask, polygon):
    mask.paint(polygon)
    list(mask.settle())
    mask.undo()
    labels = benchmark.pedantic(mask.read, (FROM_AFAR, 6), rounds=2)
    assert not labels.any()


def test_polygon_filled_at_every_level(benchmark, mask, polygon):
    benchmark.pedantic(
        lambda: list(mask.settle()),
        setup=lambda: mask.paint(polygon) and None,
        rounds=1,
    )
    assert not mask.owed_blocks


def _forget(mask):
    while mask.can_undo:
        mask.undo()


def test_compacting(benchmark, mask, strokes):
    def painted():
        for _ in range(_SETTLE_EVERY):
            (stroke,), _ = strokes()
            mask.paint(stroke)

    benchmark.pedantic(lambda: list(mask.compact()), setup=painted, rounds=2)
    assert not mask._journal.blobs.loose_bytes()


def test_rasterising_a_stroke(benchmark, strokes):
    (stroke,), _ = strokes()
    (box,) = stroke_boxes(stroke.points_px0, stroke.radius_px0, SHAPE)
    covered = benchmark(rasterise, stroke.points_px0, stroke.radius_px0, box)
    assert covered.any()


def test_one_journal_entry(benchmark, tmp_path):
    journal = Journal.create(tmp_path / "a.journal.sqlite", {})
    change = Change(Kind.STROKE, Box(5, 5, 9, 9), "brush")
    entry = benchmark(journal.append, change, bytes(400), [(0, bytes(900), None)])
    assert entry.seq
    journal.close()


@pytest.mark.parametrize("entries", [0, 10_000])
def test_opening(benchmark, tmp_path, entries):
    """A mask with so many strokes of history; written in one transaction."""
    path = tmp_path / "mask.ome.zarr"
    with MaskStore.create(path, SHAPE, 0.5) as mask:
        change = Change(Kind.STROKE, Box(0, 0, 1, 1), "nothing")
        with mask._journal._database.transaction():
            for _ in range(entries):
                _append_quickly(mask._journal, change)

    benchmark.pedantic(lambda: MaskStore.open(path).close(), rounds=5)


def _append_quickly(journal, change):
    entry = journal._chained(change, "0" * 64, "1" * 64, "2" * 64)
    journal._insert(entry, bytes(300))
    journal.blobs.add_patch(entry.seq, "before", 0, bytes(2500))
    journal._remember(entry)
