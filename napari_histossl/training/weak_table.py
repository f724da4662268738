"""The table of weak supervision, to be read and as a file with every number."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from napari_histossl.classes import ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.training.weak_comparison import Score


def table(
    scores: Sequence[Score], classes: ClassTable, areas: Mapping[str, float]
) -> str:
    """Return scores as a Markdown table, a line for each.

    Parameters
    ----------
    scores : sequence of Score
        The rows.
    classes : ClassTable
        Their classes.
    areas : mapping of str to float
        Macro area under the curve of classifiers, by name; told below the table.
    """
    names = [info.name for info in classes]
    head = ["what", "patches", "mIoU", "FwIoU", "accuracy", *names]
    lines = [_line(head), _line(["---"] * len(head))]
    for score in scores:
        numbers = _numbers(score, names)
        cells = [score.name, score.part, *(f"{v:.3f}" for v in numbers.values())]
        lines.append(_line(cells))
    told = [f"{name}: macro AUC {area:.3f} on test" for name, area in areas.items()]
    return "\n".join([*lines, "", *told])


def write_rows(path: Path, scores: Sequence[Score], classes: ClassTable) -> None:
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
            writer.writerow(["what", "patches", *_numbers(scores[0], names)])
            for score in scores:
                values = _numbers(score, names).values()
                writer.writerow([score.name, score.part, *(f"{v:.6f}" for v in values)])
    except OSError as error:
        raise PlanError(
            f"{path} cannot be written ({error}); name another file"
        ) from error


def _numbers(score: Score, names: Sequence[str]) -> dict[str, float]:
    found = score.confusion
    single = dict(zip((f"IoU {n}" for n in names), found.iou.tolist(), strict=True))
    return {
        "mIoU": found.mean_iou,
        "FwIoU": found.weighted_iou,
        "accuracy": found.accuracy,
        **single,
    }


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
