"""Means over readers under each condition, their difference, and each generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from napari_histossl.errors import StudyError
from napari_histossl.study._equivalence import Equivalence, tost
from napari_histossl.study._layouts import TwoConditions
from napari_histossl.study._orh import OneCondition
from napari_histossl.study._overall import AnalysisPlan, Overall
from napari_histossl.study.fooling import analyse_readings, generators_of, holm
from napari_histossl.study.readings import Reading, Selected

FEW_CLUSTERS = 20
"""Below it a caution stands beside an interval.

Simulated: 200 pictures of 10 slides, 15 readers, risk 5 %: 6 to 7 % on one side; of 20
slides 5.5 %. Taking the pictures as independent: 20 % and more.
"""


def conditions_of(selected: Selected) -> list[str]:
    """Return the conditions of a study, sorted; one empty name if there is one."""
    return sorted({reading.condition for reading in selected.test}) or [""]


def under(readings: Sequence[Reading], condition: str) -> list[Reading]:
    """Return the answers under one condition."""
    return [reading for reading in readings if reading.condition == condition]


def analyse_overall(
    name: str, readings: Sequence[Reading], plan: AnalysisPlan
) -> Overall:
    """Return the mean over readers, with its test, or why there is none.

    Parameters
    ----------
    name : str
        What to call it.
    readings : sequence of Reading
        First readings of complete readers under one condition.
    plan : AnalysisPlan
        Figure of merit and margin.
    """
    try:
        found = analyse_readings(readings, figure=plan.figure)
    except StudyError as error:
        return Overall(name, None, None, str(error))
    notes = "; ".join(_cautions(found, readings, plan))
    return Overall(name, found, tost(found, margin=plan.margin), notes)


def _cautions(
    found: OneCondition | TwoConditions, readings: Sequence[Reading], plan: AnalysisPlan
) -> list[str]:
    """Return what to know about a mean before it is believed."""
    cautions = []
    if any(of.cluster for of in readings) and found.clusters < FEW_CLUSTERS:
        cautions.append(
            f"from {found.clusters} slides or patients only, so few that intervals are "
            f"a little too short"
        )
    synthetic = {of.case_id for of in readings if of.synthetic}
    real = {of.case_id for of in readings if not of.synthetic}
    if plan.figure == "accuracy" and len(synthetic) != len(real):
        cautions.append(
            f"the accuracy on {len(synthetic)} synthetic and {len(real)} real "
            f"pictures, where always giving the more frequent answer is better than "
            f"one half; balanced accuracy does not have this fault"
        )
    return cautions


def compare_conditions(selected: Selected, plan: AnalysisPlan) -> Overall | None:
    """Return the difference of two conditions; None if there is one."""
    conditions = conditions_of(selected)
    if len(conditions) < 2:
        return None
    name = " minus ".join(conditions)
    ordered = sorted(selected.primary, key=lambda reading: reading.condition)
    of = [reading.condition for reading in ordered]
    try:
        found = analyse_readings(ordered, of, plan.figure)
    except StudyError as error:
        return Overall(name, None, None, str(error))
    if not isinstance(found, TwoConditions):
        return Overall(name, None, None, "one of the conditions has no complete reader")
    return Overall(name, found, tost(found, chance=0.0, margin=plan.margin), "")


def analyse_generators(selected: Selected, plan: AnalysisPlan) -> tuple[Overall, ...]:
    """Return each generator alone, with p-values corrected for their number."""
    names = generators_of(selected.primary)
    if len(names) < 2:
        return ()
    found = [
        analyse_overall(
            name,
            [of for of in selected.primary if not of.synthetic or of.generator == name],
            plan,
        )
        for name in names
    ]
    tested = [index for index, of in enumerate(found) if of.equivalence is not None]
    corrected = holm([_p_of(found[index].equivalence) for index in tested])
    for index, p_holm in zip(tested, corrected, strict=True):
        found[index] = replace(found[index], p_holm=p_holm)
    return tuple(found)


def _p_of(equivalence: Equivalence | None) -> float:
    assert equivalence is not None
    return equivalence.p
