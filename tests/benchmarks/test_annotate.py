"""One stroke and the undo of a big fill, on an empty mask of 100,000 x 100,000."""

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.annotate._raster import rasterise, stroke_boxes
from napari_histossl.annotate.journal import Change, Journal, Kind
from napari_histossl.geometry import Box

SHAPE = (100_000, 100_000)


@pytest.fixture
def mask(tmp_path):
    with MaskStore.create(tmp_path / "mask.ome.zarr", SHAPE, 0.5) as store:
        yield store


@pytest.fixture
def strokes():
    """30 points, radius 20, about 300 px long, anywhere on the mask."""
    rng = np.random.default_rng(0)
    while_drawing = iter(range(1_000_000))

    def next_stroke():
        start = rng.uniform(5_000, 95_000, 2)
        points = start + np.cumsum(rng.normal(4, 8, (30, 2)), axis=0)
        return (Stroke(points, 20, next(while_drawing) % 5 + 1),), {}

    return next_stroke


def test_stroke(benchmark, mask, strokes):
    receipt = benchmark.pedantic(mask.paint, setup=strokes, rounds=60, warmup_rounds=3)
    assert receipt.seq


def test_undo_of_a_stroke(benchmark, mask, strokes):
    def painted():
        (stroke,), _ = strokes()
        mask.paint(stroke)

    benchmark.pedantic(mask.undo, setup=painted, rounds=40)
    assert not mask.can_undo


def test_undo_of_a_big_fill(benchmark, mask):
    box = Box(20_000, 30_000, 4096, 4096)
    benchmark.pedantic(
        mask.undo,
        setup=lambda: mask.paint_region(box, 2, tool="fill") and None,
        rounds=5,
    )
    assert not mask.read(box, 0).any()


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


def test_opening_with_a_long_history(benchmark, tmp_path):
    path = tmp_path / "mask.ome.zarr"
    with MaskStore.create(path, SHAPE, 0.5) as mask:
        change = Change(Kind.REGION, Box(0, 0, 1, 1), "nothing")
        for _ in range(300):
            mask._journal.append(change)

    def reopen():
        MaskStore.open(path).close()

    benchmark.pedantic(reopen, rounds=5)
