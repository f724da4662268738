"""One patch after another as it lies on disk, with what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import DataSetError, HistoSSLError
from napari_histossl.training import folder_sets, named_labels, table_sets
from napari_histossl.training.patch_files import PatchFiles
from napari_histossl.training.set_description import SetDescription, read_description


@dataclass(frozen=True, slots=True)
class FoundPatch:
    """One patch as it lies there.

    Attributes
    ----------
    files : PatchFiles
        A set of this patch alone.
    problem : str
        Why its labels cannot be read, or an empty string.
    """

    files: PatchFiles
    problem: str = ""


def rules_of(root: Path, layout: str) -> SetDescription:
    """Return what labels and masks of a set of files mean.

    Parameters
    ----------
    root : Path
        Its folder.
    layout : {"luad", "bcss", "drawn", "folders", "table"}
        How it lies on disk.

    Raises
    ------
    DataSetError
        If nothing says so.
    """
    own = read_description(root)
    if layout in named_labels.PUBLISHED:
        return named_labels.PUBLISHED[layout]
    if layout == "table":
        return table_sets.read_table(root, own).rules
    if own is None and layout == "drawn":
        raise DataSetError(f"{root} does not say what its labels mean")
    return own or folder_sets.STRETCHED


def find_patches(
    root: Path, layout: str, part: str, rules: SetDescription
) -> list[FoundPatch]:
    """Return the patches of a part; none where there is no such part.

    Parameters
    ----------
    root : Path
        Folder of the set.
    layout : {"luad", "bcss", "drawn", "folders", "table"}
        How it lies on disk.
    part : {"train", "val", "test"}
        Which part.
    rules : SetDescription
        From `rules_of`.
    """
    if layout == "table":
        return list(_table_patches(root, part, rules))
    find = folder_sets.find_files if layout == "folders" else named_labels.find_files
    images, masks = find(root, part)
    return [
        _file_patch(image, masks[number] if masks else None, layout, rules)
        for number, image in enumerate(images)
    ]


def _file_patch(
    image: Path, mask: Path | None, layout: str, rules: SetDescription
) -> FoundPatch:
    labels, problem = None, ""
    if layout != "folders" and (mask is None or named_labels.has_labels(image)):
        try:
            labels = named_labels.read_labels((image,), len(rules.classes))
        except DataSetError as error:
            problem = str(error)
    group = named_labels.group_of(image)
    return FoundPatch(_single(image, group, mask, labels, rules), problem)


def _table_patches(
    root: Path, part: str, rules: SetDescription
) -> Iterator[FoundPatch]:
    table = table_sets.read_table(root, rules)
    for row in table.rows:
        if row.split != part:
            continue
        labels, problem = None, ""
        try:
            labels = np.array([table.labels(row)], np.uint8)
        except DataSetError as error:
            problem = str(error)
        yield FoundPatch(
            _single(row.image, row.group, row.mask, labels, rules), problem
        )


def _single(
    image: Path,
    group: str,
    mask: Path | None,
    labels: NDArray[np.uint8] | None,
    rules: SetDescription,
) -> PatchFiles:
    masks = () if mask is None else (mask,)
    told = rules.mpp, rules.exclude_index, rules.values
    return PatchFiles(rules.classes, (image,), (group,), masks, labels, *told)


def check_patch(
    patch: FoundPatch,
) -> tuple[list[str], NDArray[np.uint8], tuple[int, ...]]:
    """Look at one patch.

    Returns
    -------
    problems : list of str
        What is wrong with it.
    held : ndarray of shape (n,) and dtype uint8
        Which classes it shows, by its labels or else its mask.
    shape : tuple of int
        Height and width of the picture; empty where it cannot be read.
    """
    problems = [patch.problem] if patch.problem else []
    held = np.zeros(len(patch.files.classes), np.uint8)
    shape: tuple[int, ...] = ()
    if patch.problem and not patch.files.images[0].is_file():
        return problems, held, shape
    try:
        shape = patch.files.image(0).shape[:2]
        mask = patch.files.mask(0)
        if mask is not None and (mask == patch.files.exclude_index).all():
            problems.append(
                f"{patch.files.masks[0]} is excluded as a whole; there is nothing to "
                f"learn from and nothing to judge"
            )
        if not patch.problem:
            held = patch.files.labels[0]
    except HistoSSLError as error:
        problems.append(str(error))
    if not problems and mask is None and not held.any():
        problems.append(f"{patch.files.images[0]} is labelled with no class at all")
    return problems, held, shape
