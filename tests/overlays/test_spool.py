"""Records of tiles: what a crash leaves of them, and a full disk."""

import subprocess
import sys

import numpy as np
import pytest

from napari_histossl.errors import StoreError
from napari_histossl.overlays.spool import Spool

LAYOUT = [((2, 4, 4), np.float16), ((3,), np.float32)]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "overlay" / "0" / "spool.bin"


def _values(count, seed=0):
    rng = np.random.default_rng(seed)
    return (
        rng.random((count, 2, 4, 4)).astype(np.float16),
        rng.random((count, 3)).astype(np.float32),
    )


def test_what_is_added_is_there_when_opened_again(path):
    tiles = [(0, 1), (7, 3), (2, 2)]
    values = _values(3)
    with Spool(path, LAYOUT) as spool:
        assert spool.tiles == set()
        spool.add(tiles[:2], tuple(part[:2] for part in values))
        spool.add(tiles[2:], tuple(part[2:] for part in values))
    with Spool(path, LAYOUT) as spool:
        assert spool.tiles == set(tiles)
        for index, tile in enumerate(tiles):
            for part, read in zip(values, spool.read(tile), strict=True):
                np.testing.assert_array_equal(read, part[index])
        spool.clear()
        assert spool.tiles == set()
        assert path.stat().st_size == 0


def test_a_record_that_was_cut_off_anywhere_is_not_there(path):
    with Spool(path, LAYOUT) as spool:
        spool.add([(0, 0)], _values(1))
        one = path.stat().st_size
        spool.add([(0, 1)], _values(1, 1))
    whole = path.read_bytes()
    for length in range(one, 2 * one):
        path.write_bytes(whole[:length])
        with Spool(path, LAYOUT) as spool:
            assert spool.tiles == {(0, 0)}
            spool.add([(5, 5)], _values(1, 2))
        with Spool(path, LAYOUT) as spool:
            assert spool.tiles == {(0, 0), (5, 5)}
            np.testing.assert_array_equal(spool.read((5, 5))[1], _values(1, 2)[1][0])


def test_half_a_batch_that_reached_the_disk_is_not_taken_for_a_whole_one(path):
    with Spool(path, LAYOUT) as spool:
        spool.add([(0, k) for k in range(4)], _values(4))
    data = bytearray(path.read_bytes())
    size = len(data) // 4
    data[size + 40 : 2 * size] = bytes(size - 40)  # a page that was never written
    path.write_bytes(data)
    with Spool(path, LAYOUT) as spool:
        assert spool.tiles == {(0, 0)}
        spool.add([(9, 9)], _values(1))
    with Spool(path, LAYOUT) as spool:
        assert spool.tiles == {(0, 0), (9, 9)}


def test_damage_that_nobody_expects_is_said(path):
    with Spool(path, LAYOUT) as spool:
        spool.add([(0, 0)], _values(1))
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(data)
        with pytest.raises(StoreError, match="damaged at the tile in row 0"):
            spool.read((0, 0))


_FULL = """
import resource, signal, sys
import numpy as np
from pathlib import Path
from napari_histossl.errors import StoreError
from napari_histossl.overlays.spool import Spool
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
spool = Spool(path, [((100,), np.float32)])
ones = np.ones((4, 100), np.float32)
spool.add([(0, k) for k in range(4)], (ones,))
held = path.stat().st_size
resource.setrlimit(resource.RLIMIT_FSIZE, (held + 500, resource.RLIM_INFINITY))
try:
    spool.add([(1, k) for k in range(4)], (ones,))
except StoreError as error:
    print(error)
print(path.stat().st_size == held, len(spool.tiles))
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
spool.add([(2, k) for k in range(4)], (ones,))
print(len(Spool(path, [((100,), np.float32)]).tiles))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_full_disk(path):
    said = subprocess.run(
        [sys.executable, "-c", _FULL, str(path)],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert "make room" in said[0]
    assert said[1:] == ["True 4", "8"]
