import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from napari_histossl.errors import PlanError, StudyError
from napari_histossl.panels.study import (
    ReadingChoice,
    ResultsChoice,
    StudyChoice,
    resolve_reading,
    resolve_results,
    resolve_study,
)

FILLED = StudyChoice(
    "colon", "real", "made", "Colon", "anna, bert\ncarla,", 20, 224, 0.5
)


def test_choice_becomes_a_plan():
    plan = resolve_study(FILLED)
    assert plan.readers == ("anna", "bert", "carla")
    assert (plan.path, plan.real_folder, plan.synthetic_folder) == (
        Path("colon"),
        Path("real"),
        Path("made"),
    )
    assert (plan.per_class, plan.size_px, plan.mpp, plan.seed) == (20, 224, 0.5, None)


def test_zero_means_not_given_and_a_title_is_needed():
    plan = resolve_study(replace(FILLED, per_class=0, size_px=0, mpp=0.0, title=" "))
    assert (plan.per_class, plan.size_px, plan.mpp) == (None, None, None)
    assert plan.title == "Reader study"


@pytest.mark.parametrize("field", ["path", "real_folder", "synthetic_folder"])
def test_what_is_missing_is_named(field):
    with pytest.raises(PlanError, match=r"choose .* first"):
        resolve_study(replace(FILLED, **{field: "  "}))


def test_readers_are_checked():
    for names in ("", "anna, Anna", "x" * 65):
        with pytest.raises(StudyError, match="reader"):
            resolve_study(replace(FILLED, readers=names))
    with pytest.raises(PlanError, match="at least 0"):
        resolve_study(replace(FILLED, size_px=-1))


def test_reading_and_results():
    assert resolve_reading(ReadingChoice("a", " anna ")) == (Path("a"), "anna")
    assert resolve_results(ResultsChoice("a", "b")) == (Path("a"), Path("b"))
    for choice in (ReadingChoice("", "anna"), ReadingChoice("a", "")):
        with pytest.raises(PlanError, match="choose"):
            resolve_reading(choice)
    for choice in (ResultsChoice("", "b"), ResultsChoice("a", "")):
        with pytest.raises(PlanError, match="choose"):
            resolve_results(choice)


def test_panel_loads_neither_qt_nor_torch():
    code = (
        "import sys, napari_histossl.panels.study; "
        "print([m for m in ('qtpy', 'torch', 'napari', 'PIL') if m in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "[]"
