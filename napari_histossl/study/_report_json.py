"""The numbers of a report for programs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from typing import Any

import numpy as np

from napari_histossl.study._intervals import Interval, Proportion
from napari_histossl.study._overall import Overall
from napari_histossl.study._report_context import ReportContext
from napari_histossl.study.analysis import StudyAnalysis

FORMAT = "histostudy-report-1"
"""Says what the keys mean."""


def report_json(analysis: StudyAnalysis, context: ReportContext) -> dict[str, Any]:
    """Return everything that a report says, as plain lists, numbers and texts.

    Parameters
    ----------
    analysis : StudyAnalysis
        What was found.
    context : ReportContext
        What belongs to it.
    """
    named = {
        "overall": [_overall(of) for of in analysis.overall],
        "comparison": None
        if analysis.comparison is None
        else _overall(analysis.comparison),
        "sensitivity": [_overall(of) for of in analysis.sensitivity],
        "per_generator": [_overall(of) for of in analysis.per_generator],
    }
    rest = {
        name: _plain(getattr(analysis, name))
        for name in analysis.__dataclass_fields__
        if name not in named
    }
    return {
        "format": FORMAT,
        "title": context.title,
        "study_id": context.study_id,
        "made_utc": context.made_utc,
        "versions": dict(context.versions),
        "positive_class": "synthetic",
        "cautions": list(context.cautions),
        "design": dict(context.design),
        "leak_check": _plain(context.leaks),
        "override": context.override,
        "audit": _plain(context.audit),
        **named,
        **rest,
    }


def _overall(of: Overall) -> dict[str, Any]:
    """Return a test with what follows from its numbers."""
    content: dict[str, Any] = {"name": of.name, "note": of.note, "p_holm": of.p_holm}
    if of.result is None or of.equivalence is None:
        return content | {"result": None}
    middle = of.equivalence.chance
    return content | {
        "result": _plain(of.result)
        | {
            "confidence_interval_95": list(of.result.confidence_interval),
            "p_not_chance": _number(of.result.p_against(middle)),
        },
        "equivalence": _plain(of.equivalence)
        | {"p": of.equivalence.p, "is_equivalent": of.equivalence.is_equivalent},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Proportion):
        return {
            "count": _number(value.count),
            "trials": _number(value.trials),
            "value": _number(value.value),
            "exact_95": list(value.interval),
        }
    if isinstance(value, Interval):
        return list(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {
            name: _plain(getattr(value, name)) for name in value.__dataclass_fields__
        }
    if isinstance(value, Mapping):
        return {str(name): _plain(of) for name, of in value.items()}
    if hasattr(value, "_asdict"):
        return _plain(value._asdict())
    if isinstance(value, tuple | list):
        return [_plain(of) for of in value]
    return _number(value)


def _number(value: Any) -> Any:
    """Return a value that strict JSON has: it knows no infinity and no gap."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "infinite"
    return value
