"""Pictures with labels, in the layouts of published data sets.

References
----------
* NCT-CRC-HE-100K and CRC-VAL-HE-7K: Kather et al. 2019, doi:10.5281/zenodo.1214456: a
  folder for each of nine classes. Chen & Krishnan 2022, arXiv:2203.00585, count muscle
  (MUS) as stroma (STR), which leaves eight.
* BreastPathQ: Petrick et al. 2021, doi:10.1117/1.JMI.8.3.034501: ``train_labels.csv``
  with the columns slide, rid and y beside a folder ``train`` of files
  ``<slide>_<rid>.tif``; likewise ``val_labels.csv`` and ``validation``.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.phantom.patches import Patches
from napari_histossl.training.batches import Items
from napari_histossl.training.pictures import SUFFIXES, Pictures, read_picture

CRC_CLASSES = ("ADI", "BACK", "DEB", "LYM", "MUC", "MUS", "NORM", "STR", "TUM")
"""Folders of NCT-CRC-HE-100K."""

CRC_MERGE: Mapping[str, str] = {"MUS": "STR"}
"""What is counted as what, as published."""

_PARTS = {
    "train": ("train_labels.csv", "train"),
    "val": ("val_labels.csv", "validation"),
}
"""Table and folder of BreastPathQ's two parts."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Pictures, and what is known of them.

    Attributes
    ----------
    pictures : Items
        RGB, (N, H, W, 3) of dtype uint8.
    labels : ndarray of shape (N,) or None
        Class of each, an index of `classes`.
    classes : tuple of str
        Their names.
    numbers : ndarray of shape (N,) or None
        A number for each, such as the share of tumour cells.
    note : str
        What should be said of the labels, or an empty string.
    """

    pictures: Items
    labels: NDArray[np.intp] | None
    classes: tuple[str, ...] = ()
    numbers: NDArray[np.float64] | None = None
    note: str = ""


def read_labelled(
    folder: str | Path,
    *,
    part: Literal["train", "val"] = "train",
    patch_px: int | None = None,
    merge: Mapping[str, str] | None = None,
) -> Labelled:
    """Read a data set.

    Parameters
    ----------
    folder : str or Path
        With a folder for each class, or with the tables of BreastPathQ.
    part : {"train", "val"}
        Which part of BreastPathQ; a folder of classes is one part.
    patch_px : int, optional
        Edge of the square that is taken from the middle of each picture; by default
        the shorter side of the first one.
    merge : mapping of str to str, optional
        Classes that are counted as others. By default, for a folder with the nine
        classes of NCT-CRC-HE-100K, MUS as STR as published; give an empty mapping to
        keep all nine.

    Raises
    ------
    PlanError
        If it is neither, or a class to be merged is not there.
    """
    root = Path(folder)
    if not root.is_dir():
        raise PlanError(f"there is no folder {root} with labelled pictures")
    if (root / _PARTS[part][0]).is_file():
        return _read_scores(root, part, patch_px)
    return _read_classes(root, patch_px, merge)


def from_drawing(patches: Patches, names: tuple[str, ...]) -> Labelled:
    """Return drawn patches with their class and the share of nuclei.

    Parameters
    ----------
    patches : Patches
        Drawn tissue.
    names : tuple of str
        Names of the classes, sorted by their index.
    """
    _, coded = np.unique(patches.labels, return_inverse=True)
    return Labelled(
        patches.images, coded, names, patches.nuclei.mean((1, 2)).astype(np.float64)
    )


def _read_classes(
    root: Path, patch_px: int | None, merge: Mapping[str, str] | None
) -> Labelled:
    folders = sorted(p for p in root.iterdir() if p.is_dir())
    by_class = {folder.name: _pictures_in(folder) for folder in folders}
    by_class = {name: paths for name, paths in by_class.items() if paths}
    if len(by_class) < 2:
        raise PlanError(
            f"{root} holds neither two folders of pictures, one for each class, nor "
            f"{_PARTS['train'][0]} as BreastPathQ does; give the folder above the "
            f"classes"
        )
    note = ""
    if merge is None:
        published = tuple(by_class) == CRC_CLASSES
        merge = CRC_MERGE if published else {}
        note = "MUS counts as STR, as published" if published else ""
    unknown = sorted(set(merge) - set(by_class))
    if unknown:
        raise PlanError(
            f"{root} has no class {unknown[0]!r} to merge; it has {', '.join(by_class)}"
        )
    called = {name: merge.get(name, name) for name in by_class}
    classes = tuple(sorted(set(called.values())))
    paths = [path for each in by_class.values() for path in each]
    labels = [
        classes.index(called[name]) for name, each in by_class.items() for _ in each
    ]
    pictures = Pictures(paths, patch_px or _shorter_side(paths[0]))
    return Labelled(pictures, np.array(labels, np.intp), classes, note=note)


def _read_scores(root: Path, part: str, patch_px: int | None) -> Labelled:
    table, folder = _PARTS[part]
    paths, numbers = [], []
    with (root / table).open(newline="", encoding="utf-8-sig") as stream:
        for line, row in enumerate(csv.DictReader(stream), 2):
            path, number = _scored(root / folder, row, f"{root / table}, line {line}")
            paths.append(path)
            numbers.append(number)
    if not paths:
        raise PlanError(f"{root / table} has no rows")
    pictures = Pictures(paths, patch_px or _shorter_side(paths[0]))
    return Labelled(pictures, None, numbers=np.array(numbers, np.float64))


def _scored(folder: Path, row: Mapping[str, Any], where: str) -> tuple[Path, float]:
    """Return the file of a row and the mean of its readings."""
    try:
        path = folder / f"{row['slide']}_{row['rid']}.tif"
        readings = [float(v) for k, v in row.items() if k not in ("slide", "rid") and v]
        number = float(np.mean(readings)) if readings else float("nan")
    except (KeyError, TypeError, ValueError) as error:
        raise PlanError(
            f"{where}: expected the columns slide, rid and y, with numbers; got "
            f"{dict(row)}"
        ) from error
    if not np.isfinite(number) or not path.is_file():
        raise PlanError(
            f"{where}: there is no score, or no file {path}; take the row out or copy "
            f"the data again"
        )
    return path, number


def _pictures_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)


def _shorter_side(path: Path) -> int:
    height, width = read_picture(path).shape[:2]
    return int(min(height, width))
