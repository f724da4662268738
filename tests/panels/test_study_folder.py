from pathlib import Path

import pytest

from napari_histossl.errors import PlanError
from napari_histossl.panels.study_folder import (
    DesignChoice,
    resolve_design,
    resolve_power,
)

FILLED = DesignChoice("out/colon", "bank", "a/gan; a/diffusion;", per_class=5)


def test_design_of_several_generators():
    plan = resolve_design(FILLED)
    assert [(arm.name, arm.synthetic, arm.count) for arm in plan.arms] == [
        ("bank", False, 5),
        ("gan", True, 3),
        ("diffusion", True, 2),
    ]
    assert plan.folder == Path("out/colon")
    assert (plan.size_px, plan.mpp) == (None, None)
    assert plan.protocol.readers == ("reader-1", "reader-2")


@pytest.mark.parametrize(
    ("choice", "missing"),
    [
        (DesignChoice(), "the folder of the study"),
        (DesignChoice("out", synthetic="a"), "source of real"),
        (DesignChoice("out", real="a", synthetic=" ; "), "source of synthetic"),
    ],
)
def test_what_is_not_filled_in(choice, missing):
    with pytest.raises(PlanError, match=missing):
        resolve_design(choice)


def test_power_says_what_two_readers_can_show():
    assert resolve_power(0.15).readers[0] == 2
    assert resolve_power(0.15).margin == 0.15
