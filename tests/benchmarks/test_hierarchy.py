"""A region of 16 x 16 patches against its models run bare: at most 1.1 times.

Bare is what cannot be left out: 256 passes of the patch model for features and
attention, on pixels that are normalised already, and one pass of the region model. Both
ways take turns, since this machine is not equally fast all the time.
"""

import time

import numpy as np
import pytest

from napari_histossl.models import create_model, model_spec

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

SIZES = {
    "small": ("vit_sample_patch8", {}, 128, {"input_embed_dim": 128}, 5),
    "vit-s": ("vit_small_patch16", {}, 256, {}, 1),
}
GRID, BATCH = 16, 16


def models(size):
    name, config, patch_px, region_config, turns = SIZES[size]
    torch.manual_seed(0)
    patch = create_model(name, **config).eval()
    region = create_model("hipt_region_vit", **region_config).eval()
    return patch, region, model_spec(name, **config), patch_px, turns


def bare(patch, region, images):
    """Features and attention of 256 patches, and attention of the region."""
    features = []
    with torch.inference_mode():
        for start in range(0, GRID**2, BATCH):
            batch = images[start : start + BATCH]
            features.append(patch.features_and_attention(batch)[0])
        grid = torch.cat(features).reshape(1, GRID, GRID, -1).permute(0, 3, 1, 2)
        return region.attention_from(grid)


@pytest.mark.parametrize("size", SIZES)
def test_region(benchmark, size):
    from napari_histossl.overlays.hierarchy_model import HierarchyModel

    patch, region, spec, patch_px, turns = models(size)
    whole = HierarchyModel(patch, region, spec, batch=BATCH)
    if benchmark.disabled:  # a test of the way, in a region of one patch
        white = np.full((patch_px, patch_px, 3), 255, np.uint8)
        assert benchmark(whole.maps, white).features.shape[:2] == (1, 1)
        return
    rng = np.random.default_rng(0)
    edge = GRID * patch_px
    pixels = rng.integers(0, 255, (edge, edge, 3), dtype=np.uint8)
    images = torch.randn(GRID**2, 3, patch_px, patch_px)
    seconds = {"bare": [], "region": []}

    def turn():
        start = time.perf_counter()
        bare(patch, region, images)
        middle = time.perf_counter()
        maps = whole.maps(pixels)
        seconds["bare"].append(middle - start)
        seconds["region"].append(time.perf_counter() - middle)
        return maps

    turn()  # warm
    seconds["bare"].clear(), seconds["region"].clear()
    maps = benchmark.pedantic(turn, rounds=turns, iterations=1)
    ratio = np.median(seconds["region"]) / np.median(seconds["bare"])
    benchmark.extra_info["region / bare"] = round(float(ratio), 3)
    print(f"\n{size}: region {np.median(seconds['region']):.2f} s, ratio {ratio:.3f}")
    assert maps.features.shape[:2] == (GRID, GRID)
