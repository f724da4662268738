"""Numbers of patches as overlays: every patch at its place."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import PlanError, StoreError
from napari_histossl.overlays.features_raster import (
    PatchRaster,
    cluster_classes,
    write_clusters,
    write_similarity,
)
from napari_histossl.store import EmbeddingsHeader, Pyramid

HEADER = EmbeddingsHeader(
    "a.svs", "f00", (1000, 1500), (0.25, 0.25), 128.0, "vit", "ab" * 32
)


def places(rows, columns, step, origin=(0, 0)):
    grid = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), -1)
    return np.rint(grid.reshape(-1, 2) * step + origin).astype(np.int64)


def test_one_pixel_a_patch(tmp_path, rng):
    positions = places(5, 7, 128)
    scores = rng.uniform(-1, 1, 35).astype(np.float32)
    path = tmp_path / "overlays" / "like.ome.zarr"
    write_similarity(path, HEADER, positions, scores, parameters={"rows": [3]})
    with Pyramid.open(path) as pyramid:
        drawn = pyramid.read(pyramid.levels[0].box)
        assert drawn.shape == (1, 8, 12)  # all of the slide
        np.testing.assert_allclose(drawn[0, :5, :7].ravel(), scores, atol=1e-3)
        assert np.isnan(drawn[0, 5:]).all()
        assert np.isnan(drawn[0, :, 7:]).all()
        assert pyramid.pixel_px0_yx == (128, 128)
        assert pyramid.pixel_um_yx == (32, 32)
        assert pyramid.channel_names == ("similarity",)
        told = pyramid.provenance
    assert told["slide"]["fingerprint"] == "f00"
    assert told["weights_sha256"] == HEADER.weights_sha256
    assert told["parameters"]["rows"] == [3]
    assert "cosine" in told["parameters"]["values"]
    with pytest.raises(StoreError, match="exists already"):
        write_similarity(path, HEADER, positions, scores)
    write_similarity(path, HEADER, positions, scores, overwrite=True)


def test_a_grid_that_begins_anywhere_with_fractional_steps(tmp_path):
    header = replace(HEADER, patch_px0=100.4)
    positions = places(4, 6, 100.4, origin=(37, 15))
    raster = PatchRaster(header, positions)
    assert raster.cuts == 1
    write_similarity(tmp_path / "a.ome.zarr", header, positions, np.ones(24, "f4"))
    with Pyramid.open(tmp_path / "a.ome.zarr") as pyramid:
        assert pyramid.origin_um_yx == (37 * 0.25, 15 * 0.25)
        assert np.nansum(pyramid.read(pyramid.levels[0].box)) == 24


def test_overlapping_patches_show_the_highest(tmp_path):
    positions = places(2, 2, 64)
    scores = np.array([0.5, -0.5, 0.25, 0.75], np.float32)
    raster = PatchRaster(HEADER, positions)
    assert raster.cuts == 2
    empty = np.full(raster.shape, np.nan, np.float32)
    drawn = raster.paint(scores, np.argsort(scores), empty)
    expected = [[0.5, 0.5, -0.5], [0.5, 0.75, 0.75], [0.25, 0.75, 0.75]]
    np.testing.assert_array_equal(drawn[:3, :3], expected)


def test_patches_that_lie_askew(tmp_path, rng):
    positions = rng.integers(0, 800, (30, 2))
    raster = PatchRaster(HEADER, positions)
    assert raster.cuts == 8
    empty = np.zeros(raster.shape, int)
    drawn = raster.paint(np.arange(1, 31), np.arange(30), empty)
    y, x = positions[-1] // raster.pixel_px0  # the last one lies above all
    assert (drawn[int(y) + 1 : int(y) + 7, int(x) + 1 : int(x) + 7] == 30).all()


def test_clusters_as_labels(tmp_path):
    positions = places(3, 4, 128)
    labels = np.arange(12) % 5
    write_clusters(tmp_path / "c.ome.zarr", HEADER, positions, labels)
    with Pyramid.open(tmp_path / "c.ome.zarr") as pyramid:
        drawn = pyramid.read(pyramid.levels[0].box)
        assert pyramid.is_label
        assert pyramid.classes == cluster_classes(5)
        assert pyramid.provenance["parameters"]["kind"] == "clusters"
    np.testing.assert_array_equal(drawn[:3, :4].ravel(), labels + 1)
    assert (drawn[3:] == 0).all()


def test_a_slide_without_a_scale(tmp_path):
    header = replace(HEADER, mpp_yx=None)
    write_clusters(tmp_path / "c.ome.zarr", header, places(2, 2, 128), np.arange(4))
    with Pyramid.open(tmp_path / "c.ome.zarr") as pyramid:
        assert pyramid.pixel_um_yx is None
        assert pyramid.pixel_px0_yx == (128, 128)


def test_colours_of_clusters_differ():
    colours = [np.array(info.colour) for info in cluster_classes(20)]
    least = min(np.abs(a - b).sum() for i, a in enumerate(colours) for b in colours[:i])
    assert least > 20
    with pytest.raises(PlanError, match="1 to 255"):
        cluster_classes(256)
