"""Writes that are held in memory: seen at once, on the disk after a flush."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from napari_histossl.errors import StoreError
from napari_histossl.geometry import Box
from napari_histossl.store import Pyramid, _held

SHAPE = (700, 900)
WHOLE = Box(0, 0, *SHAPE)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.ome.zarr"


@pytest.fixture
def held(path):
    with Pyramid.create(
        path, shape=SHAPE, dtype=np.uint8, reducer="max", chunk_px=128, hold_writes=True
    ) as pyramid:
        yield pyramid


def on_disk(path, level=0):
    with Pyramid.open(path) as pyramid:
        return pyramid.read(pyramid.levels[level].box, level)


def paint(pyramid, rng):
    box = Box(*rng.integers(0, 400, 2).tolist(), *rng.integers(1, 300, 2).tolist())
    pyramid.write(box, rng.integers(0, 9, box.shape, dtype=np.uint8))
    pyramid.refresh(box)


def test_what_is_held_reads_as_if_it_were_written(held, tmp_path, rng):
    plain = Pyramid.create(
        tmp_path / "b.ome.zarr", shape=SHAPE, dtype=np.uint8, reducer="max"
    )
    for seed in range(6):
        for pyramid in (held, plain):
            paint(pyramid, np.random.default_rng(seed))
        if seed % 2:
            held.flush()
        for level, info in enumerate(held.levels):
            np.testing.assert_array_equal(
                held.read(info.box, level), plain.read(info.box, level)
            )
    assert held.held_bytes == 0
    for level in range(len(held.levels)):
        np.testing.assert_array_equal(
            on_disk(held.path, level), plain.read(plain.levels[level].box, level)
        )


def test_nothing_is_on_the_disk_before_a_flush(held, path, rng):
    paint(held, rng)
    assert held.held_bytes > 0
    assert not on_disk(path).any()
    held.flush()
    assert on_disk(path).any()
    assert held.held_bytes == 0


def test_a_uniform_region_takes_no_memory_and_a_few_bytes_a_chunk(held, path):
    held.write(WHOLE, np.full(SHAPE, 3, np.uint8))
    assert held.held_bytes < 60 * 6 * 8
    held.flush()
    inner = path / "0" / "c" / "1" / "1"
    assert inner.stat().st_size < 60
    held.write(WHOLE, np.zeros(SHAPE, np.uint8))
    held.flush()
    assert not [file for file in (path / "0" / "c").rglob("*") if file.is_file()]


def test_a_chunk_is_on_the_disk_before_it_gets_its_name(held, monkeypatch, rng):
    calls = []
    sync, replace, folder = _held.sync_file, os.replace, _held.sync_folder
    monkeypatch.setattr(
        _held, "sync_file", lambda p: (calls.append(("file", p)), sync(p))
    )
    monkeypatch.setattr(
        _held, "sync_folder", lambda p: (calls.append(("folder", p)), folder(p))
    )
    monkeypatch.setattr(
        os, "replace", lambda a, b: (calls.append(("name", a, b)), replace(a, b))
    )
    paint(held, rng)
    held.flush()
    named = [call for call in calls if call[0] == "name"]
    assert named
    for call in named:
        _kind, part, path = call
        after = calls[calls.index(call) :]
        assert ("file", part) in calls[: calls.index(call)]
        for parent in (path.parent, path.parent.parent, path.parent.parent.parent):
            assert ("folder", parent) in after


def test_a_full_disk_keeps_what_is_held(held, path, monkeypatch, rng):
    paint(held, rng)
    held.flush()
    before = on_disk(path)
    paint(held, rng)
    wanted = held.read(WHOLE)

    def full(self, data):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(StoreError, match="No space"):
            held.flush()
    np.testing.assert_array_equal(on_disk(path), before)
    np.testing.assert_array_equal(held.read(WHOLE), wanted)
    assert not list(path.rglob("*.partial"))
    held.flush()
    np.testing.assert_array_equal(on_disk(path), wanted)


def test_looking_may_hold_writes_that_never_reach_the_disk(held, path, rng):
    with Pyramid.open(path, hold_writes=True) as looking:
        paint(looking, rng)
        assert looking.read(WHOLE).any()
        with pytest.raises(StoreError, match="not open for writing"):
            looking.flush()
    assert not on_disk(path).any()


def test_marks_promise_what_is_on_the_disk(held, path, rng):
    paint(held, rng)
    held.mark_done("a")
    np.testing.assert_array_equal(on_disk(path), held.read(WHOLE))
