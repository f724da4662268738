"""Results as files that statisticians' programs read."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.study.results import (
    NOT_POOLED,
    AnswerRow,
    ReaderResult,
    StudyResults,
)
from napari_histossl.study.statistics import Proportion


def write_csv(results: StudyResults, path: str | Path) -> None:
    """Write one line an answer; see `AnswerRow` for the columns.

    Raises
    ------
    StudyError
        If the file cannot be written.
    """
    sink = io.StringIO(newline="")
    writer = csv.DictWriter(sink, list(AnswerRow.__dataclass_fields__))
    writer.writeheader()
    for row in results.answers:
        writer.writerow(
            {
                name: int(value) if isinstance(value, bool) else value
                for name, value in asdict(row).items()
            }
        )
    _write_text(Path(path), sink.getvalue())


def write_json(results: StudyResults, path: str | Path) -> None:
    """Write figures per reader, conclusions, and every answer.

    Raises
    ------
    StudyError
        If the file cannot be written.
    """
    content = {
        "study_id": results.study_id,
        "title": results.title,
        "positive_class": "synthetic",
        "note": NOT_POOLED,
        "readers": [_reader_json(result) for result in results.readers],
        "answers": [asdict(row) for row in results.answers],
    }
    _write_text(Path(path), json.dumps(content, indent=1))


def _write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise StudyError(
            f"{path} could not be written ({error.strerror}); choose a folder that you "
            f"may write in"
        ) from error


def _reader_json(result: ReaderResult) -> dict[str, Any]:
    found = result.figures
    detection = found.detection
    return {
        "reader": result.reader,
        "answered": result.answered,
        "total": result.total,
        "complete": result.is_complete,
        "accuracy": _proportion_json(found.accuracy),
        "sensitivity": _proportion_json(found.sensitivity),
        "specificity": _proportion_json(found.specificity),
        "d_prime": None if detection is None else detection.d_prime,
        "criterion": None if detection is None else detection.criterion,
        "auc": found.auc,
        "conclusion": result.sentence,
    }


def _proportion_json(share: Proportion | None) -> dict[str, Any] | None:
    if share is None:
        return None
    return {
        "count": share.count,
        "trials": share.trials,
        "value": share.value,
        "exact_95": list(share.interval),
    }
