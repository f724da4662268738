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

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import BCSS_CLASSES, LUAD_CLASSES
from napari_histossl.errors import DataSetError
from napari_histossl.training.patch_files import PatchFiles
from napari_histossl.training.set_description import SetDescription

TRUE_MASKS = "train_masks"
"""Folder of true masks of train, where there is one; apart, as nobody may peek."""

_BRACKETS = re.compile(r"\[([01 ]*)\]")

PUBLISHED = {
    "luad": SetDescription(LUAD_CLASSES, 1.0, 4),
    "bcss": SetDescription(BCSS_CLASSES, 1.0, 4),
}
"""The published sets, both at 10 times, about 1 micrometre per pixel."""

_WITH_PLACE = re.compile(r"(.+)-\d+-\d+-?")
"""Slide or patient and the place in it, as LUAD-HistoSeg writes them."""


def open_named(root: Path, split: str, rules: SetDescription) -> PatchFiles:
    """Open one part of such a set.

    Parameters
    ----------
    root : Path
        The folder that holds train, val and test.
    split : {"train", "train_masks", "val", "test"}
        Which part.
    rules : SetDescription
        One of `PUBLISHED`, or what the set says of itself.

    Raises
    ------
    DataSetError
        If the part is empty, or a name of training has not one digit for each class.
    """
    if split == TRUE_MASKS:
        return open_named(root, "train", rules).with_masks(root / TRUE_MASKS)
    images, masks = find_files(root, split)
    if not images:
        raise DataSetError(f"there are no PNG pictures in {root / split}")
    return PatchFiles(
        rules.classes,
        images,
        tuple(group_of(path) for path in images),
        masks,
        _labels_or_none(images, masks, len(rules.classes)),
        rules.mpp,
        rules.exclude_index,
    )


def find_files(root: Path, split: str) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return the pictures of a part, and a mask for each, which may be missing.

    Parameters
    ----------
    root : Path
        The folder that holds train, val and test.
    split : {"train", "val", "test"}
        Which part.

    Returns
    -------
    images : tuple of Path
        Sorted by name.
    masks : tuple of Path
        Empty where the names of the pictures hold the labels.
    """
    folder = root / split
    if not (folder / "img").is_dir():
        return tuple(sorted(folder.glob("*.png"))), ()
    images = tuple(sorted((folder / "img").glob("*.png")))
    return images, tuple(folder / "mask" / path.name for path in images)


def _labels_or_none(
    images: tuple[Path, ...], masks: tuple[Path, ...], n_classes: int
) -> NDArray[np.uint8] | None:
    """Return what the names say; None leaves it to the masks, where names say nothing.

    A drawn set names the labels of all its parts, and a class of a few pixels is none.
    """
    if masks and not all(has_labels(path) for path in images):
        return None
    return read_labels(images, n_classes)


def has_labels(path: Path) -> bool:
    """Tell whether a file name holds labels, right or wrong."""
    return _BRACKETS.search(path.name) is not None


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


def guess_published(root: Path) -> str | None:
    """Return the published set whose names the pictures of train have, or None."""
    for path in (root / "train").glob("*.png"):
        found = _BRACKETS.search(path.name)
        if found is not None:
            return "luad" if " " in found[1] else "bcss"
    return None


def group_of(path: Path) -> str:
    """Return the slide or patient of a patch: what stands before its place."""
    name = path.stem.partition("[")[0]
    placed = _WITH_PLACE.fullmatch(name)
    return placed[1] if placed else name.split("_")[0]
