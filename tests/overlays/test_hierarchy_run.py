"""Two levels of attention over a slide: every region at its place, odd edges too."""

from dataclasses import replace

import numpy as np
import pytest

from napari_histossl.errors import (
    ModelError,
    PlanError,
    SlideReadError,
    StoreError,
    WeightsError,
)
from napari_histossl.geometry import Box
from napari_histossl.models import (
    create_model,
    examine_weights,
    load_model,
    model_spec,
    save_weights,
)
from napari_histossl.overlays import run, unreadable_tiles
from napari_histossl.overlays.hierarchy_model import HierarchyModel
from napari_histossl.overlays.hierarchy_view import HierarchyView
from napari_histossl.panels.hierarchy import (
    HierarchyChoice,
    resolve_hierarchy,
    summarise_hierarchy,
)
from napari_histossl.panels.run_place import SlideFacts
from napari_histossl.slide import ArraySlide, virtual_levels
from napari_histossl.store import Pyramid

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

OPTIONS = {
    "img_size": 64, "input_embed_dim": 24, "output_embed_dim": 16, "depth": 2,
    "num_heads": 2,
}  # fmt: skip
PATCH_PX, GRID = 32, 4


@pytest.fixture(scope="module")
def region_weights(tmp_path_factory):
    """A region model with 2 heads over 4 x 4 patches."""
    torch.manual_seed(1)
    model = create_model("hipt_region_vit", **OPTIONS)
    for parameter in model.parameters():
        parameter.data.mul_(5)
    path = tmp_path_factory.mktemp("region") / "region.safetensors"
    spec = replace(model_spec("hipt_region_vit", **OPTIONS), tile_px=GRID)
    save_weights(model, spec, path)
    return path


@pytest.fixture
def make_hierarchy(small_slide, tiny_weights, region_weights, tmp_path):
    def make(slide=small_slide, is_tissue=None, downsample=1.0, **options):
        options = {
            "weights": tiny_weights, "region_weights": region_weights,
            "workspace": tmp_path, "name": "two", **options,
        }  # fmt: skip
        facts = SlideFacts(
            slide.source,
            virtual_levels(slide),
            slide.mpp_yx,
            is_tissue,
            downsample,
            examine_weights(options["weights"]),
        )
        return resolve_hierarchy(HierarchyChoice(**options), facts)

    return make


def maps_of(picture, tiny_weights, region_weights, **options):
    """Maps of each region, computed here from the padded picture."""
    patch, spec = load_model(tiny_weights)
    model = HierarchyModel(patch, load_model(region_weights)[0], spec, **options)
    height, width = picture.shape[:2]
    edge = PATCH_PX * GRID
    for y in range(0, height, edge):
        for x in range(0, width, edge):
            part = picture[y : y + edge, x : x + edge]
            missing = [-length % PATCH_PX for length in part.shape[:2]]
            part = np.pad(
                part, ((0, missing[0]), (0, missing[1]), (0, 0)), constant_values=255
            )
            yield y // 8, x // 8, model.maps(part)


@pytest.mark.parametrize("shifted", [False, True])
def test_every_region_is_what_the_models_say(
    small_slide, picture, make_hierarchy, tiny_weights, region_weights, shifted
):
    """150 x 202 px: 2 x 2 regions of 128 px, none but the first one whole."""
    plan = make_hierarchy(shifted=shifted)
    records = list(run(small_slide.source, plan))
    assert records[-1].done == 4
    with Pyramid.open(plan.out) as pyramid:
        stored = pyramid.read(pyramid.levels[0].box).astype(np.float32)
        view = HierarchyView.of(pyramid)
        combined = view.combined(2, 1, pyramid.levels[0].box)
        assert pyramid.pixel_um_yx == (4.0, 4.0)
        assert pyramid.channel_names[2:4] == ("patch head 2", "region head 0")
    assert stored.shape == (6, 19, 26)
    expected = np.full((6, 20, 28), np.nan, np.float32)
    pair = np.full((20, 28), np.nan, np.float32)
    options = {"shifted": shifted}
    for y, x, maps in maps_of(picture, tiny_weights, region_weights, **options):
        whole = np.concatenate([maps.patch, maps.region, maps.combined_mean()[None]])
        rows, columns = whole.shape[1:]
        expected[:, y : y + rows, x : x + columns] = whole
        pair[y : y + rows, x : x + columns] = maps.combined(1, 2)
    np.testing.assert_allclose(stored, expected[:, :19, :26], atol=1e-3)
    np.testing.assert_allclose(combined, pair[:19, :26], atol=1e-3)


