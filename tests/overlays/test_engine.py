"""Runs: what is written, where it goes on, what it refuses."""

import signal
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from napari_histossl.errors import SlideReadError, StoreError, WeightsError
from napari_histossl.overlays import RunPlan, run, unreadable_tiles
from napari_histossl.slide import ArraySlide
from napari_histossl.store import Pyramid

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch


def _pixels(plan: RunPlan) -> list[np.ndarray]:
    with Pyramid.open(plan.out) as pyramid:
        return [
            pyramid.read(level.box, index) for index, level in enumerate(pyramid.levels)
        ]


def _assert_equal(first: RunPlan, second: RunPlan) -> None:
    for one, other in zip(_pixels(first), _pixels(second), strict=True):
        np.testing.assert_array_equal(one, other)


def test_every_tile_is_what_the_model_says(small_slide, picture, make_plan):
    """Computed here by the plain way: full attention of each padded tile."""
    from napari_histossl.models import load_model

    plan = make_plan()
    records = list(run(small_slide.source, plan))
    counted = [r.done for r in records]
    assert counted[0] == 0
    assert sorted(set(counted)) == [0, *range(4, 33, 4), 35]
    assert counted == sorted(counted)
    assert {r.total for r in records} == {35}  # 5 x 7 tiles of 32 px
    model, spec = load_model(plan.weights)
    padded = np.pad(picture, ((0, 10), (0, 22), (0, 0)), constant_values=255)
    expected = np.zeros((3, 20, 28))
    for row in range(5):
        for column in range(7):
            tile = padded[32 * row : 32 * row + 32, 32 * column : 32 * column + 32]
            image = torch.from_numpy(tile.copy()).permute(2, 0, 1)[None] / 255
            image = (image - 0.5) / 0.5
            with torch.no_grad():
                weights = model.attention(image)[0, :, 0, 1:] * 17
            box = plan.token_box(row, column)
            expected[(..., *box.slices)] = weights.reshape(3, 4, 4).numpy()
    stored = _pixels(plan)[0]
    assert stored.shape == (3, 19, 26)  # tokens on the slide, the last ones in part
    assert stored.dtype == np.float16
    np.testing.assert_allclose(stored, expected[:, :19, :26], rtol=2e-3)
    assert spec.heads == 3


def test_what_is_stored_with_it(small_slide, make_plan):
    plan = make_plan()
    list(run(small_slide.source, plan))
    with Pyramid.open(plan.out) as pyramid:
        assert pyramid.pixel_um_yx == (4.0, 4.0)
        assert pyramid.channel_names == ("head 0", "head 1", "head 2")
        told = pyramid.provenance
    assert told["slide"]["fingerprint"] == small_slide.source.fingerprint
    assert told["weights_sha256"] == plan.weights_sha256
    assert "1.0 is uniform" in told["parameters"]["values"]
    assert told["parameters"]["level"] == 0


def test_only_tissue_is_computed(small_slide, make_plan):
    tissue = np.zeros((15, 20), bool)
    tissue[:4, :4] = True  # rows and columns 0 to 39 of the slide
    plan = make_plan(is_tissue=tissue, tissue_downsample=10.0, min_tissue=0.05)
    records = list(run(small_slide.source, plan))
    assert records[-1].done == records[-1].total == 4
    stored = _pixels(plan)[0]
    assert np.isfinite(stored[:, :8, :8]).all()
    assert np.isnan(stored[:, 8:]).all()
    assert np.isnan(stored[:, :, 8:]).all()


def test_executors_give_the_same(small_slide, make_plan):
    plain, threads, processes = (make_plan(name=n) for n in ("a", "b", "c"))
    list(run(small_slide.source, plain))
    with ThreadPoolExecutor(2) as pool:
        list(run(small_slide.source, threads, executor=pool))
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        list(run(small_slide.source, processes, executor=pool))
    _assert_equal(plain, threads)
    _assert_equal(plain, processes)


def test_at_most_two_batches_wait(small_slide, make_plan):
    """A slow writer does not let results pile up."""

    class Counting(ThreadPoolExecutor):
        handed = 0

        def submit(self, *args, **kwargs):
            self.handed += 1
            return super().submit(*args, **kwargs)

    with Counting(1) as pool:
        for progress in run(small_slide.source, make_plan(), executor=pool):
            assert pool.handed - progress.done // 4 <= 2
    assert pool.handed == 9


def test_closing_stops_and_a_second_run_goes_on(small_slide, make_plan):
    whole, broken = make_plan(name="whole"), make_plan(name="broken")
    list(run(small_slide.source, whole))
    work = run(small_slide.source, broken)
    while next(work).done < 8:
        pass
    work.close()
    resumed = list(run(small_slide.source, broken))
    assert resumed[0].done == 8
    _assert_equal(whole, broken)


