"""Every answer beside the truth, as a table for other programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.study.readings import Reading


def write_readings(readings: Sequence[Reading], path: str | Path) -> None:
    """Write one line an answer, with whether it was right and the scale of 1 to 6.

    Parameters
    ----------
    readings : sequence of Reading
        All answers, repeats and training included: `kind` says which.
    path : path
        The CSV file.

    Raises
    ------
    StudyError
        If it cannot be written.
    """
    names = [field.name for field in fields(Reading)]
    sink = io.StringIO(newline="")
    writer = csv.writer(sink)
    writer.writerow([*names, "correct", "rating"])
    for reading in readings:
        values = [getattr(reading, name) for name in names]
        values += [reading.is_correct, reading.rating]
        writer.writerow(
            int(value) if isinstance(value, bool) else value for value in values
        )
    try:
        Path(path).write_text(sink.getvalue(), encoding="utf-8", newline="")
    except OSError as error:
        raise StudyError(
            f"{path} could not be written ({error.strerror}); choose a folder that you "
            f"may write in"
        ) from error
