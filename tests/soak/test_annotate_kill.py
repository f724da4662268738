"""Hundreds of kills; `make soak`."""

import runpy
from pathlib import Path

import numpy as np
import pytest

TRIAL = Path(__file__).parents[1] / "annotate" / "kill_trial.py"


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(200))
def test_every_confirmed_step_is_there_after_a_kill(seed, tmp_path):
    rng = np.random.default_rng(seed)
    confirmed = int(rng.integers(1, 120))
    trial = runpy.run_path(str(TRIAL))["trial"]
    trial(tmp_path / "mask.ome.zarr", confirmed, float(rng.uniform(0, 0.15)))
