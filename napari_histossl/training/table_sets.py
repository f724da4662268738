"""Patches in a folder with their labels in a table: ``labels.csv``.

The first column, ``name``, holds the file's path from the folder. The columns ``group``
(slide or patient) and ``split`` (train, val, test) may follow; every other column is a
class, and holds 1 where the patch shows it and 0 where it does not. Masks may lie in a
folder ``masks``, PNG files of the same name with values counted from 0.
"""

from __future__ import annotations

import csv
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_histossl.classes import (
    BCSS_CLASSES,
    DEFAULT_CLASSES,
    KAROLINSKA_CLASSES,
    LUAD_CLASSES,
    RADBOUD_CLASSES,
    ClassInfo,
    ClassTable,
)
from napari_histossl.errors import ClassTableError, DataSetError
from napari_histossl.training.patch_files import PatchFiles
from napari_histossl.training.set_description import SetDescription

TABLE = "labels.csv"
"""Name of the table."""

MASKS = "masks"
"""Folder of masks, where there are some."""

_OTHER = ("name", "group", "split")
"""Columns that are no class."""


def open_table(root: Path, split: str, rules: SetDescription | None) -> PatchFiles:
    """Open one part of such a set.

    Parameters
    ----------
    root : Path
        The folder with the table.
    split : {"train", "val", "test"}
        Which part. Where the table has no such column, all patches are for training.
    rules : SetDescription, optional
        What the set says of itself; gives colours and scale, and must have the classes
        of the table in their order.

    Raises
    ------
    DataSetError
        If the table cannot be read, a row does not fit, or the part is empty.
    """
    table = read_table(root, rules)
    rows = [row for row in table.rows if row.split == split]
    if not rows:
        raise DataSetError(
            f"{root / TABLE} has no row of {split}; see its column split"
        )
    labels = [table.labels(row) for row in rows]
    return PatchFiles(
        table.rules.classes,
        tuple(row.image for row in rows),
        tuple(row.group for row in rows),
        tuple(row.mask for row in rows) if any(row.mask for row in rows) else (),
        np.array(labels, np.uint8),
        table.rules.mpp,
        table.rules.exclude_index,
        table.rules.values,
    )


@dataclass(frozen=True, slots=True)
class Row:
    """One patch of a table.

    Attributes
    ----------
    line : int
        Where it stands in the file, from 1.
    image : Path
        The picture.
    mask : Path or None
        Its mask, where there is one.
    group, split : str
        Slide or patient, and part.
    cells : tuple of str
        What the table says of each class.
    """

    line: int
    image: Path
    mask: Path | None
    group: str
    split: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """What a table says.

    Attributes
    ----------
    path : Path
        The file.
    rows : tuple of Row
        Its rows.
    rules : SetDescription
        Classes, scale and values of masks.
    """

    path: Path
    rows: tuple[Row, ...]
    rules: SetDescription

    def labels(self, row: Row) -> list[int]:
        """Return the labels of a row, 0 or 1 for each class.

        Raises
        ------
        DataSetError
            If it holds something else, or there is no such file.
        """
        if any(cell not in ("0", "1") for cell in row.cells):
            raise DataSetError(
                f"{self.path}, line {row.line}: expected 0 or 1 for each of "
                f"{len(row.cells)} classes; got {', '.join(row.cells)}"
            )
        if not row.image.is_file():
            raise DataSetError(
                f"{self.path}, line {row.line}: there is no file {row.image}"
            )
        return [int(cell) for cell in row.cells]


def read_table(root: Path, rules: SetDescription | None) -> Table:
    """Read the table of a folder.

    Parameters
    ----------
    root : Path
        The folder.
    rules : SetDescription, optional
        What the set says of itself.

    Raises
    ------
    DataSetError
        If it cannot be read, or the description is of other classes.
    """
    columns, lines = _read(root / TABLE)
    names = [column for column in columns if column not in _OTHER]
    rules = rules or SetDescription(classes_named(names), None, len(names))
    if [info.name for info in rules.classes] != names:
        raise DataSetError(
            f"{root / TABLE} has the classes {', '.join(names)}, the description "
            f"beside it {', '.join(info.name for info in rules.classes)}"
        )
    rows = (_row(root, number, line, names) for number, line in enumerate(lines, 2))
    return Table(root / TABLE, tuple(rows), rules)


def _row(root: Path, number: int, line: dict[str, str], names: Sequence[str]) -> Row:
    image = root / line["name"]
    mask = root / MASKS / f"{image.stem}.png"
    return Row(
        number,
        image,
        mask if mask.is_file() else None,
        line.get("group") or image.stem,
        line.get("split") or "train",
        tuple((line[name] or "").strip() for name in names),
    )


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream)
            columns, rows = list(reader.fieldnames or ()), list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataSetError(f"{path} cannot be read ({error})") from error
    if columns[:1] != ["name"] or not set(columns) - set(_OTHER):
        raise DataSetError(
            f"{path} has the columns {', '.join(columns) or 'none'}; expected name, "
            f"then group and split if known, then a column for each class"
        )
    return columns, rows


def classes_named(names: Sequence[str]) -> ClassTable:
    """Return classes in the colours that they have elsewhere, others in their own."""
    rows = []
    for index, name in enumerate(names, 1):
        known = _known(name)
        rows.append(
            ClassInfo(index, name, known.colour, known.key, known.priority)
            if known
            else ClassInfo(index, name, _colour_of(name), "", index)
        )
    try:
        return ClassTable(rows)
    except ClassTableError:  # two classes of different tables have the same key
        return ClassTable([ClassInfo(r.index, r.name, r.colour) for r in rows])


def _known(name: str) -> ClassInfo | None:
    tables = (
        DEFAULT_CLASSES,
        LUAD_CLASSES,
        BCSS_CLASSES,
        RADBOUD_CLASSES,
        KAROLINSKA_CLASSES,
    )
    for table in tables:
        for info in table:
            if info.name.casefold() == name.casefold():
                return info
    return None


def _colour_of(name: str) -> tuple[int, int, int]:
    """Return a colour that depends on the name alone."""
    turn = 2 * np.pi * (zlib.crc32(name.casefold().encode()) % 360) / 360
    red, green, blue = np.rint(140 + 90 * np.cos(turn + np.array([0, 2.1, 4.2])))
    return int(red), int(green), int(blue)
