"""Correcting pays: one sitting here, five under `make soak`."""

import runpy
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytestmark = pytest.mark.torch

HERE = Path(__file__).parent
SEED, SIZE = 302, 1536


@pytest.fixture
def one_core(monkeypatch):
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_twenty_corrections_raise_what_was_never_touched(tmp_path, one_core):
    reader = runpy.run_path(str(HERE / "learn_sitting.py"))["Reader"]
    at_slide = reader(SEED, SIZE, tmp_path)
    sitting = at_slide.sit("corrected")
    assert sitting.strokes == 20
    assert sitting.gain >= 0.05
    mixed = at_slide.sit("shuffled", shuffled=SEED)
    assert mixed.gain < sitting.gain - 0.05
