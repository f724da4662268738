"""Two levels of attention, against the published procedure written out plainly."""

import numpy as np
import pytest
from scipy.stats import rankdata

from napari_histossl.errors import ModelError
from napari_histossl.models import create_model, model_spec
from napari_histossl.overlays.hierarchy import (
    cut_patches,
    rank_scores,
    shift_margins_px,
)
from napari_histossl.overlays.ranks import average_ranks

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PATCH_PX, TOKEN_PX, GRID, SCALE = 32, 8, 4, 4


@pytest.fixture(scope="module")
def pair():
    """A patch model with 3 heads on 4 x 4 tokens, a region model with 2 heads."""
    torch.manual_seed(3)
    config = {
        "img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3,
    }  # fmt: skip
    patch = create_model("vit", **config).eval()
    options = {
        "img_size": 64, "input_embed_dim": 24, "output_embed_dim": 16, "depth": 2,
        "num_heads": 2,
    }  # fmt: skip
    region = create_model("hipt_region_vit", **options).eval()
    for parameter in [*patch.parameters(), *region.parameters()]:
        parameter.data.mul_(5)  # attention that differs from patch to patch
    from dataclasses import replace

    return patch, region, replace(model_spec("vit", **config), tile_px=PATCH_PX)


def make_model(pair, **options):
    from napari_histossl.overlays.hierarchy_model import HierarchyModel

    patch, region, spec = pair
    return HierarchyModel(patch, region, spec, batch=5, scale=SCALE, **options)


def draw(rows, columns, seed=0):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 250, (rows * 8, columns * 8, 3), dtype=np.uint8)
    return coarse.repeat(4, 0).repeat(4, 1)  # patches of 32 px


# ---- The published procedure, slow and plain ----


