"""Kills, full disks, read-only folders, torn slides, useless weights."""

import pickle
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_histossl.errors import ModelError, StoreError, WeightsError
from napari_histossl.overlays import run, unreadable_tiles
from napari_histossl.slide import ArraySlide, open_slide
from napari_histossl.store import EmbeddingStore, Pyramid

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def _pixels(plan):
    with Pyramid.open(plan.out) as pyramid:
        return [
            pyramid.read(level.box, index) for index, level in enumerate(pyramid.levels)
        ]


def _assert_equal(first, second):
    for one, other in zip(_pixels(first), _pixels(second), strict=True):
        np.testing.assert_array_equal(one, other)


def _in_another_process(code, source, plan, folder):
    record = folder / "record"
    record.write_bytes(pickle.dumps((source, plan)))
    return subprocess.Popen(
        [sys.executable, "-c", code, str(record)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


# ---- Kills

_SLOW = """
import pickle, sys, time
from pathlib import Path
from napari_histossl.overlays import AttentionPredictor, run
source, plan = pickle.loads(Path(sys.argv[1]).read_bytes())
compute = AttentionPredictor.compute
def slow(self, inputs):
    print("computing", len(inputs), flush=True)
    time.sleep(0.02)
    return compute(self, inputs)
AttentionPredictor.compute = slow
for progress in run(source, plan):
    pass
"""


def test_kills_at_any_time_compute_nothing_twice_and_lose_nothing(
    small_slide, make_plan, tmp_path
):
    """Killed again and again, wherever that is; counted are batches, not seconds."""
    plan, whole = make_plan(batch=1), make_plan(batch=1, name="whole")
    list(run(small_slide.source, whole))
    computed, kills = 0, 0
    while True:
        victim = _in_another_process(_SLOW, small_slide.source, plan, tmp_path)
        lines = 0
        for _ in victim.stdout:
            lines += 1
            if lines == 12:
                victim.send_signal(signal.SIGKILL)
                break
        computed += lines + len(victim.stdout.readlines())
        code = victim.wait()
        victim.stdout.close()
        victim.stderr.close()
        if code == 0:
            break
        kills += 1
    assert kills >= 2
    assert 35 <= computed <= 35 + 2 * kills  # one is computed, one is written
    _assert_equal(plan, whole)
    assert next(run(small_slide.source, plan)).done == 35


# ---- Disks

_FULL = """
import pickle, resource, signal, sys
from pathlib import Path
from napari_histossl.errors import StoreError
from napari_histossl.overlays import run
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
source, plan = pickle.loads(Path(sys.argv[1]).read_bytes())
work = run(source, plan)
next(work)
resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, resource.RLIM_INFINITY))
try:
    done = 0
    for progress in work:
        done = progress.done
    print("complete")
except StoreError as error:
    print(error)
print(done)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("limit", [150, 600, 1200])
def test_a_full_disk_is_a_sentence_and_the_run_can_be_taken_up(
    small_slide, make_plan, tmp_path, limit
):
    """No file may grow beyond a limit: first the spool, or the chunks, or the marks."""
    plan, whole = make_plan(batch=2), make_plan(batch=2, name="whole")
    list(run(small_slide.source, whole))
    child = _in_another_process(
        _FULL.format(limit=limit), small_slide.source, plan, tmp_path
    )
    said, errors = child.communicate()
    assert "Traceback" not in errors
    sentence, done = said.splitlines()
    assert "make room" in sentence
    assert "tiny.ome.zarr" in sentence
    records = list(run(small_slide.source, plan))
    assert records[0].done >= int(done)
    assert records[-1].done == 35
    _assert_equal(plan, whole)


def test_a_full_disk_while_features_are_computed(small_slide, make_plan, tmp_path):
    plan = replace(
        make_plan(batch=2), kind="features", out=str(tmp_path / "features.zarr")
    )
    child = _in_another_process(
        _FULL.format(limit=1000), small_slide.source, plan, tmp_path
    )
    said, errors = child.communicate()
    assert "Traceback" not in errors
    sentence, done = said.splitlines()
    assert "features.zarr" in sentence
    assert "room" in sentence
    records = list(run(small_slide.source, plan))
    assert records[0].done >= int(done)
    with EmbeddingStore.open(plan.out) as store:
        found = store.read().features
    assert found.shape == (35, 24)
    assert np.isfinite(found).all()


@pytest.mark.usefixtures("modes_hold")
def test_a_read_only_folder(small_slide, make_plan, tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StoreError, match="workspace folder in which you may write"):
            list(run(small_slide.source, make_plan()))
    finally:
        tmp_path.chmod(0o700)


def test_a_folder_that_cannot_be(small_slide, make_plan, tmp_path):
    """A file is in the way: refused as a read-only folder is, whoever runs this."""
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="choose a workspace folder") as caught:
        list(run(small_slide.source, make_plan(workspace=tmp_path / "file")))
    assert "\n" not in str(caught.value)


# ---- Slides


@pytest.fixture
def torn_tiff(tmp_path):
    """A JPEG-compressed TIFF of 8 x 8 tiles of 64 px, one of them overwritten."""
    rng = np.random.default_rng(1)
    noise = rng.integers(100, 200, (64, 64, 3), np.uint8).repeat(8, 0).repeat(8, 1)
    path = tmp_path / "torn.tif"
    tifffile.imwrite(
        path, noise, tile=(64, 64), compression="jpeg", photometric="rgb",
        resolution=(20000, 20000), resolutionunit="CENTIMETER", metadata=None,
    )  # fmt: skip
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages[0]
        place, count = page.dataoffsets[3 * 8 + 5], page.databytecounts[3 * 8 + 5]
    data[place : place + count] = bytes(count)
    path.write_bytes(data)
    return path


def test_a_corrupt_tile_in_the_middle_of_a_slide(torn_tiff, make_plan):
    path = torn_tiff
    with open_slide(path) as slide:
        plan = make_plan(slide=slide, batch=16)
        source = slide.source
    records = list(run(source, plan))
    assert records[-1].done == records[-1].total == 256
    assert "4 tiles could not be read and are left out" in records[-1].message
    torn = {(6, 10), (6, 11), (7, 10), (7, 11)}
    assert set(unreadable_tiles(plan.out)) == torn
    values = _pixels(plan)[0]
    assert np.isnan(values[:, 24:32, 40:48]).all()
    assert np.isfinite(values).sum() == (256 - 4) * 16 * 3
    again = list(run(source, plan))  # tried again, and still torn
    assert again[0].done == 252
    assert set(unreadable_tiles(plan.out)) == torn


def test_a_slide_of_which_nothing_can_be_read(torn_tiff, make_plan):
    path = torn_tiff
    with open_slide(path) as slide:
        plan = make_plan(slide=slide)
        source = slide.source
    with tifffile.TiffFile(path) as tiff:
        places = zip(
            tiff.pages[0].dataoffsets, tiff.pages[0].databytecounts, strict=True
        )
        spans = list(places)
    data = bytearray(path.read_bytes())
    for place, count in spans:
        data[place : place + count] = bytes(count)
    path.write_bytes(data)
    records = list(run(source, plan))
    assert "256 tiles could not be read" in records[-1].message


def test_a_slide_smaller_than_one_tile(make_plan):
    small = ArraySlide(
        np.full((20, 11, 3), 120, np.uint8), mpp_yx=(0.5, 0.5), name="tiny"
    )
    plan = make_plan(slide=small)
    assert any("smaller than one tile" in note for note in plan.notes)
    list(run(small.source, plan))
    values = _pixels(plan)[0]
    assert values.shape == (3, 3, 2)
    assert np.isfinite(values).all()


# ---- Weights


def test_weights_that_are_not_numbers(small_slide, make_plan, tiny_weights, tmp_path):
    from napari_histossl.models import load_model, save_weights

    model, spec = load_model(tiny_weights)
    model.blocks[1].attn.qkv.weight.data[3, 4] = float("nan")
    save_weights(model, spec, tmp_path / "nan.safetensors")
    plan = make_plan(record=tmp_path / "nan.safetensors")
    with pytest.raises(WeightsError, match="not finite"):
        list(run(small_slide.source, plan))
    assert not list(tmp_path.rglob("*.zarr"))


def test_a_model_that_gives_nothing_finite(
    small_slide, make_plan, tiny_weights, tmp_path
):
    """Weights are finite; what comes of them is not."""
    from napari_histossl.models import load_model, save_weights

    model, spec = load_model(tiny_weights)
    model.patch_embed.proj.weight.data.fill_(3e38)
    save_weights(model, spec, tmp_path / "huge.safetensors")
    plan = make_plan(record=tmp_path / "huge.safetensors")
    with pytest.raises(ModelError, match="values that are not finite"):
        list(run(small_slide.source, plan))
