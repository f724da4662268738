"""Polygons of a mask: rasterised back, they are the mask."""

import json
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from masks_in_memory import ArrayMask
from scipy import ndimage

from napari_histossl.annotate.formats import _corners, _region_walk, _regions, geojson
from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.errors import AnnotationError, StoreError
from napari_histossl.geometry import Box


def write(mask, path, **options):
    list(geojson.write(mask, path, **options))
    return json.loads(path.read_text())["features"]


def rasterise_even_odd(rings, shape):
    """Fill rings along pixel edges: each vertical edge flips what is right of it."""
    flips = np.zeros((shape[0], shape[1] + 1), np.uint8)
    for ring in rings:
        assert ring[0] == ring[-1], "rings are closed"
        for (x0, y0), (x1, y1) in pairwise(ring):
            assert (x0 == x1) != (y0 == y1), "edges follow the pixel grid"
            if x0 == x1:
                flips[min(y0, y1) : max(y0, y1), x0] ^= 1
    return np.bitwise_xor.accumulate(flips, axis=1)[:, :-1].astype(bool)


def rasterise_features(features, shape):
    classes = np.zeros(shape, np.uint8)
    for feature in features:
        name = feature["properties"]["classification"]["name"]
        covered = rasterise_even_odd(feature["geometry"]["coordinates"], shape)
        assert not classes[covered].any(), "regions overlap"
        classes[covered] = DEFAULT_CLASSES.named(name).index
    return classes


def count_regions(array):
    return sum(ndimage.label(array == value)[1] for value in range(1, 6))


def signed_area(ring):
    xy = np.array(ring)
    return np.sum(xy[:-1, 0] * xy[1:, 1] - xy[1:, 0] * xy[:-1, 1]) / 2


@settings(max_examples=200, deadline=None)
@given(
    array=arrays(np.uint8, st.tuples(st.integers(1, 14), st.integers(1, 14)),
                 elements=st.sampled_from([0, 0, 1, 1, 2])),
    tile_px=st.sampled_from([3, 4, 5, 1024]),
)  # fmt: skip
def test_rasterised_back_it_is_the_mask_however_it_is_tiled(
    array, tile_px, tmp_path_factory
):
    path = tmp_path_factory.mktemp("geojson") / "mask.geojson"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_region_walk, "_TILE_PX", tile_px)
        features = write(ArrayMask(array), path)
    np.testing.assert_array_equal(rasterise_features(features, array.shape), array)
    assert len(features) == count_regions(array)
    for feature in features:
        shell, *holes = feature["geometry"]["coordinates"]
        assert signed_area(shell) > 0
        assert all(signed_area(hole) < 0 for hole in holes)
        for ring in (shell, *holes):
            vertices = list(map(tuple, ring[:-1]))
            assert len(set(vertices)) == len(vertices), "a ring touches itself"


@settings(max_examples=100, deadline=None)
@given(arrays(np.uint8, (12, 12), elements=st.integers(0, 1)))
def test_all_corners_of_an_outline_know_their_region_across_tiles(array):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_region_walk, "_TILE_PX", 3)
        finder = _corners.CornerFinder(ArrayMask(array), Box(0, 0, 12, 12), 0)
        list(finder.run())
    corners = finder.corners()
    order, starts = _regions._rings(_regions._next_corners(corners))
    for first, end in pairwise(starts):
        assert len(set(corners.region[order[first:end]])) == 1


@settings(max_examples=100, deadline=None)
@given(arrays(np.uint8, (9, 9), elements=st.integers(0, 1)))
def test_polygons_are_valid_for_a_geometry_library(array):
    shapely = pytest.importorskip("shapely")
    finder = _corners.CornerFinder(ArrayMask(array), Box(0, 0, 9, 9), 0)
    list(finder.run())
    for region in _regions.join(finder.corners()):
        polygon = shapely.Polygon(region.shell, [*region.holes])
        assert polygon.is_valid, shapely.is_valid_reason(polygon)


def test_a_feature_says_what_qupath_asks_for(tmp_path):
    array = np.zeros((6, 8), np.uint8)
    array[1:5, 2:7] = 3
    array[2:4, 3:5] = 0
    (feature,) = write(ArrayMask(array), tmp_path / "a.geojson")
    assert feature == {
        "type": "Feature",
        "geometry": {
            "type": "Polygon",
            "coordinates": [
                [[2, 1], [7, 1], [7, 5], [2, 5], [2, 1]],
                [[3, 2], [3, 4], [5, 4], [5, 2], [3, 2]],
            ],
        },
        "properties": {
            "objectType": "annotation",
            "classification": {"name": "lymphocytes", "color": [65, 105, 225]},
        },
    }


@pytest.mark.parametrize(("downsample", "x"), [(4.0, 8), (2.5, 5.0), (1 / 3, 0.667)])
def test_coordinates_are_pixels_of_the_slide(downsample, x, tmp_path):
    array = np.zeros((6, 8), np.uint8)
    array[1, 2] = 1
    (feature,) = write(ArrayMask(array, downsample), tmp_path / "a.geojson")
    assert feature["geometry"]["coordinates"][0][0] == pytest.approx(
        [x, x / 2], abs=1e-3
    )


def test_a_box_keeps_its_place_on_the_slide(tmp_path):
    array = np.ones((20, 20), np.uint8)
    (feature,) = write(ArrayMask(array), tmp_path / "a.geojson", box=Box(5, 7, 3, 99))
    assert feature["geometry"]["coordinates"] == [
        [[7, 5], [20, 5], [20, 8], [7, 8], [7, 5]]
    ]


def test_nothing_painted_gives_no_features(tmp_path):
    assert write(ArrayMask(np.zeros((9, 9), np.uint8)), tmp_path / "a.geojson") == []


def test_too_many_corners_are_refused_with_a_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(_corners, "MOST_CORNERS", 100)
    board = np.indices((40, 40)).sum(axis=0).astype(np.uint8) % 2
    with pytest.raises(AnnotationError, match="coarser level"):
        write(ArrayMask(board), tmp_path / "a.geojson")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_missing_is_one_sentence(tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        write(ArrayMask(np.ones((3, 3), np.uint8)), tmp_path / "no" / "a.geojson")
