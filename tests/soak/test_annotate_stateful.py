"""The state machine of masks for an hour; `make soak`."""

import runpy
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

MACHINE = Path(__file__).parents[1] / "annotate" / "test_masks_stateful.py"


@pytest.mark.soak
def test_whatever_is_done_to_a_mask_it_equals_a_plain_array():
    run_state_machine_as_test(
        runpy.run_path(str(MACHINE))["MaskMachine"],
        settings=settings(
            max_examples=1000,
            stateful_step_count=40,
            deadline=None,
            derandomize=False,
            suppress_health_check=list(HealthCheck),
        ),
    )