def plain_pass(pair, pixels, offset, margin):
    """One pass over a shifted region: scores drawn at 1 / SCALE of its pixels."""
    patch_model, region_model, _ = pair
    shifted = pixels[offset:, offset:]
    shifted = np.pad(shifted, ((0, margin), (0, margin), (0, 0)), constant_values=255)
    image = torch.from_numpy(shifted.copy()).permute(2, 0, 1)[None] / 255
    image = (image - 0.5) / 0.5
    unfolded = image.unfold(2, PATCH_PX, PATCH_PX).unfold(3, PATCH_PX, PATCH_PX)
    rows, columns = unfolded.shape[2:4]
    batch = unfolded.permute(0, 2, 3, 1, 4, 5).reshape(-1, 3, PATCH_PX, PATCH_PX)
    with torch.no_grad():
        attention = patch_model.attention(batch)[:, :, 0, 1:]
        features = patch_model(batch)
        grid = features.reshape(rows, columns, -1).permute(2, 0, 1)[None]
        attention4k = region_model.attention(grid)[0, :, 0, 1:]
    tokens = PATCH_PX // TOKEN_PX
    drawn = PATCH_PX // SCALE
    scores256 = []
    for head in range(attention.shape[1]):
        picture = np.zeros((rows * drawn, columns * drawn))
        for index in range(rows * columns):
            values = attention[index, head].reshape(tokens, tokens).numpy()
            large = values.repeat(TOKEN_PX // SCALE, 0).repeat(TOKEN_PX // SCALE, 1)
            ranks = rankdata(large.ravel()) * 100 / large.size
            row, column = divmod(index, columns)
            picture[
                row * drawn : (row + 1) * drawn, column * drawn : (column + 1) * drawn
            ] = ranks.reshape(large.shape)
        scores256.append(picture)
    scores4k = []
    for head in range(attention4k.shape[0]):
        values = attention4k[head].reshape(rows, columns).numpy()
        large = values.repeat(drawn, 0).repeat(drawn, 1)
        scores4k.append(
            (rankdata(large.ravel()) * 100 / large.size).reshape(large.shape)
        )
    return np.stack(scores256), np.stack(scores4k)


def plain_scores(pair, pixels, shifted, last_margin=3):
    """Scores of patches, of regions, and of each pair, drawn at 1 / SCALE."""
    half = PATCH_PX // 2
    margins = [0, half, 2 * half, last_margin * half]
    count = 4 if shifted else 1
    passes = [plain_pass(pair, pixels, k * half, margins[k]) for k in range(count)]
    height, width = passes[0][1].shape[1:]
    region, overlay4k = np.zeros_like(passes[0][1]), np.zeros((height, width))
    patch, overlay256 = np.zeros_like(passes[0][0]), np.zeros((height, width))
    for k, (scores256, scores4k) in enumerate(passes):
        start = k * half // SCALE
        rows, columns = max(height - start, 0), max(width - start, 0)
        region[:, start:, start:] += scores4k[:, :rows, :columns]
        overlay4k[start:, start:] += 100
        if k < 2:
            patch[:, start:, start:] += 2 * scores256[:, :rows, :columns]
            overlay256[start:, start:] += 200
    region /= overlay4k
    patch /= overlay256
    combined = {
        (j, i): (region[j] * overlay4k + patch[i] * overlay256)
        / (overlay4k + overlay256)
        for j in range(len(region))
        for i in range(len(patch))
    }
    return patch, region, combined


def drawn(values):
    """Tokens as the pixels of the published picture."""
    return values.repeat(TOKEN_PX // SCALE, -2).repeat(TOKEN_PX // SCALE, -1)


@pytest.mark.parametrize("shifted", [False, True])
@pytest.mark.parametrize("shape", [(4, 4), (3, 2), (1, 4), (1, 1)])
def test_against_the_published_procedure(pair, shape, shifted):
    """Whole regions, and what is left of one at the edge of a slide."""
    pixels = draw(*shape)
    maps = make_model(pair, shifted=shifted).maps(pixels)
    patch, region, combined = plain_scores(pair, pixels, shifted)
    np.testing.assert_allclose(drawn(maps.patch), patch, rtol=1e-5)
    np.testing.assert_allclose(drawn(maps.region), region, rtol=1e-5)
    for (j, i), expected in combined.items():
        np.testing.assert_allclose(drawn(maps.combined(j, i)), expected, rtol=1e-5)
    mean = np.mean(list(combined.values()), axis=0)
    np.testing.assert_allclose(drawn(maps.combined_mean()), mean, rtol=1e-5)
    assert maps.features.shape == (*shape, 24)
    assert 0 < maps.patch.min() < maps.patch.max() <= 1


def test_the_published_margin_changes_nothing(pair):
    """Half a patch more than what was cut off is left out of a grid of patches."""
    pixels = draw(4, 4, seed=1)
    ours = make_model(pair, shifted=True).maps(pixels)
    theirs = make_model(pair, shifted=True, as_published=True).maps(pixels)
    plain = plain_scores(pair, pixels, True, last_margin=4)
    for maps in (ours, theirs):
        np.testing.assert_allclose(drawn(maps.region), plain[1], rtol=1e-5)
        np.testing.assert_allclose(drawn(maps.patch), plain[0], rtol=1e-5)
    assert shift_margins_px(256) == (0, 128, 256, 384)
    assert shift_margins_px(256, as_published=True) == (0, 128, 256, 512)


def test_shifted_passes_share_patches(pair):
    """Two passes of patches and one white patch, not four passes."""
    seen = []
    handle = pair[0].patch_embed.register_forward_pre_hook(
        lambda _, images: seen.append(len(images[0]))
    )
    make_model(pair, shifted=True).maps(draw(4, 4))
    handle.remove()
    assert sum(seen) == 2 * 16 + 1


@pytest.mark.parametrize("repeats", [1, 2, 8])
def test_ranks_are_those_of_the_drawn_picture(rng, repeats):
    values = rng.integers(0, 6, (3, 25)).astype(float)  # with ties
    copies = values.repeat(repeats**2, -1)
    expected = rankdata(copies, axis=-1)[:, :: repeats**2] / copies.shape[-1]
    np.testing.assert_allclose(rank_scores(values, repeats), expected, rtol=1e-6)


def test_ranks_with_and_without_equal_values_are_those_of_scipy(rng):
    """Rows without equal values take a way of their own."""
    plain = rng.random((2, 40, 16)).astype(np.float32)
    mixed = plain.copy()
    mixed[1, ::3, 5:9] = 0.5
    for values in (plain, mixed, np.zeros((1, 3)), plain[..., :1]):
        expected = rankdata(values, axis=-1)
        np.testing.assert_array_equal(average_ranks(values), expected)


def test_patches_are_cut_row_by_row():
    pixels = draw(3, 2)
    tiles = cut_patches(pixels, PATCH_PX)
    assert tiles.shape == (3, 2, 32, 32, 3)
    np.testing.assert_array_equal(tiles[2, 1], pixels[64:96, 32:64])
    moved = cut_patches(pixels, PATCH_PX, 16, 16)
    assert moved.shape == tiles.shape
    np.testing.assert_array_equal(moved[2, 0, :16], pixels[80:96, 16:48])
    assert (moved[2, 0, 16:] == 255).all()


def test_models_that_were_not_trained_on_one_another(pair):
    from napari_histossl.overlays.hierarchy_model import HierarchyModel

    patch, _, spec = pair
    other = create_model("hipt_vit4k_xs")
    with pytest.raises(ModelError, match=r"length 384.*gives 24"):
        HierarchyModel(patch, other, spec)


def test_a_patch_that_has_no_half(pair):
    from dataclasses import replace

    from napari_histossl.overlays.hierarchy_model import HierarchyModel

    patch, region, spec = pair
    odd = replace(spec, tile_px=24)
    with pytest.raises(ModelError, match="3 x 3 tokens"):
        HierarchyModel(patch, region, odd, shifted=True)
