"""The engine against the bare model, and what a person waits for while it runs.

Both ways of a comparison take turns, since no machine is equally fast all the time;
printed are medians. Without `--benchmark-enable` each way is tried once on little.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from napari_histossl.geometry import Box  # noqa: E402
from napari_histossl.models import (  # noqa: E402
    create_model,
    model_spec,
    save_weights,
)
from napari_histossl.overlays import (  # noqa: E402
    AttentionPredictor,
    attention_from_point,
    calibrated,
    measure,
    run,
)
from napari_histossl.panels import AttentionChoice, gather, resolve  # noqa: E402
from napari_histossl.panels.attention import sample_weights  # noqa: E402
from napari_histossl.resources import sample_file  # noqa: E402
from napari_histossl.slide import open_slide  # noqa: E402

MODELS = {"sample": 1536, "vit-s": 96}
"""Tiles of one turn: the whole slide, or a quarter of it."""

TURNS = 3

CORNER = Box(3600, 5600, 400, 400)
"""A view that is far from where runs begin, in pixels of the sample slide."""


@pytest.fixture(scope="session")
def vit_small(tmp_path_factory):
    """ViT-S/16 with random weights, as large as the published ones."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "vit.safetensors"
    spec = model_spec("vit_small_patch16")
    save_weights(create_model(spec.name), spec, path)
    return path


@pytest.fixture
def planned(request, tmp_path, vit_small):
    """Return the source of the sample slide and a function that plans runs over it."""

    def plan(model, mpp=None, **options):
        weights = sample_weights() if model == "sample" else vit_small
        with open_slide(sample_file("sample.svs"), mpp) as slide:
            choice = AttentionChoice(weights=weights, workspace=tmp_path, **options)
            made = resolve(choice, gather(choice, slide))
            return slide.source, calibrated(made, measure(slide.source, made))

    return plan


def _say(capsys, text):
    with capsys.disabled():
        print(f"\n{text}")


# ---- From a shell


@pytest.mark.parametrize("mpp", [None, 0.2277], ids=["as it is", "averaged"])
@pytest.mark.parametrize("model", MODELS)
def test_engine_against_the_bare_model(benchmark, capsys, planned, model, mpp):
    """Tiles a second over the slide, and on tiles that are in memory already."""
    count, turns = (MODELS[model], TURNS) if benchmark.enabled else (3, 1)
    source, plan = planned(model, mpp)
    plan = replace(plan, tiles_ij=plan.tiles_ij[:count])
    count = len(plan.tiles_ij)
    starts = range(0, count, plan.batch)
    with AttentionPredictor(source, plan) as predictor, torch.inference_mode():
        tiles = [plan.tiles_ij[k : k + plan.batch] for k in starts]
        kept = [predictor.images(predictor.read(batch)) for batch in tiles]

        def bare():
            for images in kept:
                predictor._model.attention_from(images)

        def engine(turn):
            for _ in run(source, replace(plan, out=f"{plan.out}{turn}.ome.zarr")):
                pass

        rates = [
            (count / _seconds(engine, turn), count / _seconds(bare))
            for turn in range(turns)
        ]
        benchmark.pedantic(bare, rounds=1)
    engine_rate, bare_rate = map(statistics.median, zip(*rates, strict=True))
    ratio = statistics.median(one / two for one, two in rates)
    _say(
        capsys,
        f"{model}, {'level 0' if mpp is None else 'averaged to scale'}: engine "
        f"{engine_rate:.1f} tiles/s, bare {bare_rate:.1f}, ratio {ratio:.2f} (at least "
        f"0.9), batch of {plan.batch} takes {plan.batch / bare_rate * 1e3:.0f} ms",
    )


def _seconds(function, *arguments):
    start_s = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start_s


def test_memory_does_not_grow_with_the_slide(benchmark, capsys, tmp_path):
    script = Path(__file__).with_name("_overlays_memory.py")
    sizes, tiles = ((10_000, 100_000), 500) if benchmark.enabled else ((3_000,), 4)
    peaks = {}
    for edge in sizes:
        call = [sys.executable, script, sample_weights(), tmp_path, str(edge)]
        subprocess.run([*call, "0"], check=True)  # finds its tissue, as `tissue` does
        tried = []
        for turn in range(5 if benchmark.enabled else 1):
            done = subprocess.run(
                [*call, str(tiles), str(turn)],
                capture_output=True,
                text=True,
                check=True,
            )
            count, peak_mb = done.stdout.split()
            assert int(count) >= tiles
            tried.append(float(peak_mb))
        peaks[edge] = min(tried)  # what is freed is kept or not, as it happens
    benchmark(lambda: None)
    low, high = min(peaks.values()), max(peaks.values())
    each = ", ".join(f"{edge:,} px {peak:.0f} MB" for edge, peak in peaks.items())
    _say(
        capsys,
        f"peak memory of {tiles} tissue tiles: {each}; {high / low - 1:.1%} apart (at "
        f"most 10 %)",
    )


# ---- From a window


