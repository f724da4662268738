"""Masks in files, in pairs: what was predicted and what is true."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from napari_histossl.classes import UNLABELLED, ClassTable
from napari_histossl.errors import DataSetError
from napari_histossl.geometry import Box
from napari_histossl.metrics.confusion import Readable
from napari_histossl.slide.labels import RedLabels
from napari_histossl.slide.panda import PROVIDERS, find_case
from napari_histossl.store.masks import read_mask_png
from napari_histossl.training.named_labels import PUBLISHED, guess_published
from napari_histossl.training.patch_sets import PatchSet
from napari_histossl.training.set_description import SetDescription, read_description
from napari_histossl.training.table_sets import classes_named

KINDS = (".png", ".npy", ".tif", ".tiff")
"""Files that hold a mask: palette or grey PNG, an array, or labels in red."""


@dataclass(frozen=True, slots=True)
class MaskPair:
    """Two masks of the same pixels.

    Attributes
    ----------
    name : str
        What the file of the prediction is called.
    prediction, truth : callable
        Return the mask, opened then.
    """

    name: str
    prediction: Callable[[], Readable]
    truth: Callable[[], Readable]


@dataclass(frozen=True, slots=True)
class MaskPairs:
    """Pairs of masks with the same classes.

    Attributes
    ----------
    pairs : tuple of MaskPair
        In the order of their names.
    classes : ClassTable
        The n classes.
    first : int
        Value of the first one in the files.
    exclude_index : int
        Value of what is no class.
    """

    pairs: tuple[MaskPair, ...]
    classes: ClassTable
    first: int
    exclude_index: int


def pairs_of_set(predictions: Path, patches: PatchSet) -> MaskPairs:
    """Return masks of a folder beside the true masks of a set.

    Parameters
    ----------
    predictions : Path
        Folder with a PNG of the name of each patch, classes from 0.
    patches : PatchSet
        Tells what is true.

    Raises
    ------
    DataSetError
        If a patch has no prediction.
    """
    paths = [predictions / f"{Path(name).stem}.png" for name in patches.names]
    _refuse_missing(predictions, paths)
    pairs = (
        MaskPair(path.name, _opener(path), _true_mask(patches, index))
        for index, path in enumerate(paths)
    )
    return MaskPairs(tuple(pairs), patches.classes, 0, patches.exclude_index)


def pairs_of_files(
    predictions: Path, truth: Path, names: Sequence[str] = ()
) -> MaskPairs:
    """Return two masks, or those of two folders that have the same names.

    Parameters
    ----------
    predictions, truth : Path
        Two files or two folders of `KINDS`.
    names : sequence of str, optional
        Names of the classes, whose values count from 0; the next value is no class. By
        default what the data set around the truth says, or PANDA's table.

    Raises
    ------
    DataSetError
        If a true mask has no prediction, or nothing says what the values mean.
    """
    if truth.is_dir():
        true = sorted(p for p in truth.iterdir() if p.suffix.lower() in KINDS)
        own = [predictions / path.name for path in true]
    else:
        true, own = [truth], [predictions]
    if not true or not all(path.is_file() for path in true):
        raise DataSetError(f"{truth} holds no mask; expected {', '.join(KINDS)}")
    _refuse_missing(predictions, own)
    pairs = tuple(
        MaskPair(path.name, _opener(path), _opener(other))
        for path, other in zip(own, true, strict=True)
    )
    if names:
        return MaskPairs(pairs, classes_named(names), 0, len(names))
    case = find_case(true[0]) if true[0].suffix.lower() in (".tif", ".tiff") else None
    if case is not None and case.classes is not None:
        return MaskPairs(pairs, PROVIDERS[case.provider], 1, UNLABELLED)
    rules = _rules_around(truth)
    return MaskPairs(pairs, rules.classes, 0, rules.exclude_index)


def _rules_around(truth: Path) -> SetDescription:
    """Return what the set says in which a mask, or a folder of masks, lies."""
    for folder in (truth, *truth.resolve().parents[:3]):
        own = read_description(folder) if folder.is_dir() else None
        if own is not None:
            return own
        published = guess_published(folder)
        if published is not None:
            return PUBLISHED[published]
    raise DataSetError(
        f"nothing beside {truth} says what the values of its masks mean; give the "
        f"names of the classes in their order, the first for the value 0"
    )


def _refuse_missing(folder: Path, paths: Sequence[Path]) -> None:
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise DataSetError(
            f"{len(missing)} of {len(paths)} masks have no prediction in {folder}; the "
            f"first that is missing is {missing[0].name}"
        )


def _true_mask(patches: PatchSet, index: int) -> Callable[[], Readable]:
    def read() -> Readable:
        mask = patches.mask(index)
        if mask is None:
            raise DataSetError(
                f"{patches.names[index]} has no true mask; judge on val or test"
            )
        return mask

    return read


def _opener(path: Path) -> Callable[[], Readable]:
    return lambda: open_mask(path)


def open_mask(path: Path) -> Readable:
    """Open a mask in a file.

    Parameters
    ----------
    path : Path
        Of one of `KINDS`; an array is mapped, not read.

    Returns
    -------
    array of shape (H, W) and dtype uint8
        Anything that gives whole rows.

    Raises
    ------
    StoreError, SlideOpenError, DataSetError
        If it cannot be read as one.
    """
    kind = path.suffix.lower()
    if kind == ".png":
        return read_mask_png(path)
    if kind != ".npy":
        return RedRows(path)
    try:
        return cast(Readable, np.load(path, mmap_mode="r"))
    except (OSError, ValueError, EOFError) as error:
        raise DataSetError(f"{path} is damaged or no array ({error})") from error


class RedRows:
    """Labels in the red channel of a file, as an array of which rows are taken.

    Parameters
    ----------
    path : Path
        The file.

    Attributes
    ----------
    shape : tuple of int
        Height and width of the finest level.
    """

    def __init__(self, path: Path) -> None:
        self._labels = RedLabels(path)
        self.shape: tuple[int, ...] = self._labels.levels[0].shape

    def __getitem__(self, key: Any) -> Any:
        """Return whole rows, (rows, W) of dtype uint8."""
        first, last, _ = key.indices(self.shape[0])
        return self._labels.read(Box(first, 0, last - first, self.shape[1]), 0)
