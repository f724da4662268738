"""Tiles a second from each kind of source, on one and two threads; cost of a hit.

``python tests/benchmarks/tiles_report.py`` prints the same against the raw codec.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from napari_histossl.geometry import Box
from napari_histossl.slide.tiles import TileService, keys_in_view, keys_of_level

sys.path.insert(0, str(Path(__file__).parent))
import tiles_report as tiles


@pytest.fixture(scope="module")
def subjects(tmp_path_factory):
    with tiles.Subjects(tmp_path_factory.mktemp("tiles"), side_px=2048) as subjects:
        yield subjects


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("name", tiles.NAMES)
def test_tiles_a_second(benchmark, subjects, name, threads):
    count = benchmark(subjects.read_all, name, threads)
    assert count == subjects.count(name)
    benchmark.extra_info["tiles"] = count


@pytest.fixture
def served(subjects):
    source = subjects.sources["SVS directly"]
    with TileService(workers=2) as service:
        service.add(source)
        for key in keys_of_level(source, 0):
            service.load(*key)
        while service.stats().queued or service.stats().running:
            time.sleep(0.01)  # the coarsest level, which is read unasked
        yield service, source


def test_a_hit(benchmark, served):
    service, source = served
    assert benchmark(service.get, source, 0, 3, 3) is not None


def test_wanting_a_view_that_is_there(benchmark, served):
    service, source = served
    keys = keys_in_view(source, 0, Box(0, 0, 2048, 2048), coarser=0)
    benchmark(service.want, keys)
    assert service.stats().queued == 0


def test_ordering_a_view(benchmark, served):
    source = served[1]
    keys = benchmark(keys_in_view, source, 0, Box(300, 300, 1440, 1440))
    assert {key[1] for key in keys} == {0, 1}
