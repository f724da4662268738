"""The picture of all patches: who is near whom, in which colour, with a legend."""

import sys

import numpy as np
import pytest
from PIL import Image

from napari_histossl.errors import PlanError, StoreError
from napari_histossl.overlays.features_map import choose_patches, draw_map, project

LEGEND = [("gland", (200, 30, 30)), ("stroma", (30, 160, 60)), ("fat", (30, 60, 220))]


def colours_in(picture):
    packed = picture.astype(int) @ (65536, 256, 1)
    return {(n >> 16, n >> 8 & 255, n & 255) for n in np.unique(packed).tolist()}


def test_points_in_their_colours_with_a_legend(tmp_path, rng):
    groups = np.repeat([0, 1], 50)
    points = rng.normal(size=(100, 2)) * 0.01 + np.stack([groups, groups], 1)
    draw_map(tmp_path / "map.png", points, groups, LEGEND, "a.svs, vit")
    with Image.open(tmp_path / "map.png") as drawn:
        picture = np.asarray(drawn)
    plot, legend = picture[:, :1080], picture[:, 1080:]
    assert {LEGEND[0][1], LEGEND[1][1]} <= colours_in(plot)
    assert LEGEND[2][1] not in colours_in(plot)  # nothing is of this group
    assert {colour for _, colour in LEGEND} <= colours_in(legend)
    where = [np.argwhere((plot == colour).all(-1)).mean(0) for _, colour in LEGEND[:2]]
    assert (where[0] < where[1] - 500).all()  # upper left, lower right


def test_equal_points_and_many_groups_can_be_drawn(tmp_path):
    legend = [(f"cluster {n}", (n, 0, 255 - n)) for n in range(100)]
    draw_map(tmp_path / "m.png", np.zeros((100, 2)), np.arange(100), legend, "all")
    with Image.open(tmp_path / "m.png") as drawn:
        assert drawn.size[0] > 1080


def test_a_sample_of_very_many():
    np.testing.assert_array_equal(choose_patches(300), np.arange(300))
    drawn = choose_patches(90_000, seed=3)
    assert len(set(drawn.tolist())) == 20_000
    np.testing.assert_array_equal(drawn, choose_patches(90_000, seed=3))
    with pytest.raises(PlanError, match="at least 10 patches; got 9"):
        choose_patches(9)


def test_without_umap_it_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(PlanError, match=r"pip install 'napari-histossl\[embeddings\]'"):
        project(np.eye(12))


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(StoreError, match="cannot be written"):
        draw_map(tmp_path / "no" / "m.png", np.eye(2), np.zeros(2, int), LEGEND, "")


@pytest.mark.soak  # importing umap-learn alone takes half a minute
def test_groups_lie_apart_and_one_seed_gives_one_picture(rng):
    pytest.importorskip("umap")
    middles = np.eye(16)[:3] * 10
    features = np.repeat(middles, 60, 0) + rng.normal(size=(180, 16))
    points = project(features, seed=2)
    np.testing.assert_array_equal(points, project(features, seed=2))
    own = points.reshape(3, 60, 2)
    spread = own.std(1).max()
    centres = own.mean(1)
    for first, second in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(centres[first] - centres[second]) > 3 * spread
