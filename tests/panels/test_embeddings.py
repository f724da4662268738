"""Find, group, import and draw, without a window."""

import sys
from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import PlanError, StoreError
from napari_histossl.geometry import Box
from napari_histossl.panels.embeddings import (
    Wanted,
    draw_embeddings,
    find_clusters,
    find_similar,
    open_search,
    query_of,
    write_heat,
)
from napari_histossl.panels.embeddings_files import (
    find_embeddings,
    import_h5,
    overlay_beside,
    read_embeddings,
)
from napari_histossl.store import (
    Embeddings,
    EmbeddingsHeader,
    EmbeddingStore,
    Pyramid,
)
from napari_histossl.store.embeddings_h5 import write_h5

HEADER = EmbeddingsHeader(
    "a.tif", "f00", (1280, 1280), (0.5, 0.5), 128.0, "vit", "ab" * 32
)


def stored(folder, name="vit", seed=0, **changes):
    """Two kinds of patches, in the left and the right half of a slide."""
    index = np.arange(100)
    places = np.stack([index // 10, index % 10], 1) * 128
    kinds = (index % 10 >= 5).astype(int)
    noise = np.random.default_rng(seed).normal(0, 0.1, (100, 8))
    features = np.eye(8)[kinds] + noise
    path = folder / "embeddings" / f"{name}.zarr"
    header = replace(HEADER, **changes)
    with EmbeddingStore.create(path, header, places, 8) as store:
        store.write(range(100), features)
    return path


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "a.tif.histossl"
    stored(folder)
    return folder


# ---- Which ----


def test_the_embeddings_of_a_slide(tmp_path, results):
    path = results / "embeddings" / "vit.zarr"
    assert find_embeddings(path) == path
    assert find_embeddings(tmp_path / "a.tif") == path
    assert find_embeddings("/slides/a.tif", workspace=tmp_path) == path
    stored(results, "resnet", model="resnet")
    with pytest.raises(StoreError, match=r"several embeddings: resnet, vit"):
        find_embeddings(tmp_path / "a.tif")
    assert find_embeddings(tmp_path / "a.tif", "vit") == path
    with pytest.raises(StoreError, match="no embeddings named 'dino'"):
        find_embeddings(tmp_path / "a.tif", "dino")
    with pytest.raises(StoreError, match="no embeddings in"):
        find_embeddings(tmp_path / "b.tif")


# ---- Find ----


def test_what_looks_like_a_patch_lies_in_its_half(results):
    search = open_search([results / "embeddings" / "vit.zarr"])
    found = find_similar(search, Wanted(point_px0=(200, 900), count=49))
    assert len(found) == 49
    assert all(match.position_px0[1] >= 640 for match in found)
    boxed = find_similar(search, Wanted(box_px0=Box(0, 0, 640, 640), count=25))
    assert all(match.position_px0[1] < 640 for match in boxed)


def test_a_worklist_of_one_model(results, tmp_path):
    other = stored(tmp_path / "b.tif.histossl", seed=1, slide_name="b.tif")
    search = open_search([results / "embeddings" / "vit.zarr", other])
    found = find_similar(search, Wanted(part=1, point_px0=(0, 0), count=99))
    assert {match.slide_name for match in found} == {"a.tif", "b.tif"}
    third = stored(tmp_path / "c.tif.histossl", slide_name="c.tif", model="resnet")
    with pytest.raises(PlanError, match=r"c\.tif are of resnet"):
        open_search([other, third])


def test_heat_over_the_slide(results):
    path = results / "embeddings" / "vit.zarr"
    search = open_search([path])
    query = query_of(search, Wanted(box_px0=Box(0, 0, 1280, 640)))
    out = overlay_beside(path, "like this")
    assert out == results / "overlays" / "like this.ome.zarr"
    for _ in range(2):  # the next query replaces it
        write_heat(search, query, 0, out)
    with Pyramid.open(out) as pyramid:
        heat = pyramid.read(pyramid.levels[0].box)[0]
        told = pyramid.provenance["parameters"]
    assert heat.shape == (10, 10)
    assert heat[:, :5].min() > heat[:, 5:].max()
    assert told["query_slide"] == "a.tif"
    assert len(told["query_positions_px0"]) == 50


@pytest.mark.parametrize(
    "wanted",
    [Wanted(), Wanted(point_px0=(0, 0), box_px0=Box(0, 0, 9, 9))],
    ids=["neither", "both"],
)
def test_either_a_point_or_a_box(results, wanted):
    search = open_search([results / "embeddings" / "vit.zarr"])
    with pytest.raises(PlanError, match="point at a patch, or draw a box"):
        find_similar(search, wanted)


# ---- Group and draw ----


def test_clusters_are_labels_on_the_slide(results):
    path = results / "embeddings" / "vit.zarr"
    out = overlay_beside(path, "groups")
    labels = find_clusters(read_embeddings(path), 2, out)
    with Pyramid.open(out) as pyramid:
        drawn = pyramid.read(pyramid.levels[0].box)
        assert [info.name for info in pyramid.classes] == ["cluster 1", "cluster 2"]
    assert set(drawn.ravel()) == {1, 2}
    np.testing.assert_array_equal(drawn.ravel(), labels + 1)
    assert len(set(drawn[:, :5].ravel())) == len(set(drawn[:, 5:].ravel())) == 1
    with pytest.raises(StoreError, match="exists already"):
        find_clusters(read_embeddings(path), 2, out)
    for count in (0, 101, 256):
        with pytest.raises(PlanError, match=f"got {count}"):
            find_clusters(read_embeddings(path), count, out)


def test_a_map_without_umap(results, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(PlanError, match="pip install"):
        draw_embeddings([results / "embeddings" / "vit.zarr"], tmp_path / "m.png")
    assert not (tmp_path / "m.png").exists()


# ---- Import ----


def test_embeddings_of_others(results, array_slide, tmp_path):
    """The drawn slide has 700 x 900 px."""
    index = np.arange(20)
    places = np.stack([index // 5, index % 5], 1) * 128
    features = np.eye(20, dtype=np.float32)
    header = replace(HEADER, slide_fingerprint="")
    write_h5(Embeddings(header, features, places), tmp_path / "o.h5")
    out = tmp_path / "out" / "o.zarr"
    assert import_h5(tmp_path / "o.h5", array_slide, out) == 20
    found = read_embeddings(out)
    np.testing.assert_array_equal(found.features, features)
    off = Embeddings(header, features, places + 700)
    write_h5(off, tmp_path / "off.h5")
    with pytest.raises(StoreError, match="lie off drawn, which is 700 x 900 px"):
        import_h5(tmp_path / "off.h5", array_slide, tmp_path / "off.zarr")
    assert not (tmp_path / "off.zarr").exists()
