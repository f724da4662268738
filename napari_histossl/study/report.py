"""The report of a study: one self-contained HTML file, and the same numbers as JSON."""

from __future__ import annotations

import base64
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.study._conclusions import format_p
from napari_histossl.study._intervals import Interval
from napari_histossl.study._power_words import describe_design
from napari_histossl.study._report_context import Audit, ReportContext
from napari_histossl.study._report_figures import (
    draw_calibration,
    draw_margin,
    draw_roc,
    draw_times,
)
from napari_histossl.study._report_json import report_json
from napari_histossl.study._report_rows import (
    READER_HEADINGS,
    TEST_HEADINGS,
    agreement_text,
    confidence_rows,
    gallery,
    limits,
    overall_row,
    reader_rows,
    repeat_rows,
    shown_pictures,
)
from napari_histossl.study.analysis import StudyAnalysis
from napari_histossl.study.course import PER_PICTURES, MeanOfReaders
from napari_histossl.study.power import PowerPlan

__all__ = [
    "Audit",
    "ReportContext",
    "render_html",
    "report_json",
    "shown_pictures",
    "write_report",
]

_TEMPLATE = "report.html.jinja"


def write_report(
    analysis: StudyAnalysis, context: ReportContext, html_path: str | Path
) -> tuple[Path, Path]:
    """Write the report of a study.

    Parameters
    ----------
    analysis : StudyAnalysis
        What was found.
    context : ReportContext
        Design, leak check, audit, pictures.
    html_path : path
        The HTML file; the JSON file gets the same name with another ending.

    Returns
    -------
    html, json : Path
        The two files.

    Raises
    ------
    StudyError
        If they cannot be written.
    """
    html, data = Path(html_path), Path(html_path).with_suffix(".json")
    page = render_html(analysis, context)
    numbers = json.dumps(report_json(analysis, context), indent=1, allow_nan=False)
    try:
        html.write_text(page, encoding="utf-8")
        data.write_text(numbers, encoding="utf-8")
    except OSError as error:
        raise StudyError(
            f"the report {html} could not be written ({error.strerror}); choose a "
            f"folder that you may write in"
        ) from error
    return html, data


def render_html(analysis: StudyAnalysis, context: ReportContext) -> str:
    """Return the report as one HTML page that loads nothing.

    Parameters
    ----------
    analysis : StudyAnalysis
        What was found.
    context : ReportContext
        Design, leak check, audit, pictures.
    """
    from jinja2 import Environment, StrictUndefined

    source = files("napari_histossl.study").joinpath(_TEMPLATE).read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    page = environment.from_string(source)
    return page.render(
        analysis=analysis,
        context=context,
        drawings=_drawings(analysis),
        gallery=gallery(analysis.pictures),
        thumbnails={
            case_id: base64.b64encode(png).decode()
            for case_id, png in context.thumbnails.items()
        },
        **_tables(analysis, context),
    )


def _drawings(analysis: StudyAnalysis) -> dict[str, Any]:
    from markupsafe import Markup

    readers = analysis.readers
    if not readers:
        return dict.fromkeys(("roc", "margin", "times", "calibration"), "")
    drawn = {
        "roc": draw_roc(readers),
        "margin": draw_margin(analysis.overall, readers, analysis.plan),
        "times": draw_times(readers),
        "calibration": draw_calibration(readers),
    }
    # Made here from numbers; names of readers are escaped by the drawing library.
    return {name: Markup(svg) for name, svg in drawn.items()}  # noqa: S704


def _tables(analysis: StudyAnalysis, context: ReportContext) -> dict[str, Any]:
    both = [*analysis.overall, *([analysis.comparison] if analysis.comparison else [])]
    answered = {reader.reader for reader in analysis.readers}
    return {
        "answered": len(answered),
        "missing": [name for name in context.planned_readers if name not in answered],
        "reader_headings": READER_HEADINGS,
        "reader_rows": reader_rows(analysis),
        "test_headings": TEST_HEADINGS,
        "test_rows": [overall_row(of) for of in both],
        "power_sentence": _say_power(analysis),
        "sensitivity_rows": [overall_row(of) for of in analysis.sensitivity],
        "per_generator_rows": [overall_row(of) for of in analysis.per_generator],
        "generator_rows": _generator_rows(analysis),
        "pair_rows": _pair_rows(analysis),
        "agreement_rows": [
            (of.name, agreement_text(of.found, of.note)) for of in analysis.agreement
        ],
        "repeat_rows": repeat_rows(analysis.readers),
        "confidence_rows": confidence_rows(analysis.readers),
        "drift_sentence": _say_drift(analysis.drift),
        "leak_rows": _leak_rows(context),
    }


def _say_power(analysis: StudyAnalysis) -> str:
    """Return what a study of this size could show; empty where that is not asked."""
    readers, pictures = len(analysis.flow.complete), analysis.flow.pictures
    asked = ("auc", "accuracy", "balanced_accuracy")
    if len(analysis.overall) != 1 or readers < 2 or pictures < 8:
        return ""
    if analysis.plan.figure not in asked:
        return ""
    plan = PowerPlan(figure=analysis.plan.figure, margin=analysis.plan.margin)
    return describe_design(readers, pictures, plan)


def _generator_rows(analysis: StudyAnalysis) -> list[tuple[str, ...]]:
    return [
        (
            of.generator,
            str(of.pictures),
            f"{of.rate:.3f} {limits(of.interval)}"
            if of.interval is not None
            else f"{of.rate:.3f}; {of.note}",
        )
        for of in analysis.generators
    ]


def _pair_rows(analysis: StudyAnalysis) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for of in analysis.pairs:
        name = f"{of.first} – {of.second}"
        if of.result is None or of.p_holm is None:
            rows.append((name, "–", "–", of.note))
            continue
        span = f"{of.result.estimate:+.3f} {limits(of.result.confidence_interval)}"
        rows.append((name, span, format_p(of.p_holm), of.result.layout))
    return rows


def _leak_rows(context: ReportContext) -> list[tuple[str, ...]]:
    if context.leaks is None:
        return []
    return [
        (
            of.name,
            f"{of.auc:.3f} {limits(Interval(of.low, of.high))}",
            "leak" if of.is_leak else "",
        )
        for of in context.leaks.separations
    ]


def _say_drift(drift: MeanOfReaders | None) -> str:
    if drift is None:
        return "There are too few answers to tell a drift."
    per = f"per {PER_PICTURES} pictures, mean of {len(drift.per_reader)} readers"
    said = f"Change of accuracy {per}: {drift.mean:+.3f}"
    if drift.interval is None:
        return f"{said}. Fewer than three readers: no interval."
    outcome = (
        "accuracy changed in the course of the study"
        if drift.differs_from_zero
        else "no drift is shown, which does not show that there is none"
    )
    return f"{said} {limits(drift.interval)}: {outcome}."