@pytest.fixture
def worker(qtbot):
    from napari_histossl.widgets._worker import WorkerProcess

    made = WorkerProcess()
    yield made
    made.close()


def _ask(qtbot, worker, *question):
    """Return the answer, and the milliseconds until it was there."""
    start_s = time.perf_counter()
    with qtbot.waitSignal(worker.answered, timeout=120_000) as answered:
        worker.ask("question", *question)
    return answered.args[1], (time.perf_counter() - start_s) * 1e3


def _wait_for_box(qtbot, worker, box, begin):
    """Begin something, and return the milliseconds until a box of it can be seen."""
    seen = []

    def look(progress):
        if progress.box is not None and progress.box.intersection(box):
            seen.append(time.perf_counter())

    worker.progressed.connect(look)
    start_s = time.perf_counter()
    begin()
    qtbot.waitUntil(lambda: bool(seen), timeout=120_000)
    worker.progressed.disconnect(look)
    return (seen[0] - start_s) * 1e3


@pytest.mark.gui
@pytest.mark.parametrize("model", MODELS)
def test_first_tile_in_view(benchmark, capsys, planned, worker, qtbot, model):
    """Worker warm: a run that begins, and a view that moves while one goes on."""
    source, plan = planned(model)
    cost, _ = _ask(qtbot, worker, measure, source, plan.bare())
    plan = calibrated(plan, cost)
    turns = TURNS if benchmark.enabled else 1
    tokens = plan.grid.tile_px // plan.tile_tokens
    starts, moves = [], []
    for turn in range(turns + 1):  # the first one warms up
        made = replace(plan, out=f"{plan.out}{turn}.ome.zarr", overwrite=False)
        first = plan.token_box(*made.tiles_ij[0])
        begin = _wait_for_box(
            qtbot, worker, first, lambda made=made: worker.start(run, source, made)
        )
        there = Box(3700 // tokens, 5700 // tokens, 8, 8)
        move = _wait_for_box(qtbot, worker, there, lambda: worker.look_at(CORNER))
        worker.stop()
        starts.append(begin)
        moves.append(move)
    benchmark(lambda: None)
    batch_ms = plan.batch * cost.tile_s * 1e3
    limit_ms = 2.2 * batch_ms + 100
    begin, move = statistics.median(starts[1:]), statistics.median(moves[1:])
    _say(
        capsys,
        f"{model}: first tile {begin:.0f} ms after a run begins, {move:.0f} ms after "
        f"the view moves (at most {limit_ms:.0f} ms); a bare batch of {plan.batch} "
        f"takes {batch_ms:.0f} ms (at most 500)",
    )


@pytest.mark.gui
@pytest.mark.parametrize("busy", [False, True], ids=["alone", "beside a run"])
def test_attention_from_a_point(benchmark, capsys, planned, worker, qtbot, busy):
    """From the question to the answer, the tile seen before."""
    source, plan = planned("sample")
    if busy:
        with qtbot.waitSignal(worker.progressed, timeout=120_000):
            worker.start(run, source, plan)
    bare = plan.bare()
    _, first_ms = _ask(qtbot, worker, attention_from_point, source, bare, 2000, 3000)
    count = 100 if benchmark.enabled else 2
    places = np.random.default_rng(0).uniform(1920, 2047, (count, 2))
    times = [
        _ask(qtbot, worker, attention_from_point, source, bare, y, x + 1024)[1]
        for y, x in places
    ]
    benchmark(lambda: None)
    middle, worst = np.percentile(times[1:], [50, 95])
    _say(
        capsys,
        f"attention from a point {'beside a run' if busy else 'alone'}: {middle:.1f} "
        f"ms, p95 {worst:.1f} ms (at most a frame and 20); a new tile takes "
        f"{first_ms:.0f} ms",
    )


@pytest.mark.gui
def test_heartbeat_of_the_window(benchmark, capsys, planned, worker, qtbot):
    """Gaps between ticks of a timer, without and with a run, taking turns."""
    from qtpy.QtCore import Qt, QTimer

    source, plan = planned("vit-s")
    _ask(qtbot, worker, measure, source, plan.bare())
    span_ms, turns = (3000, TURNS) if benchmark.enabled else (200, 1)
    ticks = []
    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: ticks.append(time.perf_counter()))

    def gap_ms():
        ticks.clear()
        timer.start(5)
        qtbot.wait(span_ms)
        timer.stop()
        return float(np.percentile(np.diff(ticks), 95)) * 1e3

    pairs = []
    for turn in range(turns):
        still = gap_ms()
        made = replace(plan, out=f"{plan.out}{turn}.ome.zarr")
        with qtbot.waitSignal(worker.progressed, timeout=120_000):
            worker.start(run, source, made)
        pairs.append((still, gap_ms()))
        worker.stop()
    benchmark(lambda: None)
    still, running = map(statistics.median, zip(*pairs, strict=True))
    _say(
        capsys,
        f"heartbeat gaps p95: {still:.2f} ms, {running:.2f} ms while a run goes on, "
        f"{running / still:.2f} x (at most 2 x)",
    )
