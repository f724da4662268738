"""From the button to the first proposal for the view, and the next round.

What a person waits for, in the worker's place: tokens of the view and of what was
corrected, the head, before and after, the proposal. Starting the process and loading
torch come on top once, while the price is read. Without `--benchmark-enable` it is done
once on a small view.
"""

from __future__ import annotations

import time

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytestmark = pytest.mark.torch

from napari_histossl.annotate import MaskStore, Stroke  # noqa: E402
from napari_histossl.classes import DEFAULT_CLASSES  # noqa: E402
from napari_histossl.geometry import Box  # noqa: E402
from napari_histossl.panels import gather  # noqa: E402
from napari_histossl.panels.learn import LearnChoice, resolve_learning  # noqa: E402
from napari_histossl.panels.learn_job import learn  # noqa: E402
from napari_histossl.panels.tissue import saved_or_found  # noqa: E402
from napari_histossl.resources import sample_file  # noqa: E402
from napari_histossl.slide import open_slide  # noqa: E402
from napari_histossl.store import paths  # noqa: E402
from napari_histossl.store.masks import read_mask_png  # noqa: E402

SMALL = "the view at 10x"
VIEWS = {SMALL: (1920, 2560), "the whole slide": (4096, 6144)}
"""Height and width in level-0 pixels of half a micrometre: a screen of 960 x 1280."""


def corrected(slide, folder):
    """Make a mask of the truth's classes, all of them tumour but for twenty strokes."""
    truth = read_mask_png(sample_file("sample_classes.png"))
    path = paths.mask_path(folder, "nests")
    path.parent.mkdir(parents=True)
    tissue = ((truth > 0) & (truth < 5)).astype("uint8")
    with MaskStore.create(
        path, slide.levels[0].shape, 0.5, DEFAULT_CLASSES, base=tissue
    ) as mask:
        for number in range(20):
            y, x = 600 + 700 * (number // 5), 700 + 1000 * (number % 5)
            index = int(truth[y, x])
            if 0 < index < 5:
                mask.paint(Stroke([(y, x - 40), (y, x + 40)], 40, index))


@pytest.mark.parametrize("view", VIEWS)
def test_first_proposal(benchmark, capsys, tmp_path, view):
    if not benchmark.enabled and view != SMALL:
        pytest.skip("the same with more tiles: with --benchmark-enable")
    height, width = VIEWS[view] if benchmark.enabled else (512, 640)
    options = {} if benchmark.enabled else {"model_weight": 0.0}
    with open_slide(sample_file("sample.svs")) as slide:
        folder = paths.results_folder(slide.source, tmp_path)
        tissue = saved_or_found(slide, folder)
        corrected(slide, folder)
        box = Box((4096 - height) // 2, (6144 - width) // 2, height, width)
        choice = LearnChoice(mask="nests", workspace=tmp_path, extent="view", **options)
        times = []
        for _ in range(2):
            start_s = time.perf_counter()
            plan = resolve_learning(choice, gather(choice, slide, tissue, view_px0=box))
            first_s = None
            for step in learn(slide.source, plan):
                if step.box is not None and first_s is None:
                    first_s = time.perf_counter() - start_s
            times.append((first_s, time.perf_counter() - start_s, plan.missing))
        benchmark.pedantic(lambda: None, rounds=1)
    (first, whole, missing), (again, _, _) = times
    with capsys.disabled():
        print(
            f"\n{view}: {len(plan.tokens.tiles_ij)} tiles, {missing} computed, first "
            f"proposal after {first:.1f} s (at most 60), all after {whole:.1f} s, next "
            f"round {again:.1f} s, {torch.get_num_threads()} threads"
        )
