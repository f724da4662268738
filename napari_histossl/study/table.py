"""The figures of readers as cells of a table, the same in a shell and in a window."""

from __future__ import annotations

from napari_histossl.study.results import ReaderResult, percent
from napari_histossl.study.statistics import Proportion

TABLE_HEADINGS = (
    "reader",
    "read",
    "right",
    "exact 95 %",
    "sensitivity",
    "specificity",
    "d'",
    "c",
    "AUC",
)
"""Headings of the table of readers; `table_row` gives the cells."""


def table_row(result: ReaderResult) -> tuple[str, ...]:
    """Return the cells of a reader as text; a dash where nothing can be told."""
    found = result.figures
    detection = found.detection
    return (
        result.reader,
        f"{result.answered} of {result.total}",
        _share(found.accuracy),
        _limits(found.accuracy),
        _share(found.sensitivity),
        _share(found.specificity),
        _number(None if detection is None else detection.d_prime),
        _number(None if detection is None else detection.criterion),
        _number(found.auc),
    )


def _share(share: Proportion | None) -> str:
    return "–" if share is None else percent(share.value)


def _limits(share: Proportion | None) -> str:
    if share is None:
        return "–"
    low, high = share.interval
    return f"{100 * low:.1f} to {percent(high)}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"
