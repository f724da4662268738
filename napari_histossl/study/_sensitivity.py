"""The primary analysis again with other choices, each named.

None of these replaces the primary analysis. They show how far its outcome hangs on a
choice that could have been made otherwise.
"""

from __future__ import annotations

from dataclasses import replace

from napari_histossl.errors import StudyError
from napari_histossl.study._bootstrap import bootstrap_auc
from napari_histossl.study._covariances import Figure
from napari_histossl.study._orh import OneCondition
from napari_histossl.study._over_readers import analyse_overall
from napari_histossl.study._overall import FIGURE_NAMES, AnalysisPlan, Overall
from napari_histossl.study._ratings import tabulate
from napari_histossl.study.readings import Selected

MARGINS = (0.05, 0.15)
"""Margins shown beside the one that was set."""


def check_assumptions(selected: Selected, plan: AnalysisPlan) -> tuple[Overall, ...]:
    """Return the primary analysis with other choices.

    Parameters
    ----------
    selected : Selected
        Answers of a study with one condition.
    plan : AnalysisPlan
        What was set.
    """
    primary = selected.primary
    rows = [_with_incomplete(selected, plan), _without_constant(selected, plan)]
    rows += [
        analyse_overall(
            f"margin {margin:g}", selected.primary, replace(plan, margin=margin)
        )
        for margin in MARGINS
        if margin != plan.margin
    ]
    other: Figure = "accuracy" if plan.figure == "auc" else "auc"
    named = f"{FIGURE_NAMES[other]} in place of {FIGURE_NAMES[plan.figure]}"
    rows.append(analyse_overall(named, primary, replace(plan, figure=other)))
    rows += [_exactly_these(selected, plan), _resampled(selected, plan)]
    return tuple(row for row in rows if row is not None)


def _with_incomplete(selected: Selected, plan: AnalysisPlan) -> Overall | None:
    """All readers, on the pictures that all of them read."""
    if not selected.flow.incomplete:
        return None
    read: dict[str, set[str]] = {}
    for reading in selected.test:
        read.setdefault(reading.reader, set()).add(reading.case_id)
    name = "with readers who did not finish"
    if not read:
        return None
    common = set.intersection(*read.values())
    kept = [reading for reading in selected.test if reading.case_id in common]
    if not kept:
        return Overall(name, None, None, "no picture was read by all of them")
    row = analyse_overall(name, kept, plan)
    note = f"on the {len(common)} pictures that all {len(read)} readers read"
    return replace(row, note=row.note or note)


def _without_constant(selected: Selected, plan: AnalysisPlan) -> Overall | None:
    """Only those who varied their answers, where some did not."""
    ratings: dict[str, set[int]] = {}
    for reading in selected.primary:
        ratings.setdefault(reading.reader, set()).add(reading.rating)
    constant = {reader for reader, given in ratings.items() if len(given) == 1}
    if not constant:
        return None
    kept = [reading for reading in selected.primary if reading.reader not in constant]
    return analyse_overall(
        f"without {', '.join(sorted(constant))} (one answer)", kept, plan
    )


def _exactly_these(selected: Selected, plan: AnalysisPlan) -> Overall | None:
    row = analyse_overall(
        "exactly these readers, other pictures", selected.primary, plan
    )
    if not isinstance(row.result, OneCondition):
        return None
    low, high = row.result.fixed_reader_interval
    note = f"95 % interval {low:.3f} to {high:.3f}; says nothing about other readers"
    return Overall(row.name, None, None, note)


def _resampled(selected: Selected, plan: AnalysisPlan) -> Overall | None:
    if plan.figure != "auc" or not selected.primary:
        return None
    primary = selected.primary
    clusters = [reading.cluster or f"case {reading.case_id}" for reading in primary]
    try:
        table = tabulate(
            [reading.rating for reading in primary],
            [reading.synthetic for reading in primary],
            [reading.reader for reading in primary],
            [reading.case_id for reading in primary],
            clusters=clusters,
        )
    except StudyError:
        return None  # said by the primary analysis already
    if len(table.readers) < 2:
        return None
    low, high = bootstrap_auc(table)
    note = f"95 % interval {low:.3f} to {high:.3f}; too short with few readers"
    return Overall("readers and pictures drawn again (bootstrap)", None, None, note)
