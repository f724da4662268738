"""50,000 objects out of a mask and into one, as GeoJSON."""

import numpy as np
import pytest

from napari_histossl.annotate import MaskStore
from napari_histossl.annotate.formats import geojson, painting
from napari_histossl.annotate.formats.shapes import Polygon, Shape, Shapes

SHAPE = (100_000, 100_000)
PITCH_PX0 = 90
"""Nuclei lie as densely as in tissue, 22 micrometres apart at 0.25 um per pixel."""


def nuclei(count):
    """Wavy outlines of 40 corners on a grid, some 8 um wide."""
    rng = np.random.default_rng(0)
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    across = int(np.ceil(np.sqrt(count)))
    for number in range(count):
        radius = 16 + 3 * np.sin(3 * turn + rng.uniform(0, 6))
        centre = np.array(divmod(number, across)) * PITCH_PX0 + 40_000
        ring = centre + radius[:, None] * np.stack([np.sin(turn), np.cos(turn)], 1)
        name = ("tumour", "lymphocytes")[number % 2]
        yield Shape((Polygon(np.round(ring, 2)),), name, (200, 0, 0), "", {"area": 1.5})


@pytest.fixture(scope="module")
def count(request):
    """How many objects; few where nothing is timed."""
    return 50_000 if request.config.getoption("benchmark_enable") else 500


@pytest.fixture(scope="module")
def path(tmp_path_factory, count):
    path = tmp_path_factory.mktemp("formats") / "nuclei.geojson"
    list(geojson.write(Shapes(tuple(nuclei(count))), path))
    return path


@pytest.fixture
def empty(tmp_path):
    with MaskStore.create(tmp_path / "a.ome.zarr", SHAPE, 0.5, downsample=2.0) as mask:
        yield mask


def bring_in(path, mask):
    shapes = geojson.read(path, extent_px0=(200_000, 200_000))
    assignment = painting.assign(shapes, mask.classes)
    list(painting.paint(mask, shapes, assignment))
    return shapes


def test_objects_in(benchmark, path, empty, count):
    shapes = benchmark.pedantic(bring_in, (path, empty), rounds=1)
    assert len(shapes) == count


def test_objects_out(benchmark, path, empty, tmp_path, count):
    bring_in(path, empty)
    out = tmp_path / "out.geojson"
    benchmark.pedantic(lambda: list(geojson.write(empty, out)), rounds=1)
    with out.open(encoding="utf-8") as file:
        assert sum(1 for line in file) == count + 2
