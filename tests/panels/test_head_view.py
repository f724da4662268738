"""What is shown of an overlay, against plain arithmetic of the whole array."""

import numpy as np
import pytest
from scipy.stats import rankdata

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays.plan import MEANINGS, UNITS
from napari_histossl.overlays.threshold import mass_mask
from napari_histossl.panels.head_tiles import HeadTiles
from napari_histossl.panels.head_view import HeadView, limits_of, rank_tiles
from napari_histossl.panels.overlay_facts import MEAN, HeadChoice, OverlayFacts
from napari_histossl.store import Pyramid

TOKENS = 16
SHAPE = (3, 600, 700)
TOLD = {
    "kind": "attention",
    "values": MEANINGS["relative"],
    "unit": UNITS["relative"],
    "tile_px": 128,
    "token_px": 8,
    "step_px": 128,
    "block": -1,
    "mpp_yx": [0.5, 0.5],
}


@pytest.fixture
def make(tmp_path, rng):
    """Write an overlay of random numbers: ``make(**parameters)``."""

    def write(names=("head 0", "head 1", "head 2"), **told):
        values = rng.gamma(1.0, 1.0, SHAPE).astype(np.float16)
        values[:, 64:128, 32:80] = np.nan  # tiles that were not computed
        pyramid = Pyramid.create(
            tmp_path / "attention.ome.zarr",
            shape=SHAPE,
            dtype=np.float16,
            chunk_px=256,
            pixel_um_yx=(4.0, 4.0),
            channel_names=names,
            fill_value=np.nan,
            provenance={
                "model": "vit",
                "weights_sha256": "ab" * 32,
                "parameters": {**TOLD, **told},
            },
        )
        pyramid.write(Box(0, 0, *SHAPE[1:]), values)
        pyramid.refresh()
        return pyramid, values.astype(np.float32)

    return write


def whole(array):
    """Fill up to whole tiles with NaN."""
    height, width = array.shape
    margins = [(0, -height % TOKENS), (0, -width % TOKENS)]
    return np.pad(array, margins, constant_values=np.nan)


def ranked_slowly(values):
    ranks = np.full(values.shape, np.nan)
    for y in range(0, values.shape[0], TOKENS):
        for x in range(0, values.shape[1], TOKENS):
            tile = values[y : y + TOKENS, x : x + TOKENS]
            known = ~np.isnan(tile)
            of_tile = ranks[y : y + TOKENS, x : x + TOKENS]
            of_tile[known] = rankdata(tile[known]) * 100 / max(known.sum(), 1)
    return ranks


BOX = Box(37, 21, 150, 90)


def test_a_head_and_the_mean_of_heads(make):
    pyramid, values = make()
    np.testing.assert_array_equal(
        HeadView(pyramid, HeadChoice(1)).read(BOX), values[1][BOX.slices]
    )
    np.testing.assert_allclose(
        HeadView(pyramid, HeadChoice(MEAN)).read(BOX), values.mean(0)[BOX.slices], 1e-3
    )
    coarse = HeadView(pyramid, HeadChoice(1)).read(Box(0, 0, 50, 60), 1)
    stored = pyramid.read(Box(0, 0, 50, 60), 1)[1]
    np.testing.assert_array_equal(coarse, stored.astype(np.float32))


def test_ranks_within_each_tile_whatever_the_box(make):
    pyramid, values = make()
    shown = HeadView(pyramid, HeadChoice(2, ranked=True)).read(BOX)
    np.testing.assert_allclose(shown, ranked_slowly(values[2])[BOX.slices], rtol=1e-6)
    assert np.isnan(shown).any()


def test_ranks_of_a_tile_that_the_slide_ends_in(make):
    pyramid, values = make()
    edge = Box(590, 690, 10, 10)
    shown = HeadView(pyramid, HeadChoice(0, ranked=True)).read(edge)
    np.testing.assert_allclose(shown, ranked_slowly(values[0])[edge.slices], rtol=1e-6)
    assert np.nanmax(shown) <= 100


def test_equal_values_share_their_rank():
    ranks = rank_tiles(np.zeros((TOKENS, TOKENS), np.float32), TOKENS)
    np.testing.assert_allclose(ranks, 50 + 50 / TOKENS**2)


