"""Scores as a table to be read, and as a file with every number."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from napari_histossl.errors import PlanError
from napari_histossl.training.comparison import SAME, Row, Score
from napari_histossl.training.probing import ClassScore, NumberScore


def averaged(rows: Sequence[Row]) -> list[Row]:
    """Average rows of the same name, share and stain, in the order they came."""
    groups: dict[tuple[str, float, str], list[Score]] = {}
    for row in rows:
        groups.setdefault((row.name, row.share, row.stain), []).append(row.score)
    return [Row(*key, score=_mean(scores)) for key, scores in groups.items()]


def _mean(scores: Sequence[Score]) -> Score:
    classes = [score for score in scores if isinstance(score, ClassScore)]
    if classes:
        areas = np.mean([score.aucs for score in classes], axis=0)
        right = float(np.mean([score.accuracy for score in classes]))
        return ClassScore(right, tuple(map(float, areas)))
    numbers = [score for score in scores if isinstance(score, NumberScore)]
    error, tau, in_order = np.mean([(s.error, s.tau, s.in_order) for s in numbers], 0)
    return NumberScore(float(error), float(tau), float(in_order))


def measures(score: Score, classes: Sequence[str] = ()) -> dict[str, float]:
    """Return the numbers of a score by name, those of single classes last."""
    if isinstance(score, NumberScore):
        return {
            "squared error": score.error,
            "tau": score.tau,
            "in order": score.in_order,
        }
    single = {f"AUC {name}": a for name, a in zip(classes, score.aucs, strict=False)}
    return {"accuracy": score.accuracy, "macro AUC": score.macro_auc, **single}


def table(rows: Sequence[Row]) -> str:
    """Return averaged rows as a Markdown table, a line for each name and share.

    Parameters
    ----------
    rows : sequence of Row
        From `compare`.
    """
    lines: dict[tuple[str, float], dict[str, float]] = {}
    for row in averaged(rows):
        ending = "" if row.stain == SAME else ", other stain"
        for name, value in measures(row.score).items():
            lines.setdefault((row.name, row.share), {})[name + ending] = value
    columns = list(next(iter(lines.values()), {}))
    body = [
        [name, f"{share:.0%}", *(f"{values[column]:.3f}" for column in columns)]
        for (name, share), values in lines.items()
    ]
    return "\n".join(_aligned([["features", "labels", *columns], *body]))


def class_table(rows: Sequence[Row], classes: Sequence[str]) -> str:
    """Return the area under the curve of each class as a Markdown table.

    Parameters
    ----------
    rows : sequence of Row
        From `compare`; a line for each name, share and stain.
    classes : sequence of str
        Names of the classes.
    """
    titles = ["features", "labels", "stain", *(f"AUC {name}" for name in classes)]
    body = [
        [
            row.name,
            f"{row.share:.0%}",
            row.stain,
            *(f"{area:.3f}" for area in row.score.aucs),
        ]
        for row in averaged(rows)
        if isinstance(row.score, ClassScore)
    ]
    return "\n".join(_aligned([titles, *body]))


def _aligned(cells: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a Markdown table, padded so that it reads well as text."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for number, line in enumerate(cells):
        padded = [c.ljust(w) for c, w in zip(line, widths, strict=True)]
        yield f"| {' | '.join(padded)} |"
        if number == 0:
            yield f"|{'|'.join('-' * (width + 2) for width in widths)}|"


def write_rows(rows: Sequence[Row], classes: Sequence[str], path: Path) -> None:
    """Write every single result as CSV, one number a line.

    Raises
    ------
    PlanError
        If the file cannot be written.
    """
    try:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow(["features", "labels", "stain", "measure", "value"])
            for row in rows:
                for name, value in measures(row.score, classes).items():
                    writer.writerow(
                        [row.name, row.share, row.stain, name, f"{value:.6f}"]
                    )
    except OSError as error:
        raise PlanError(
            f"{path} cannot be written ({error.strerror}); choose another place"
        ) from error
