"""Chunks compressed and decompressed in memory that is used again."""

import threading

import numpy as np
import pytest
from numcodecs import Zstd

from napari_histossl.store._packing import Packing


@pytest.fixture
def packing():
    return Packing(64, np.dtype("uint16"))


def test_others_unpack_what_is_packed_and_the_other_way_round(packing, rng):
    chunk = rng.integers(0, 9, (64, 64)).astype(np.uint16)
    others = np.frombuffer(Zstd().decode(packing.pack(chunk)), "<u2").reshape(64, 64)
    np.testing.assert_array_equal(others, chunk)
    np.testing.assert_array_equal(packing.unpack(Zstd().encode(chunk)), chunk)


def test_noise_that_cannot_be_compressed_fits(packing, rng):
    noise = rng.integers(0, 1 << 16, (64, 64)).astype(np.uint16)
    np.testing.assert_array_equal(packing.unpack(packing.pack(noise)), noise)


def test_a_thread_uses_its_memory_again_and_no_other_thread_does(packing):
    bodies = [packing.pack(np.full((64, 64), n, np.uint16)) for n in range(3)]
    mine = packing.unpack(bodies[1])
    assert np.shares_memory(packing.unpack(bodies[2]), mine)
    found = []
    thread = threading.Thread(target=lambda: found.append(packing.unpack(bodies[0])))
    thread.start()
    thread.join()
    assert not np.shares_memory(found[0], mine)
    assert (mine == 2).all()


@pytest.mark.parametrize("edge", [32, 65])
def test_a_chunk_of_another_size_is_refused(packing, edge):
    body = Packing(edge, np.dtype("uint16")).pack(np.ones((edge, edge), np.uint16))
    with pytest.raises((RuntimeError, ValueError)):
        packing.unpack(body)


def test_damage_is_refused(packing):
    body = packing.pack(np.arange(64 * 64, dtype=np.uint16).reshape(64, 64))
    with pytest.raises(RuntimeError):
        packing.unpack(body[:-9])
