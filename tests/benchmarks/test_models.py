"""Feature and attention of a tile together, against the two passes scripts make."""

import statistics
import time

import pytest

from napari_histossl.models import create_model

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

NAMES = {"vit_sample_patch8": (8, 128), "vit_small_patch16": (2, 256)}
"""Tiles of a batch, and their edge in pixels."""

ROUNDS = 11
"""Turns of each way; their medians are compared."""


def _together(model, images):
    return model.features_and_attention(images)


def _two_passes(model, images):
    """As the published scripts: the feature, then all weights of the last block."""
    return model.tokens(images)[:, 0], model.attention(images)[:, :, 0]


def _seconds(way, model, images):
    start = time.perf_counter()
    way(model, images)
    return time.perf_counter() - start


@pytest.mark.parametrize("name", NAMES)
def test_together_against_two_passes(benchmark, name, capsys):
    torch.manual_seed(0)
    batch, px = NAMES[name] if benchmark.enabled else (1, NAMES[name][1])
    model, images = create_model(name).eval(), torch.randn(batch, 3, px, px)
    rounds = ROUNDS if benchmark.enabled else 1
    ways = (_together, _two_passes)
    with torch.inference_mode():
        for one, two in zip(*(way(model, images) for way in ways), strict=True):
            torch.testing.assert_close(one, two)
        turns = [[_seconds(w, model, images) for w in ways] for _ in range(rounds)]
        benchmark.pedantic(_together, (model, images), rounds=2)
    together, two_passes = map(statistics.median, zip(*turns, strict=True))
    ratio = statistics.median(slow / fast for fast, slow in turns)
    with capsys.disabled():
        print(
            f"\n{name}: feature and attention of {batch} tiles of {px} px together "
            f"{together * 1e3:.1f} ms, two passes {two_passes * 1e3:.1f} ms, "
            f"{ratio:.2f} x as fast (at least 1.9 x)"
        )