def test_region_heads_from_afar_patch_heads_near_by(small_slide, make_hierarchy):
    plan = make_hierarchy()
    list(run(small_slide.source, plan))
    with Pyramid.open(plan.out) as pyramid:
        view = HierarchyView.of(pyramid)
        assert (view.patch_heads, view.region_heads) == (3, 2)
        levels = view.levels(2, 1)
        near = pyramid.read(pyramid.levels[0].box)[2]
        np.testing.assert_array_equal(levels[0].compute(), near)
        assert [level.shape for level in levels] == [(19, 26), (10, 13)]
        # a patch is 4 x 4 tokens: its region score is one value at level 2 and beyond
        assert [view.channel(k, 2, 1) for k in range(4)] == [2, 2, 4, 4]
        shifted = replace(view, shifted=True)
        assert [shifted.channel(k, 2, 1) for k in range(4)] == [2, 4, 4, 4]
        with pytest.raises(PlanError, match="3 patch heads and 2 region heads"):
            view.levels(3, 0)


def test_on_a_larger_slide_the_level_of_patches_is_there(make_hierarchy):
    rng = np.random.default_rng(0)
    coarse = rng.integers(60, 250, (40, 40, 3), dtype=np.uint8)
    picture = coarse.repeat(16, 0).repeat(16, 1)
    slide = ArraySlide(picture, mpp_yx=(0.5, 0.5), name="larger")
    plan = make_hierarchy(slide)
    list(run(slide.source, plan))
    with Pyramid.open(plan.out) as pyramid:
        levels = HierarchyView.of(pyramid).levels(0, 1)
        assert [level.shape[0] for level in levels] == [80, 40, 20, 10]
        fine = pyramid.read(pyramid.levels[0].box)[4].astype(np.float32)
    patches = fine.reshape(20, 4, 20, 4)
    assert (patches == patches[:, :1, :, :1]).all()  # one value for a patch
    np.testing.assert_array_equal(levels[2].compute(), patches[:, 0, :, 0])


def test_regions_with_tissue_alone(small_slide, make_hierarchy):
    tissue = np.zeros((15, 20), bool)
    tissue[13:, 13:16] = True  # a patch in the lower right region
    plan = make_hierarchy(is_tissue=tissue, downsample=10.0)
    assert plan.tiles_ij == ((1, 1),)
    list(run(small_slide.source, plan))
    with Pyramid.open(plan.out) as pyramid:
        stored = pyramid.read(pyramid.levels[0].box)
    assert np.isnan(stored[:, :16]).all()
    assert np.isnan(stored[:, :, :16]).all()
    assert np.isfinite(stored[:, 16:, 16:]).all()


def test_going_on_where_it_was_closed(small_slide, make_hierarchy):
    whole = make_hierarchy(name="whole")
    list(run(small_slide.source, whole))
    plan = make_hierarchy()
    begun = run(small_slide.source, plan)
    for record in begun:
        if record.done == 2:
            break
    begun.close()
    records = list(run(small_slide.source, plan))
    assert 2 <= records[0].done < 4
    with Pyramid.open(plan.out) as one, Pyramid.open(whole.out) as other:
        np.testing.assert_array_equal(
            one.read(one.levels[0].box), other.read(other.levels[0].box)
        )
    with pytest.raises(StoreError, match="another shifted"):
        list(run(small_slide.source, make_hierarchy(shifted=True)))