_VICTIM = """
import pickle, sys, time
from pathlib import Path
from napari_histossl.overlays import run
source, plan = pickle.loads(Path(sys.argv[1]).read_bytes())
for progress in run(source, plan):
    print(progress.done, flush=True)
    if progress.done >= 12:  # while the next batches are computed beside
        time.sleep(600)
"""


def test_a_killed_run_goes_on_to_the_same_pixels(small_slide, make_plan, tmp_path):
    import pickle

    whole, killed = make_plan(name="whole"), make_plan(name="killed")
    list(run(small_slide.source, whole))
    record = tmp_path / "record"
    record.write_bytes(pickle.dumps((small_slide.source, killed)))
    victim = subprocess.Popen(
        [sys.executable, "-c", _VICTIM, str(record)], stdout=subprocess.PIPE, text=True
    )
    while int(victim.stdout.readline()) < 12:
        pass
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    records = list(run(small_slide.source, killed))
    assert 12 <= records[0].done < 35
    assert records[-1].done == 35
    _assert_equal(whole, killed)


def test_another_model_under_the_same_name_is_refused(
    small_slide, make_plan, tiny_weights, tmp_path
):
    from napari_histossl.models import load_model, save_weights

    list(run(small_slide.source, make_plan()))
    before = _pixels(make_plan())
    model, spec = load_model(tiny_weights)
    model.norm.weight.data.add_(1)
    save_weights(model, spec, tmp_path / "other.safetensors")
    other = make_plan(record=tmp_path / "other.safetensors")
    with pytest.raises(StoreError, match=r"another weights .* choose another name"):
        list(run(small_slide.source, other))
    for kept, now in zip(before, _pixels(make_plan()), strict=True):
        np.testing.assert_array_equal(kept, now)
    anew = make_plan(record=tmp_path / "other.safetensors", overwrite=True)
    assert next(run(small_slide.source, anew)).done == 0


def test_another_slide_or_scale_is_refused(small_slide, picture, make_plan):
    list(run(small_slide.source, make_plan()))
    other = ArraySlide(picture[::-1], mpp_yx=(0.5, 0.5), name="small")
    with pytest.raises(StoreError, match="another slide"):
        next(run(other.source, make_plan(slide=other)))
    with pytest.raises(StoreError, match="another downsample"):
        next(run(small_slide.source, make_plan(mpp=0.4)))


def test_a_wider_extent_adds_to_what_is_there(small_slide, make_plan):
    tissue = np.zeros((15, 20), bool)
    tissue[:4, :4] = True
    few = make_plan(is_tissue=tissue, tissue_downsample=10.0, min_tissue=0.05)
    list(run(small_slide.source, few))
    records = list(run(small_slide.source, make_plan()))
    assert records[0].done == 4
    assert np.isfinite(_pixels(few)[0]).all()


def test_weights_that_changed_after_planning(small_slide, make_plan, tmp_path):
    copy = tmp_path / "copy.safetensors"
    copy.write_bytes(Path(make_plan().weights).read_bytes())
    plan = make_plan(record=copy)
    copy.write_bytes(b"something else")
    with pytest.raises(WeightsError, match="has changed since"):
        list(run(small_slide.source, plan))


class _TornSlide(ArraySlide):
    def _read_inside(self, box, level):
        if box.y >= 256:
            raise SlideReadError("row 256 and below cannot be decoded")
        return super()._read_inside(box, level)


def test_unreadable_tiles_are_left_out_and_tried_again(picture, make_plan, monkeypatch):
    tall = np.tile(picture, (2, 1, 1))  # 300 x 202 px: 10 x 7 tiles

    class Source:
        name, fingerprint = "torn", "torn"

        def open(self):
            slide = _TornSlide(tall, mpp_yx=(0.5, 0.5))
            slide.source = self
            return slide

    slide = Source().open()
    plan = make_plan(slide=slide, batch=10)
    records = list(run(slide.source, plan))
    assert records[-1].done == 70
    assert "14 tiles could not be read" in records[-1].message
    assert "row 256 and below" in records[-1].message
    unreadable = unreadable_tiles(plan.out)
    assert set(unreadable) == {(i, j) for i in (8, 9) for j in range(7)}
    values = _pixels(plan)[0]
    assert np.isfinite(values[:, :32]).all()
    assert np.isnan(values[:, 32:]).all()
    # mended: what is missing is computed, and nothing else
    monkeypatch.setattr(
        Source, "open", lambda self: ArraySlide(tall, mpp_yx=(0.5, 0.5))
    )
    records = list(run(slide.source, plan))
    assert (records[0].done, records[-1].done) == (56, 70)
    assert not unreadable_tiles(plan.out)
    whole = make_plan(slide=slide, name="whole")
    list(run(slide.source, whole))
    _assert_equal(plan, whole)


def test_a_plan_travels(make_plan):
    import pickle

    plan = make_plan()
    assert pickle.loads(pickle.dumps(plan)) == plan
    assert hash(plan) == hash(make_plan())
