"""One thread corrects a mask while others look: they never see half a change."""

import contextlib
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore, Polygon, _blocks
from napari_histossl.geometry import Box

SIDE = 1536
INNER = Box(300, 300, 700, 900)
"""Over several chunks, whose borders are at 512 and 1024."""


@pytest.fixture
def mask(path):
    with MaskStore.create(path, (SIDE, SIDE), 0.5) as store:
        yield store


@pytest.fixture(autouse=True)
def threads_change_often():
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


@contextlib.contextmanager
def watched(*looks):
    """Look again and again, in a thread each, until the work inside is done."""
    ended, seen = threading.Event(), []

    def watch(look):
        while not ended.is_set():
            seen.append(look())

    with ThreadPoolExecutor(len(looks)) as threads:
        watching = [threads.submit(watch, look) for look in looks]
        try:
            yield seen
        finally:
            ended.set()
        for watch_of_one in watching:
            watch_of_one.result()
    assert len(seen) > 20, "nobody looked"


def only_value(pixels):
    values = np.unique(pixels).tolist()
    assert len(values) == 1, f"half a change was seen: {values}"
    return values[0]


def test_a_change_over_several_chunks_is_seen_as_a_whole_or_not_at_all(mask):
    mask.paint_region(INNER, 1, tool="fill")
    halved = Box(*(v // 2 for v in (INNER.y, INNER.x, *INNER.shape)))
    with watched(
        lambda: only_value(mask.read(INNER)),
        lambda: only_value(mask.read(halved, 1)),
        lambda: only_value(mask.origin(INNER)),
        lambda: only_value(mask.lazy()[0][300:512, 300:512].compute()),
    ) as seen:
        for number in range(20):
            mask.paint_region(INNER, number % 4 + 2, tool="fill")
            if number % 5 == 4:
                mask.undo()
                mask.redo()
            if number % 10 == 9:
                list(mask.settle())
    assert len(set(seen)) > 2


@pytest.mark.parametrize("spared", [(), (4,)])
def test_what_is_filled_later_is_never_seen_over_what_came_after(
    mask, monkeypatch, spared
):
    monkeypatch.setattr(_blocks, "BLOCK_PX", 256)
    around = [(40, 40), (40, 1500), (1400, 1500), (1400, 40)]
    with watched(
        lambda: only_value(mask.read(INNER)),
        lambda: only_value(mask.origin(INNER)),
        lambda: (mask.can_undo, mask.can_redo, mask.owed_blocks)[0],
    ) as seen:
        for number in (0, 3):
            mask.paint(Polygon(around, 3, spared=spared))
            for _progress in zip(range(number), mask.settle(), strict=False):
                pass
            mask.paint_region(INNER, 5, tool="fill")
            mask.undo()
            list(mask.settle())
            mask.undo()
            mask.paint_region(INNER, 2, tool="fill")
            mask.undo()
    assert {0, 3, 5} <= set(seen)
    assert not mask.read(INNER).any()
    mask.verify()


def test_changes_from_two_threads_wait_for_one_another(mask):
    def paint(row):
        for number in range(15):
            mask.paint_region(Box(row, 40 * number, 30, 30), 1, tool="fill")

    with ThreadPoolExecutor(2) as threads:
        list(threads.map(paint, (0, 500)))
    assert [entry.seq for entry in mask.entries()] == list(range(1, 31))
    assert int((mask.read(Box(0, 0, SIDE, SIDE)) == 1).sum()) == 30 * 30 * 30
    mask.verify()
