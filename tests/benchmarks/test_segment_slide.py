"""Segmentation of a slide against bare forward passes of both networks; the mu slider.

Both ways of a comparison take turns, since no machine is equally fast all the time;
printed are medians. Without `--benchmark-enable` each way is tried once on little.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from napari_histossl.models import (  # noqa: E402
    create_model,
    model_spec,
    save_weights,
)
from napari_histossl.overlays import run  # noqa: E402
from napari_histossl.overlays.segmentation import SegmentationPredictor  # noqa: E402
from napari_histossl.panels import gather  # noqa: E402
from napari_histossl.panels.segmentation import (  # noqa: E402
    SegmentationChoice,
    resolve_segmentation,
)
from napari_histossl.panels.tissue import saved_or_found  # noqa: E402
from napari_histossl.resources import sample_file  # noqa: E402
from napari_histossl.slide import open_slide  # noqa: E402

SIZES = {
    "small": ({"width": 0.125}, {"backbone": "small"}, 600),
    "published": ({"width": 1.0}, {"backbone": "resnet101"}, 24),
}
"""Options of both networks, and the windows of one turn, if there are so many."""

TURNS = 3


@pytest.fixture
def planned(request, tmp_path):
    """Return the source of the sample slide, and a plan with networks of a size."""

    def plan(size, **options):
        classifier, segmenter, count = SIZES[size]
        made = {}
        pair = {"resnet38": classifier, "deeplabv3plus": segmenter}
        for name, config in pair.items():
            torch.manual_seed(0)
            made[name] = tmp_path / f"{name}.safetensors"
            spec = replace(model_spec(name, **config), mpp=0.5)
            save_weights(create_model(name, **config), spec, made[name])
        choice = SegmentationChoice(
            weights=made["deeplabv3plus"],
            classifier=made["resnet38"],
            workspace=tmp_path,
            **options,
        )
        with open_slide(sample_file("sample.svs")) as slide:
            tissue = saved_or_found(slide, tmp_path)
            plan = resolve_segmentation(choice, gather(choice, slide, tissue))
            return slide.source, replace(plan, tiles_ij=plan.tiles_ij[:count])

    return plan


def _seconds(function, *arguments):
    start_s = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start_s


@pytest.mark.parametrize("overlap", [0.0, 0.25])
@pytest.mark.parametrize("size", SIZES)
def test_engine_against_bare_networks(benchmark, capsys, planned, size, overlap):
    """Windows a second over the slide, and on windows that are in memory already."""
    if size == "published" and not benchmark.enabled:
        pytest.skip("takes minutes: with --benchmark-enable")
    source, plan = planned(size, overlap=overlap)
    if not benchmark.enabled:
        plan = replace(plan, tiles_ij=plan.tiles_ij[:3])
    turns, count = (TURNS if benchmark.enabled else 1), len(plan.tiles_ij)
    with SegmentationPredictor(source, plan) as predictor, torch.inference_mode():
        tiles = [plan.tiles_ij[k : k + plan.batch] for k in range(0, count, plan.batch)]
        kept = [predictor.images(predictor.read(batch).pixels) for batch in tiles]

        def bare():
            for images in kept:
                predictor._model(images)
                predictor._classifier(images)

        def engine(turn):
            options = dict(plan.options)
            options["labels"] = f"{plan.out}{turn} labels.ome.zarr"
            made = replace(
                plan,
                out=f"{plan.out}{turn}.ome.zarr",
                options=tuple(options.items()),
            )
            for _ in run(source, made):
                pass

        bare()
        rates = [
            (count / _seconds(engine, turn), count / _seconds(bare))
            for turn in range(turns)
        ]
        benchmark.pedantic(lambda: None, rounds=1)
    engine_rate, bare_rate = map(statistics.median, zip(*rates, strict=True))
    ratio = statistics.median(one / two for one, two in rates)
    with capsys.disabled():
        print(
            f"\n{size}, overlap {overlap}: engine {engine_rate:.2f} windows/s, bare "
            f"{bare_rate:.2f}, ratio {ratio:.2f} (at least 0.85), {count} windows in "
            f"batches of {plan.batch}, {torch.get_num_threads()} threads"
        )
