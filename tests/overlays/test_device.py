"""Device, half precision, and a memory that runs out."""

import numpy as np
import pytest

from napari_histossl.errors import PlanError
from napari_histossl.overlays import AttentionPredictor, choose_device, run

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from napari_histossl.overlays.device import (  # noqa: E402
    Halving,
    describe_device,
    half_precision,
)


def test_devices():
    assert choose_device("cpu").type == "cpu"
    assert "thread" in describe_device(torch.device("cpu"))
    with pytest.raises(PlanError, match="no device 'tpu'"):
        choose_device("tpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_gpu_that_is_absent_is_one_sentence(small_slide, make_plan, tmp_path):
    plan = make_plan(device="cuda")
    with pytest.raises(PlanError, match="a GPU was asked for") as caught:
        list(run(small_slide.source, plan))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.rglob("*.zarr"))
    assert choose_device("auto").type in ("cpu", "mps")


def test_half_precision_is_for_gpus():
    ones = torch.ones(4, 4)
    with half_precision(torch.device("cpu"), "auto"):
        assert (ones @ ones).dtype == torch.float32


class _Small:
    """Memory for a few rows: more raise what torch raises."""

    def __init__(self, rows):
        self.rows, self.calls = rows, []

    def __call__(self, batch):
        self.calls.append(len(batch))
        if len(batch) > self.rows:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return batch * 2


def test_out_of_memory_halves_the_batch_and_remembers():
    model = _Small(3)
    halving = Halving(model)
    batch = torch.arange(16.0)[:, None]
    torch.testing.assert_close(halving(batch), batch * 2)
    assert model.calls == [16, 8, 4, *[2] * 8]
    model.calls.clear()
    torch.testing.assert_close(halving(batch[:5]), batch[:5] * 2)
    assert model.calls == [2, 2, 1]


def test_memory_for_nothing_at_all():
    with pytest.raises(PlanError, match="a single tile"):
        Halving(_Small(0))(torch.ones(4, 1))


def test_a_run_goes_on_with_smaller_batches(small_slide, make_plan, monkeypatch):
    """A model that takes two tiles at most, in a real run."""
    whole, small = make_plan(name="whole", batch=8), make_plan(name="small", batch=8)
    list(run(small_slide.source, whole))
    seen = []
    attention = AttentionPredictor._attention

    def few(self, images):
        seen.append(len(images))
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return attention(self, images)

    monkeypatch.setattr(AttentionPredictor, "_attention", few)
    records = list(run(small_slide.source, small))
    assert records[-1].done == 35
    assert seen[:3] == [8, 4, 2]
    assert max(seen[3:]) == 2
    np.testing.assert_allclose(_pixels(small), _pixels(whole), rtol=2e-3)


def _pixels(plan):
    from napari_histossl.store import Pyramid

    with Pyramid.open(plan.out) as pyramid:
        return pyramid.read(pyramid.levels[0].box)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU here")
def test_half_precision_on_a_gpu_is_close(small_slide, make_plan):
    half, full = (
        make_plan(name=name, device="cuda", precision=name) for name in ("auto", "full")
    )
    for plan in (half, full):
        records = list(run(small_slide.source, plan))
        assert torch.cuda.get_device_name() in records[0].message
    np.testing.assert_allclose(_pixels(half), _pixels(full), rtol=0.05, atol=0.02)
