"""Real runs in the worker process of a window: killed, moved, asked, left alone."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest_gui import PATIENCE_MS

pytest.importorskip("torch")
pytestmark = [pytest.mark.gui, pytest.mark.torch]

from napari_histossl.geometry import Box  # noqa: E402
from napari_histossl.models import examine_weights, model_spec  # noqa: E402
from napari_histossl.overlays import (  # noqa: E402
    PointAttention,
    attention_from_point,
    calibrated,
    measure,
    run,
)
from napari_histossl.overlays.questions import attention_of_tile  # noqa: E402
from napari_histossl.panels import AttentionChoice, SlideFacts, resolve  # noqa: E402
from napari_histossl.slide import open_slide, virtual_levels  # noqa: E402
from napari_histossl.store import Pyramid  # noqa: E402
from napari_histossl.widgets._point_tiles import PointTiles  # noqa: E402
from napari_histossl.widgets._worker import WorkerProcess  # noqa: E402

CONFIG = {"img_size": 32, "patch_size": 8, "embed_dim": 24, "depth": 2, "num_heads": 3}


@pytest.fixture
def worker(qtbot, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    made = WorkerProcess()
    yield made
    made.close()


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    from napari_histossl.models import create_model, save_weights

    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    spec = replace(model_spec("vit", **CONFIG), tile_px=32, mpp=0.5)
    save_weights(create_model("vit", **CONFIG), spec, path)
    return path


@pytest.fixture
def planned(tiny_tiff, weights, tmp_path):
    """A slide of 22 x 29 tiles, and a function that plans runs over it."""
    with open_slide(tiny_tiff) as slide:
        facts = SlideFacts(
            slide.source, virtual_levels(slide), slide.mpp_yx, None, 1.0,
            examine_weights(weights),
        )  # fmt: skip

    def plan(name, **options):
        choice = AttentionChoice(workspace=tmp_path, name=name, batch=2, **options)
        return resolve(choice, facts)

    return facts.source, plan


def _pixels(plan):
    with Pyramid.open(plan.out) as pyramid:
        return pyramid.read(pyramid.levels[0].box)


def test_killed_in_mid_batch_it_goes_on_by_itself(worker, qtbot, planned):
    source, plan = planned
    whole, killed = plan("whole"), plan("killed", overwrite=True)
    list(run(source, whole))
    records, lives = [], []

    def watch(progress):
        records.append(progress.done)
        process = worker._link.process
        if progress.done >= 100 * (len(lives) + 1) and len(lives) < 2:
            lives.append(process.pid)
            process.send_signal(signal.SIGKILL)

    worker.progressed.connect(watch)
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS) as end:
        worker.start(run, source, killed)
    assert end.args == [True]
    assert len(set(lives)) == 2
    assert records[-1] == 22 * 29
    # started again it began where it had been, also where it overwrites
    drops = [a - b for a, b in pairwise(records) if b < a]
    assert all(drop <= 3 * 2 for drop in drops), drops
    np.testing.assert_allclose(_pixels(killed), _pixels(whole), rtol=2e-3)


def test_the_view_comes_first_over_the_pipe(worker, qtbot, planned):
    source, plan = planned
    boxes = []
    worker.progressed.connect(
        lambda progress: boxes.append(progress.box) if progress.box else None
    )
    with qtbot.waitSignal(worker.progressed, timeout=PATIENCE_MS):
        worker.start(run, source, plan("moved"))
    worker.look_at(Box(600, 800, 60, 60))
    corner = Box(76, 101, 8, 8)  # in tokens
    qtbot.waitUntil(
        lambda: any(box.intersection(corner) for box in boxes), timeout=PATIENCE_MS
    )
    worker.stop()


def test_questions_beside_a_run(worker, qtbot, planned):
    source, plan = planned
    made, ends = plan("asked"), []
    worker.finished.connect(ends.append)
    with qtbot.waitSignal(worker.answered, timeout=PATIENCE_MS) as answer:
        worker.ask("cost", measure, source, made.bare())
    assert calibrated(made, answer.args[1]).seconds > 0
    with qtbot.waitSignal(worker.progressed, timeout=PATIENCE_MS):
        worker.start(run, source, made)
    with qtbot.waitSignal(worker.answered, timeout=PATIENCE_MS) as answer:
        worker.ask("point", attention_from_point, source, made.bare(), 300.0, 450.0)
    point = answer.args[1]
    assert isinstance(point, PointAttention)
    assert point.values.shape == (3, 4, 4)
    assert point.token_px0 == Box(296, 448, 8, 8)
    with qtbot.waitSignal(worker.answered, timeout=PATIENCE_MS) as answer:
        worker.ask("point", attention_from_point, source, made.bare(), -5.0, 0.0)
    assert "is not on" in str(answer.args[1])
    qtbot.waitUntil(lambda: ends == [True], timeout=PATIENCE_MS)


def test_pausing_and_stopping_over_the_pipe(worker, qtbot, planned):
    source, plan = planned
    made = plan("paused")
    messages = []
    worker.progressed.connect(lambda progress: messages.append(progress.message))
    with qtbot.waitSignal(worker.progressed, timeout=PATIENCE_MS):
        worker.start(run, source, made)
    worker.pause()
    qtbot.waitUntil(lambda: "paused" in messages, timeout=PATIENCE_MS)
    count = len(messages)
    qtbot.wait(200)
    assert len(messages) == count
    worker.stop()
    with qtbot.waitSignal(worker.finished, timeout=PATIENCE_MS) as end:
        worker.start(run, source, made)  # the same process, the lock is free
    assert end.args == [True]


def test_a_tile_that_a_closed_worker_owes_is_asked_for_again(worker, qtbot, planned):
    source, plan = planned
    made, tile = plan("tiles"), (10, 14)
    tiles = PointTiles(SimpleNamespace(worker=worker), attention_of_tile)
    tiles.look_at(source, made)
    assert tiles.get(tile) is None
    worker.close()
    assert "closed before" in tiles.problem(tile)
    tiles.look_at(source, made)
    qtbot.waitUntil(lambda: tiles.get(tile) is not None, timeout=PATIENCE_MS)
    assert tiles.get(tile).tile_ij == tile


_WINDOW = """
import os, sys
from qtpy.QtCore import QCoreApplication
from napari_histossl.widgets._worker import WorkerProcess
from napari_histossl.overlays import run, measure, attention_from_point
import pickle
from pathlib import Path
source, plan = pickle.loads(Path(sys.argv[1]).read_bytes())
app = QCoreApplication([])
worker = WorkerProcess()
def first(progress):
    print(worker._link.process.pid, "torch" in sys.modules, flush=True)
    os._exit(9)
worker.progressed.connect(first)
worker.start(run, source, plan)
app.exec()
"""


def test_a_window_that_dies_takes_its_worker_along_and_never_loads_torch(
    planned, tmp_path, qtbot
):
    import pickle

    source, plan = planned
    made = plan("left")
    record = tmp_path / "record"
    record.write_bytes(pickle.dumps((source, made)))
    window = subprocess.run(
        [sys.executable, "-c", _WINDOW, str(record)],
        capture_output=True, text=True, check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert window.returncode == 9, window.stderr
    pid, has_torch = window.stdout.split()[:2]
    assert has_torch == "False"
    qtbot.waitUntil(lambda: not Path(f"/proc/{pid}").exists(), timeout=PATIENCE_MS)
    assert list(run(source, made))[-1].done == 22 * 29