def test_the_share_of_attention_that_is_kept(make):
    pyramid, values = make()
    shown = HeadView(pyramid, HeadChoice(0, mass=0.6)).read(BOX)
    kept = mass_mask(whole(values[0]), TOKENS, 0.6)[BOX.slices]
    np.testing.assert_array_equal(~np.isnan(shown), kept)
    np.testing.assert_array_equal(shown[kept], values[0][BOX.slices][kept])
    assert 0.05 < kept.mean() < 0.6


def test_tiles_show_what_boxes_show_and_follow_a_new_choice(make):
    pyramid, values = make()
    tiles = HeadTiles(HeadView(pyramid, HeadChoice(0)), "attention")
    assert [level.shape for level in tiles.levels] == [(600, 700), (300, 350)]
    np.testing.assert_array_equal(
        tiles.read_tile(0, 1, 2), tiles.whole_tile(values[0][256:512, 512:700])
    )
    tiles.show(HeadView(pyramid, HeadChoice(1, mass=0.5)))
    fine = HeadView(pyramid, HeadChoice(1, mass=0.5)).read(Box(0, 0, 512, 512))
    np.testing.assert_array_equal(tiles.read_tile(0, 0, 0), fine[:256, :256])
    blocks = fine.reshape(256, 2, 256, 2).swapaxes(1, 2).reshape(256, 256, 4)
    coarse = tiles.read_tile(1, 0, 0)
    known = ~np.isnan(blocks).all(-1)
    np.testing.assert_array_equal(~np.isnan(coarse), known)
    np.testing.assert_allclose(coarse[known], np.nanmean(blocks[known], -1), 1e-5)


def test_the_tiles_that_a_box_changes(make):
    pyramid, _ = make()
    tiles = HeadTiles(HeadView(pyramid, HeadChoice()), "attention")
    keys = {key[1:] for key in tiles.keys(Box(250, 0, 20, 20))}
    assert keys == {(0, 0, 0), (0, 1, 0), (1, 0, 0)}
    assert len(tiles.keys()) == 3 * 3 + 2 * 2


def test_limits_and_what_values_mean(make):
    pyramid, values = make()
    view = HeadView(pyramid, HeadChoice(0))
    low, high = limits_of(view)
    assert low == 0
    assert high == pytest.approx(np.nanquantile(values, 0.995), rel=0.1)
    assert view.facts.unit_of(view.choice) == UNITS["relative"]
    ranked = HeadView(pyramid, HeadChoice(0, ranked=True))
    assert limits_of(ranked) == (0, 100)
    assert "rank" in ranked.facts.meaning(ranked.choice)


@pytest.mark.parametrize(
    "told",
    [{"step_px": 64}, {"values": MEANINGS["rank"]}, {"kind": "hierarchy"}],
    ids=["blended", "ranks already", "two levels"],
)
def test_what_cannot_be_ranked_is_refused(make, told):
    pyramid, _ = make(**told)
    assert OverlayFacts.of(pyramid).tile_tokens is None
    for choice in (HeadChoice(0, ranked=True), HeadChoice(0, mass=0.5)):
        with pytest.raises(PlanError, match="nothing to rank"):
            HeadView(pyramid, choice)


def test_a_head_that_is_not_there_is_refused(make):
    pyramid, _ = make()
    with pytest.raises(PlanError, match="3 channels"):
        HeadView(pyramid, HeadChoice(3))
    with pytest.raises(PlanError, match="share"):
        HeadView(pyramid, HeadChoice(0, mass=0.0))


def test_values_from_the_least_one_on(make):
    pyramid, values = make()
    shown = HeadView(pyramid, HeadChoice(0, least=1.5)).read(BOX)
    plain = values[0][BOX.slices]
    np.testing.assert_array_equal(shown, np.where(plain >= 1.5, plain, np.nan))
    ranked = HeadView(pyramid, HeadChoice(0, ranked=True, least=90.0)).read(BOX)
    assert np.nanmin(ranked) >= 90
    assert 0.05 < np.isfinite(ranked).mean() < 0.11
