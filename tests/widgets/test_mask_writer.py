"""The thread that changes a mask: in order, nothing behind a failure, an end."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore, Polygon, Stroke
from napari_histossl.geometry import Box
from napari_histossl.widgets._mask_writer import Edit, MaskWriter

WAIT_S = 60


@pytest.fixture
def store(tmp_path):
    with MaskStore.create(tmp_path / "m.ome.zarr", (9000, 9000), 0.5) as made:
        yield made


class Told:
    """What a writer said, for those who wait for it."""

    def __init__(self):
        self.news, self.changed = [], threading.Condition()

    def __call__(self, edit, outcome):
        with self.changed:
            self.news.append((edit, outcome))
            self.changed.notify_all()

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.news) >= count, WAIT_S)
        return self.news


def stroke(number):
    return Stroke([(40, 60 * number + 40), (300, 60 * number + 40)], 20, number % 5 + 1)


def test_edits_are_done_in_the_order_in_which_they_were_asked_for(store):
    told = Told()
    writer = MaskWriter(store, told)
    for number in range(20):
        writer.add(Edit(lambda number=number: store.paint(stroke(number))))
    writer.add(Edit(store.undo))
    news = told.wait(21)
    assert [outcome.receipt.seq for _edit, outcome in news] == list(range(1, 22))
    assert writer.close(WAIT_S)
    with MaskStore.open(store.path) as again:
        assert again.read(Box(100, 60 * 18 + 40, 1, 1))[0, 0] == 18 % 5 + 1
        assert again.read(Box(100, 60 * 19 + 40, 1, 1))[0, 0] == 0


def test_what_waits_behind_a_failure_is_not_done(store):
    told, go = Told(), threading.Event()

    def fail():
        go.wait(WAIT_S)
        return store.paint(Stroke([(40, 40)], 5, 99))

    writer = MaskWriter(store, told)
    writer.add(Edit(lambda: store.paint(stroke(0))))
    told.wait(1)
    writer.add(Edit(fail))
    behind = Edit(store.undo)
    writer.add(behind)
    assert writer.waiting == 2
    go.set()
    news = told.wait(3)
    assert "99" in str(news[1][1])
    assert news[2] == (behind, None)
    writer.add(Edit(lambda: store.paint(stroke(1))))  # it goes on
    assert told.wait(4)[3][1].receipt.seq == 2
    writer.close(WAIT_S)


def test_large_strokes_are_filled_while_nothing_is_drawn(store):
    told = Told()
    writer = MaskWriter(store, told)
    ring = np.array([(100, 100), (100, 8000), (8000, 4000)], np.float32)
    writer.add(Edit(lambda: store.paint(Polygon((ring,), 2))))
    told.wait(1)
    assert store.owed_blocks
    writer.add(Edit(lambda: store.paint(stroke(0))))  # not kept waiting by filling
    assert told.wait(2)[1][1].receipt.seq == 2
    while told.wait(3)[-1] != (None, None):
        pass
    assert not store.owed_blocks
    assert writer.close(WAIT_S)


def test_closing_leaves_to_the_next_what_takes_long(store):
    writer = MaskWriter(store, Told())
    ring = np.array([(0, 0), (0, 9000), (9000, 9000), (9000, 0)], np.float32)
    for number in range(4):
        writer.add(
            Edit(lambda number=number: store.paint(Polygon((ring,), number + 1)))
        )
    assert writer.close(WAIT_S)
    with MaskStore.open(store.path, read_only=True) as again:
        assert again.read(Box(4000, 4000, 1, 1))[0, 0] == 4
        # on a fast machine something is filled at the end, which the journal says too
        strokes = [one for one in again.entries() if one.kind == "stroke"]
        assert len(strokes) == 4


def test_a_mask_for_looking_is_not_filled(store):
    store.paint(Polygon([(0, 0), (0, 5000), (5000, 0)], 2))
    store.close(settle=False)
    with MaskStore.open(store.path, read_only=True) as looked_at:
        told = Told()
        writer = MaskWriter(looked_at, told)
        assert looked_at.owed_blocks
        assert writer.close(WAIT_S)
        assert told.news == []