class _Torn(ArraySlide):
    """A slide of which one corner cannot be decoded."""

    def _read_inside(self, box, level):
        if box.y1 > 140 and box.x1 > 190:
            raise SlideReadError("the tile at the corner cannot be decoded")
        return super()._read_inside(box, level)


def test_a_region_that_cannot_be_read(picture, make_hierarchy, monkeypatch):
    def torn_slide(_source=None):
        return _Torn(picture, mpp_yx=(0.5, 0.5), name="torn")

    torn = torn_slide()
    plan = make_hierarchy(torn)
    monkeypatch.setattr(type(torn.source), "open", torn_slide)
    records = list(run(torn.source, plan))
    assert "1 tile could not be read and is left out" in records[-1].message
    assert set(unreadable_tiles(plan.out)) == {(1, 1)}
    with Pyramid.open(plan.out) as pyramid:
        stored = pyramid.read(pyramid.levels[0].box)
    assert np.isnan(stored[:, 16:, 16:]).all()
    assert np.isfinite(stored[:, :16]).all()


def test_a_slide_smaller_than_a_patch(make_hierarchy):
    small = ArraySlide(
        np.full((20, 11, 3), 120, np.uint8), mpp_yx=(0.5, 0.5), name="tiny"
    )
    plan = make_hierarchy(small)
    list(run(small.source, plan))
    with Pyramid.open(plan.out) as pyramid:
        stored = pyramid.read(pyramid.levels[0].box)
    assert stored.shape == (6, 3, 2)
    assert np.isfinite(stored).all()


def test_the_plan_says_what_it_will_do(make_hierarchy):
    plan = make_hierarchy(shifted=True)
    said = summarise_hierarchy(plan)
    for words in ("3 patch heads and 2 region heads", "4 of 128 px", "ranks"):
        assert words in said
    once = make_hierarchy()
    assert plan.seconds == pytest.approx(2 * once.seconds)


def test_what_does_not_add_up(make_hierarchy, tiny_weights, region_weights, tmp_path):
    with pytest.raises(PlanError, match="weights of a region model"):
        make_hierarchy(region_weights=None)
    with pytest.raises(PlanError, match="reads pixels"):
        make_hierarchy(region_weights=tiny_weights)
    with pytest.raises(PlanError, match="reads features, not pixels"):
        make_hierarchy(weights=region_weights)
    with pytest.raises(WeightsError, match="cannot be read"):
        make_hierarchy(region_weights=tmp_path / "absent.pt")
    state = load_model(region_weights)[0].state_dict()
    torch.save(state, tmp_path / "silent.pt")
    with pytest.raises(PlanError, match="hipt_vit4k_xs for HIPT's region weights"):
        make_hierarchy(region_weights=tmp_path / "silent.pt")
    with pytest.raises(ModelError, match=r"length 384.*gives 24"):
        make_hierarchy(
            region_weights=tmp_path / "silent.pt", region_model="hipt_vit4k_xs"
        )


def test_an_overlay_of_another_kind(small_slide, make_plan):
    plan = make_plan()
    list(run(small_slide.source, plan))
    with (
        Pyramid.open(plan.out) as pyramid,
        pytest.raises(PlanError, match="napari-histossl hierarchy"),
    ):
        HierarchyView.of(pyramid)


def test_a_box_beyond_the_edge_of_the_overlay(small_slide, make_hierarchy):
    plan = make_hierarchy()
    list(run(small_slide.source, plan))
    with Pyramid.open(plan.out) as pyramid:
        found = HierarchyView.of(pyramid).combined(0, 0, Box(15, 20, 8, 10))
    assert found.shape == (8, 10)
    assert np.isfinite(found[:4, :6]).all()
    assert np.isnan(found[4:]).all()
