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

_Row = dict[str, str]


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
    columns, rows = _read(root / TABLE)
    names = [column for column in columns if column not in _OTHER]
    rules = rules or SetDescription(classes_named(names), None, len(names))
    if [info.name for info in rules.classes] != names:
        raise DataSetError(
            f"{root / TABLE} has the classes {', '.join(names)}, the description "
            f"beside it {', '.join(info.name for info in rules.classes)}"
        )
    lines = [
        (number, row)
        for number, row in enumerate(rows, 2)
        if (row.get("split") or "train") == split
    ]
    if not lines:
        raise DataSetError(
            f"{root / TABLE} has no row of {split}; see its column split"
        )
    labels = [_labels(root, number, row, names) for number, row in lines]
    images = tuple(root / row["name"] for _, row in lines)
    return PatchFiles(
        rules.classes,
        images,
        tuple(row.get("group") or Path(row["name"]).stem for _, row in lines),
        _masks(root, images),
        np.array(labels, np.uint8),
        rules.mpp,
        rules.exclude_index,
        rules.values,
    )


def _read(path: Path) -> tuple[list[str], list[_Row]]:
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


def _labels(root: Path, number: int, row: _Row, names: Sequence[str]) -> list[int]:
    found = [(row[name] or "").strip() for name in names]
    if any(value not in ("0", "1") for value in found):
        raise DataSetError(
            f"{root / TABLE}, line {number}: expected 0 or 1 for each of "
            f"{len(names)} classes; got {', '.join(found)}"
        )
    if not (root / row["name"]).is_file():
        raise DataSetError(
            f"{root / TABLE}, line {number}: there is no file {root / row['name']}"
        )
    return [int(value) for value in found]


def _masks(root: Path, images: Sequence[Path]) -> tuple[Path | None, ...]:
    paths = (root / MASKS / f"{path.stem}.png" for path in images)
    masks = tuple(path if path.is_file() else None for path in paths)
    return masks if any(masks) else ()


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
