"""A process that is killed while it paints loses nothing that it had confirmed."""

import runpy
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("kill_trial.py")


@pytest.mark.parametrize("confirmed", [1, 2, 3, 4, 5, 7, 9, 12, 16, 24])
def test_every_confirmed_step_is_there_after_a_kill(confirmed, tmp_path):
    runpy.run_path(str(SCRIPT))["trial"](tmp_path / "mask.ome.zarr", confirmed)
