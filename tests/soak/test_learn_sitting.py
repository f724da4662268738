"""Correcting pays on most slides, and correcting wrongly does not; `make soak`."""

import runpy
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

SCRIPT = Path(__file__).parents[1] / "panels" / "learn_sitting.py"
SEEDS, SIZE = (301, 302, 303, 304, 305), 2560


@pytest.mark.soak
@pytest.mark.torch
def test_twenty_corrections_on_five_slides(tmp_path, capsys):
    """The table in the README of the sample data; run with -s to see it."""
    script = runpy.run_path(str(SCRIPT))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    gains, mixed = [], []
    for seed in SEEDS:
        reader = script["Reader"](seed, SIZE, tmp_path / str(seed))
        sitting = reader.sit("corrected")
        shuffled = reader.sit("shuffled", shuffled=seed)
        print(script["row"](seed, sitting, shuffled))
        gains.append(sitting.gain)
        mixed.append(shuffled.gain)
    torch.set_num_threads(before)
    assert sum(gain >= 0.05 for gain in gains) >= 4
    assert sum(gain >= 0.05 for gain in mixed) == 0
    assert np.mean(mixed) < 0.02 < np.mean(gains) - 0.05
