"""The tables of a report as text."""

from __future__ import annotations

from collections.abc import Sequence

from napari_histossl.study._conclusions import format_p
from napari_histossl.study._intervals import CHANCE, Interval, Proportion
from napari_histossl.study._orh import OneCondition
from napari_histossl.study._overall import Overall
from napari_histossl.study._per_reader import ReaderSummary
from napari_histossl.study.agreement import Agreement
from napari_histossl.study.analysis import StudyAnalysis
from napari_histossl.study.fooling import PictureRate

READER_HEADINGS = (
    "reader",
    "read",
    "accuracy, exact 95 %",
    "sensitivity",
    "specificity",
    "AUC, 95 %",
    "d'",
    "c",
    "in the mean",
)
"""Headings of the table of readers."""

MOST_SHOWN = 6
"""Pictures shown in each row of the gallery."""

_NOTHING = "–"


def reader_rows(analysis: StudyAnalysis) -> list[tuple[str, ...]]:
    """Return one row for each reader, and one for each mean."""
    rows = [_reader_row(reader) for reader in analysis.readers]
    figure = 5 if analysis.plan.figure == "auc" else 2
    for of in analysis.overall:
        cells = [_NOTHING] * len(READER_HEADINGS)
        cells[0] = f"mean {of.name}".strip()
        if isinstance(of.result, OneCondition):
            cells[1] = f"{len(of.result.readers)} readers"
            if analysis.plan.figure != "balanced_accuracy":
                interval = of.result.confidence_interval
                cells[figure] = f"{of.result.estimate:.3f} {limits(interval)}"
        rows.append(tuple(cells))
    return rows


def _reader_row(reader: ReaderSummary) -> tuple[str, ...]:
    found = reader.figures
    area = _NOTHING if found.auc is None else f"{found.auc:.3f}"
    if found.auc_interval is not None:
        area += f" {limits(found.auc_interval)}"
    detection = found.detection
    return (
        reader.name,
        f"{reader.read} of {reader.total}",
        share(found.accuracy, with_limits=True),
        share(found.sensitivity),
        share(found.specificity),
        area,
        _NOTHING if detection is None else f"{detection.d_prime:z.2f}",
        _NOTHING if detection is None else f"{detection.criterion:z.2f}",
        "yes" if reader.is_complete else "no",
    )


def share(found: Proportion | None, *, with_limits: bool = False) -> str:
    """Return a share as text; a dash where there is none."""
    if found is None:
        return _NOTHING
    text = f"{found.value:.3f}"
    return f"{text} {limits(found.interval)}" if with_limits else text


def limits(interval: Interval) -> str:
    """Return the limits of an interval in brackets."""
    return f"({interval.low:.3f} to {interval.high:.3f})"


TEST_HEADINGS = (
    "analysis",
    "estimate, 95 %",
    "standard error",
    "df",
    "not chance",
    "90 % interval",
    "equivalence",
    "outcome",
)
"""Headings of the table of tests."""


def overall_row(of: Overall) -> tuple[str, ...]:
    """Return an analysis over readers as cells."""
    name = of.name or "primary"
    if of.result is None or of.equivalence is None:
        return (name, *([_NOTHING] * 6), of.note)
    middle = of.equivalence.chance
    p = of.equivalence.p if of.p_holm is None else of.p_holm
    outcome = "equivalent" if p < 0.05 else "not shown equivalent"
    return (
        name,
        f"{of.result.estimate:.3f} {limits(of.result.confidence_interval)}",
        f"{of.result.standard_error:.4f}",
        f"{of.result.df:.1f}",
        format_p(of.result.p_against(middle)),
        limits(of.equivalence.interval),
        format_p(p) + (" (Holm)" if of.p_holm is not None else ""),
        f"{outcome}, margin {of.equivalence.margin:g}"
        + (f"; {of.note}" if of.note else ""),
    )


def repeat_rows(readers: Sequence[ReaderSummary]) -> list[tuple[str, ...]]:
    """Return how far each reader agrees with themselves."""
    return [
        (
            of.name,
            f"{of.repeats.same.count} of {of.repeats.same.trials}",
            limits(of.repeats.same.interval),
            agreement_text(of.repeats.kappa, of.repeats.note),
            agreement_text(of.repeats.weighted, of.repeats.note),
        )
        for of in readers
        if of.repeats is not None
    ]


def agreement_text(found: Agreement | None, note: str) -> str:
    """Return a coefficient as text, or why there is none."""
    if found is None:
        return note or _NOTHING
    if found.interval is None:
        return f"{found.value:.3f} (no interval: too few answers, or all agree)"
    return f"{found.value:.3f} {limits(found.interval)}"


def confidence_rows(readers: Sequence[ReaderSummary]) -> list[tuple[str, ...]]:
    """Return how confidence goes with being right, reader by reader."""
    return [
        (
            of.name,
            *(
                share(of.calibration.right.get(level), with_limits=True)
                for level in (1, 2, 3)
            ),
            f"{of.calibration.brier:.3f}",
            _NOTHING
            if of.calibration.type_two_auc is None
            else f"{of.calibration.type_two_auc:.3f}",
        )
        for of in readers
        if of.calibration is not None
    ]


def gallery(
    pictures: Sequence[PictureRate],
) -> list[tuple[str, tuple[PictureRate, ...]]]:
    """Return which pictures are shown, under what heading."""
    made = [of for of in pictures if of.synthetic]
    real = [of for of in pictures if not of.synthetic]
    fooling = [of for of in made if of.called_real.value > CHANCE]
    exposed = [of for of in reversed(made) if of.called_real.value < CHANCE]
    doubted = [of for of in reversed(real) if of.called_real.value < CHANCE]
    named = (
        ("Most fooling: synthetic, most often called real", fooling),
        ("Most exposed: synthetic, most often called synthetic", exposed),
        ("Most doubted: real, most often called synthetic", doubted),
    )
    return [(heading, tuple(of[:MOST_SHOWN])) for heading, of in named]


def shown_pictures(analysis: StudyAnalysis) -> list[str]:
    """Return the ids of the pictures that a report shows."""
    return [of.case_id for _, row in gallery(analysis.pictures) for of in row]
