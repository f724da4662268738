"""The table of weak supervision, to be read and as a file with every number."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from napari_histossl.classes import ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.training.weak_comparison import Score

Runs = Mapping[int, Sequence[Score]]
"""Scores of the same rows by the seed of the training."""


def table(runs: Runs, classes: ClassTable, areas: Mapping[str, Sequence[float]]) -> str:
    """Return scores as a Markdown table, a line for each row.

    Parameters
    ----------
    runs : mapping of int to sequence of Score
        The rows by seed; of several seeds the mean is told, and of mIoU the least and
        the largest as well.
    classes : ClassTable
        Their classes.
    areas : mapping of str to sequence of float
        Macro area under the curve of classifiers, by name; told below the table.
    """
    names = [info.name for info in classes]
    head = ["what", "patches", "mIoU", "FwIoU", "accuracy", *names]
    lines = [_line(head), _line(["---"] * len(head))]
    for same in zip(*runs.values(), strict=True):
        numbers = [list(_numbers(score, names).values()) for score in same]
        means = [f"{value:.3f}" for value in np.mean(numbers, 0)]
        means[0] += _spread([each[0] for each in numbers])
        lines.append(_line([same[0].name, same[0].part, *means]))
    told = [
        f"{name}: macro AUC {np.mean(each):.3f}{_spread(each)} on test"
        for name, each in areas.items()
    ]
    seeds = "seed" if len(runs) == 1 else "seeds"
    return "\n".join([*lines, "", *told, f"{seeds} {', '.join(map(str, runs))}"])


def write_rows(path: Path, runs: Runs, classes: ClassTable) -> None:
    """Write every number to a CSV file.

    Raises
    ------
    PlanError
        If the file cannot be written.
    """
    names = [info.name for info in classes]
    try:
        with path.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            for number, (seed, scores) in enumerate(runs.items()):
                for score in scores:
                    found = _numbers(score, names)
                    if not number and score is scores[0]:
                        writer.writerow(["seed", "what", "patches", *found])
                    values = [f"{value:.6f}" for value in found.values()]
                    writer.writerow([seed, score.name, score.part, *values])
    except OSError as error:
        raise PlanError(
            f"{path} cannot be written ({error}); name another file"
        ) from error


def _numbers(score: Score, names: Sequence[str]) -> dict[str, float]:
    found = score.confusion
    single = zip((f"IoU {name}" for name in names), found.iou.tolist(), strict=True)
    return {
        "mIoU": found.mean_iou,
        "FwIoU": found.weighted_iou,
        "accuracy": found.accuracy,
        **dict(single),
    }


def _spread(values: Sequence[float]) -> str:
    if len(values) == 1:
        return ""
    return f" ({min(values):.3f} to {max(values):.3f})"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
