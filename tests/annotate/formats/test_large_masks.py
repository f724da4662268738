"""Masks much larger than memory should hold: no seams, and little memory."""

import json
import tracemalloc
import warnings

import numpy as np
import pytest
import zarr

from napari_histossl.annotate import MaskStore, Stroke
from napari_histossl.annotate.formats import asap, geojson
from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.geometry import Box

SIDE = 16_000
MOST_BYTES = SIDE * SIDE // 4
"""A quarter of the mask as an array; what is needed does not grow with the mask."""


@pytest.fixture(scope="module")
def mask(tmp_path_factory):
    """A line across many tiles, a ring, and a nucleus on a corner of tiles."""
    path = tmp_path_factory.mktemp("large") / "nests.ome.zarr"
    with MaskStore.create(path, (SIDE, SIDE), 0.5) as store:
        store.paint(Stroke([(500, 500), (15_500, 15_000), (15_500, 8_000)], 9, 1))
        ring = [(10_000, 3_000), (10_000, 5_000), (12_000, 5_000), (12_000, 3_000)]
        store.paint(Stroke([*ring, ring[0]], 8, 2))
        store.paint(Stroke([(4096, 10_240)], 15, 3))
    with MaskStore.open(path, read_only=True) as store:
        yield store


def test_objects_across_tiles_come_out_as_one(mask, tmp_path):
    tracemalloc.start()
    list(geojson.write(mask, tmp_path / "a.geojson"))
    _now, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < MOST_BYTES
    features = json.loads((tmp_path / "a.geojson").read_text())["features"]
    found = {f["properties"]["classification"]["name"]: f["geometry"] for f in features}
    assert len(features) == len(found) == 3
    assert len(found["stroma"]["coordinates"]) == 2, "a ring has one hole"
    xy = np.array(found["lymphocytes"]["coordinates"][0])
    assert xy.min(0).tolist() == [10_240 - 15, 4096 - 15]
    assert xy.max(0).tolist() == [10_240 + 16, 4096 + 16]


def test_outlines_of_asap_have_no_seams_either(mask, tmp_path):
    list(asap.write(mask, tmp_path / "a.xml"))
    shapes = asap.read(tmp_path / "a.xml")
    assert len(shapes) == 3
    assert sum(len(shape.polygons[0].holes) for shape in shapes) == 1


def test_the_mask_itself_is_an_ome_zarr_that_others_open(mask):
    """What napari-ome-zarr 0.10 looks at; it shows a Labels layer in these colours."""
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader
    from ome_zarr_models.v05.image_label import ImageLabel

    box = Box(4000, 10_200, 200, 200)
    expected = mask.read(box)
    label = ImageLabel.from_zarr(zarr.open_group(mask.path, mode="r"))
    colours = label.ome_attributes.image_label.colors
    assert [c.label_value for c in colours] == [info.index for info in DEFAULT_CLASSES]
    multiscale = label.ome_attributes.multiscales[0]
    assert {axis.unit for axis in multiscale.axes} == {"micrometer"}
    scales = [d.coordinateTransformations[0].scale for d in multiscale.datasets]
    assert scales == [[0.5 * 2**k] * 2 for k in range(len(mask.levels))]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the library itself
        (node, *_others) = list(Reader(parse_url(mask.path))())
    np.testing.assert_array_equal(np.asarray(node.data[0][box.slices]), expected)
    assert node.metadata["color"][1] == [*(v / 255 for v in (205, 51, 51)), 1.0]
