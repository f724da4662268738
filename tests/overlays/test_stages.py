"""Reading, the model and writing go on side by side."""

from __future__ import annotations

import threading

import pytest

from napari_histossl.overlays import AttentionPredictor, run

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

PATIENCE_S = 120
"""Nothing here takes so long unless one waits for the other."""


def test_reading_the_model_and_writing_overlap(small_slide, make_plan, monkeypatch):
    """The first batch waits for pixels of the next, the third for a record."""
    read, compute = AttentionPredictor.read, AttentionPredictor.compute
    read_ahead, written = threading.Event(), threading.Event()
    reads, batches = [], []

    def reading(self, tiles):
        pixels = read(self, tiles)
        if reads:
            read_ahead.set()
        reads.append(tiles)
        return pixels

    def computing(self, inputs):
        batches.append(len(inputs))
        if len(batches) == 1:
            assert read_ahead.wait(PATIENCE_S), "nothing was read ahead"
        if len(batches) == 3:
            assert written.wait(PATIENCE_S), "nothing was written meanwhile"
        return compute(self, inputs)

    monkeypatch.setattr(AttentionPredictor, "read", reading)
    monkeypatch.setattr(AttentionPredictor, "compute", computing)
    for record in run(small_slide.source, make_plan(batch=4)):
        if record.done:
            written.set()
    assert len(reads) == len(batches)
    assert sum(batches) == 35
