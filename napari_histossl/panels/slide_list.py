"""A list of slides in a table: what a batch goes through."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import PlanError

_NAMES = ("slide", "path", "slide_path", "filename", "file")
"""What the column with the slides may be called; the first one that is there counts."""


@dataclass(frozen=True, slots=True)
class ListedSlide:
    """A line of a list.

    Attributes
    ----------
    path : Path
        The slide.
    mpp : float or None
        Micrometres per level-0 pixel, for a slide that does not say; None for what it
        says.
    """

    path: Path
    mpp: float | None = None


def read_slide_list(path: str | Path) -> list[ListedSlide]:
    """Read a table of slides.

    Parameters
    ----------
    path : str or Path
        A CSV file whose first line names its columns: ``slide``, and ``mpp`` if it is
        needed. A path that does not begin at the root counts from the folder of the
        table. Other columns are passed over.

    Returns
    -------
    list of ListedSlide
        In the order of the table; whether they exist is found out when they are opened.

    Raises
    ------
    PlanError
        If the table cannot be read, has no such column or no slides, or a scale is no
        number above 0.
    """
    path = Path(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            table = csv.DictReader(file)
            names, rows = list(table.fieldnames or ()), list(table)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise PlanError(
            f"{path} cannot be read as a table of slides ({error}); give a CSV file "
            f"with a column 'slide'"
        ) from error
    column = next((name for name in _NAMES if name in names), None)
    if column is None:
        raise PlanError(
            f"{path} has the columns {', '.join(map(repr, names)) or 'of no table'}; "
            f"expected one named 'slide'"
        )
    listed = [
        ListedSlide(path.parent / row[column].strip(), _mpp(row, path, line))
        for line, row in enumerate(rows, 2)
        if (row[column] or "").strip()
    ]
    if not listed:
        raise PlanError(f"{path} lists no slides; give one in each line below 'slide'")
    return listed


def _mpp(row: dict[str, str], path: Path, line: int) -> float | None:
    text = (row.get("mpp") or "").strip()
    if not text:
        return None
    try:
        mpp = float(text)
    except ValueError:
        mpp = 0.0
    if not 0 < mpp < float("inf"):
        raise PlanError(
            f"{path}, line {line}: mpp is micrometres per pixel, a number above 0; got "
            f"{text!r}"
        )
    return mpp
