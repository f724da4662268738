"""Pseudo-masks of three layers, against the bare passes that they need."""

import statistics
import time

import pytest

from napari_histossl.models import create_model
from napari_histossl.models.pseudo_masks import pseudo_masks
from napari_histossl.models.recipe import recipe

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PRESENT = (0, 2)
"""Classes of each picture, of four."""

ROUNDS = 9
"""Turns of each way; their medians are compared."""


def _masks(model, images, labels):
    return pseudo_masks(model, images, labels, recipe("published"))


def _bare_passes(model, images, labels):
    """One forward pass, one backward pass a class down to the first of the layers.

    Without the gradients of weights, which no map needs.
    """
    kept = {}

    def keep(module, inputs, output):
        kept["map"] = output.detach().requires_grad_()
        return kept["map"]

    hook = model.b4_5.register_forward_hook(keep)
    logits = model(images)
    hook.remove()
    for index in PRESENT:
        torch.autograd.grad(logits[:, index].sum(), kept["map"], retain_graph=True)


def _seconds(way, *arguments):
    start = time.perf_counter()
    way(*arguments)
    return time.perf_counter() - start


@pytest.mark.parametrize(("width", "batch"), [(0.125, 8), (0.5, 2)])
def test_masks_against_bare_passes(benchmark, width, batch, capsys):
    torch.manual_seed(0)
    px = 224 if benchmark.enabled else 32
    model = create_model("resnet38", width=width).eval().requires_grad_(False)
    images = torch.rand(batch, 3, px, px)
    labels = torch.zeros(batch, 4)
    labels[:, list(PRESENT)] = 1
    ways = (_masks, _bare_passes)
    rounds = ROUNDS if benchmark.enabled else 1
    turns = [[_seconds(w, model, images, labels) for w in ways] for _ in range(rounds)]
    benchmark.pedantic(_masks, (model, images, labels), rounds=2)
    masks, bare = map(statistics.median, zip(*turns, strict=True))
    ratio = statistics.median(one / other for one, other in turns)
    with capsys.disabled():
        print(
            f"\nwidth {width}: masks of three layers of {batch} pictures of {px} px, "
            f"two classes each, {masks * 1e3:.0f} ms; bare passes {bare * 1e3:.0f} ms, "
            f"{ratio:.2f} x as long (at most 1.2 x)"
        )
