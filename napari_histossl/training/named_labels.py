"""Patches whose labels stand in their file names, as two published sets have it.

``train/*.png`` with labels in the names, ``val/{img,mask}`` and ``test/{img,mask}``
with palette masks of the same file name.

References
----------
* LUAD-HistoSeg and the patches of BCSS: Han et al. 2022,
  doi:10.1016/j.media.2022.102487. ``1031280-2300-27920-[1 0 0 1].png`` of the first,
  ``TCGA-..._MPP-0.2500+0[1101].png`` of the second; 224 px at 10 times, exclude 4.
* BCSS: Amgad et al. 2019, doi:10.1093/bioinformatics/btz083.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import BCSS_CLASSES, LUAD_CLASSES, ClassTable
from napari_histossl.errors import ClassTableError, DataSetError
from napari_histossl.training.patch_files import PatchFiles

DESCRIPTION = "data.json"
"""File in which a set says what it is."""

TRUE_MASKS = "train_masks"
"""Folder of true masks of train, where there is one; apart, as nobody may peek."""

_BRACKETS = re.compile(r"\[([01 ]*)\]")


@dataclass(frozen=True, slots=True)
class NamedLayout:
    """What file names and masks of a set mean.

    Attributes
    ----------
    classes : ClassTable
        In the order of the digits in the names, and of the values in the masks.
    group_ends : str
        The slide or patient is what stands before this in a name.
    mpp : float or None
        Micrometres per pixel.
    exclude_index : int
        Value of what is no class.
    """

    classes: ClassTable
    group_ends: str
    mpp: float | None
    exclude_index: int = 4


NAMED_LAYOUTS = {
    "luad": NamedLayout(LUAD_CLASSES, "-", 1.0),
    "bcss": NamedLayout(BCSS_CLASSES, "_", 1.0),
}
"""The published sets, both at 10 times, about 1 micrometre per pixel."""


def open_named(root: Path, split: str, layout: str | NamedLayout) -> PatchFiles:
    """Open one part of such a set.

    Parameters
    ----------
    root : Path
        The folder that holds train, val and test.
    split : {"train", "train_masks", "val", "test"}
        Which part.
    layout : str or NamedLayout
        A name of `NAMED_LAYOUTS`, or what else the set says of itself.

    Raises
    ------
    DataSetError
        If the part is empty, or a name of training has not one digit for each class.
    """
    rules = NAMED_LAYOUTS[layout] if isinstance(layout, str) else layout
    if split == TRUE_MASKS:
        return open_named(root, "train", rules).with_masks(root / TRUE_MASKS)
    folder = root / split / "img"
    if not folder.is_dir():
        folder = root / split
    images = tuple(sorted(folder.glob("*.png")))
    if not images:
        raise DataSetError(f"there are no PNG pictures in {folder}")
    masks = _masks(folder, images)
    return PatchFiles(
        rules.classes,
        images,
        tuple(path.name.split(rules.group_ends)[0] for path in images),
        masks,
        _labels_or_none(images, masks, len(rules.classes)),
        rules.mpp,
        rules.exclude_index,
    )


def _masks(folder: Path, images: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return a mask for each picture, or nothing where the names hold labels."""
    if folder.name != "img":
        return ()
    return tuple(folder.parent / "mask" / path.name for path in images)


def _labels_or_none(
    images: tuple[Path, ...], masks: tuple[Path, ...], n_classes: int
) -> NDArray[np.uint8] | None:
    """Return what the names say; None leaves it to the masks, where names say nothing.

    A drawn set names the labels of all its parts, and a class of a few pixels is none.
    """
    if masks and not all(_BRACKETS.search(path.name) for path in images):
        return None
    return read_labels(images, n_classes)


def read_labels(paths: tuple[Path, ...], n_classes: int) -> NDArray[np.uint8]:
    """Return the labels in file names, (N, n_classes) of 0 and 1.

    Raises
    ------
    DataSetError
        If a name has no labels, or not one for each class.
    """
    return np.array([_labels(path, n_classes) for path in paths], np.uint8)


def _labels(path: Path, n_classes: int) -> list[int]:
    found = _BRACKETS.search(path.name)
    if found is None:
        raise DataSetError(
            f"{path} has no labels in its name; expected {n_classes} digits in "
            f"brackets, such as [{'1' + '0' * (n_classes - 1)}]"
        )
    digits = found[1].replace(" ", "")
    if len(digits) != n_classes:
        raise DataSetError(
            f"{path} has {len(digits)} labels in its name; expected {n_classes}, one "
            f"for each class"
        )
    return [int(digit) for digit in digits]


def find_named(root: Path) -> NamedLayout:
    """Return what a folder with labels in file names is, from its own words or names.

    Raises
    ------
    DataSetError
        If nothing says so.
    """
    description = root / DESCRIPTION
    if description.is_file():
        return _described(description)
    for path in (root / "train").glob("*.png"):
        found = _BRACKETS.search(path.name)
        if found is not None:
            return NAMED_LAYOUTS["luad" if " " in found[1] else "bcss"]
    raise DataSetError(
        f"{root} has neither {DESCRIPTION} nor pictures train/*.png with labels such "
        f"as [1001] in their names; say which layout it has"
    )


def _described(path: Path) -> NamedLayout:
    try:
        facts: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return NamedLayout(
            ClassTable.from_json(facts["classes"]),
            "_",
            facts["mpp"],
            facts["exclude_index"],
        )
    except (OSError, ValueError, KeyError, TypeError, ClassTableError) as error:
        raise DataSetError(
            f"{path} does not say classes, mpp and exclude_index as JSON ({error})"
        ) from error
