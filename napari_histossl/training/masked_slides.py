"""Slides with masks of the same tissue: PANDA's, and those that were made here.

Neither has published parts. Where a table or folders do not say which part a slide is
in, its name decides, always in the same way: 70 % train, 15 % val, 15 % test.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import UNLABELLED, ClassInfo, ClassTable
from napari_histossl.errors import DataSetError
from napari_histossl.slide import FileSource
from napari_histossl.slide.labels import RedLabels
from napari_histossl.slide.panda import PROVIDERS, PandaCase, read_cases
from napari_histossl.store import Pyramid
from napari_histossl.store.paths import list_masks, results_folder

GLASS = "glass"
"""Class of masks made here that is left out, as it is of published sets."""

MASK_NAME = "mask"
"""The mask that is taken where a slide has several."""


@dataclass(frozen=True, slots=True)
class RedMask:
    """A mask in the red channel of a file; opened by `open`."""

    path: Path

    def open(self) -> RedLabels:
        """Open it."""
        return RedLabels(self.path)


@dataclass(frozen=True, slots=True)
class StoredMask:
    """A mask made here, an OME-Zarr; opened by `open`."""

    path: Path

    def open(self) -> Pyramid:
        """Open it to read."""
        return Pyramid.open(self.path)


@dataclass(frozen=True, slots=True)
class MaskedSlide:
    """A slide and its mask.

    Attributes
    ----------
    source : FileSource
        The slide.
    mask : RedMask, StoredMask or None
        The mask, if there is one.
    group : str
        What people call the slide.
    split : str
        The part that it is in.
    """

    source: FileSource
    mask: RedMask | StoredMask | None
    group: str
    split: str


@dataclass(frozen=True, slots=True, eq=False)
class SlideSet:
    """Slides of the same classes.

    Attributes
    ----------
    slides : tuple of MaskedSlide
        The slides.
    classes : ClassTable
        The classes, 1 to n without a gap.
    values : dict of int to int
        What a value of the masks means, a class from 0; other values are no class.
    known : frozenset of int
        All values that may occur.
    """

    slides: tuple[MaskedSlide, ...]
    classes: ClassTable
    values: dict[int, int]
    known: frozenset[int]

    def table(self) -> NDArray[np.uint8]:
        """Return the class from 0 of each of 256 values, n for those that are none."""
        table = np.full(256, len(self.classes), np.uint8)
        for value, meaning in self.values.items():
            table[value] = meaning
        return table


def panda_slides(root: Path, provider: str | None = None) -> SlideSet:
    """Return the slides of PANDA from one hospital.

    Parameters
    ----------
    root : Path
        The folder that holds train.csv.
    provider : {"radboud", "karolinska"}, optional
        Which hospital; not needed where there is one only.

    Raises
    ------
    DataSetError
        If masks of several hospitals would be mixed, or there are none.
    """
    cases = read_cases(root)
    found = sorted({case.provider for case in cases})
    if provider is None and len(found) == 1:
        provider = found[0]
    if provider is None:
        raise DataSetError(
            f"{root} holds slides of {' and '.join(found) or 'nobody'}, whose masks "
            f"mean different things; take one: layout "
            f"{' or '.join(repr(one) for one in PROVIDERS)}"
        )
    own = [case for case in cases if case.provider == provider]
    if provider not in PROVIDERS or not own:
        raise DataSetError(
            f"{root} holds no slide of {provider!r} whose values are known; it has "
            f"{', '.join(found) or 'none'}, known are {', '.join(PROVIDERS)}"
        )
    classes = PROVIDERS[provider]
    return SlideSet(
        tuple(_panda_slide(case) for case in own),
        classes,
        {info.index: info.index - 1 for info in classes},
        frozenset({UNLABELLED, *(info.index for info in classes)}),
    )


def _panda_slide(case: PandaCase) -> MaskedSlide:
    return MaskedSlide(
        FileSource(case.image),
        RedMask(case.mask) if case.mask else None,
        case.image_id,
        case.split or part_of(case.image_id),
    )


def has_masks(root: Path) -> bool:
    """Tell whether a folder holds slides with masks made here."""
    return any(list_masks(folder) for folder in _results(root))


def own_slides(root: Path) -> SlideSet:
    """Return the slides of a folder that have masks made here.

    Parameters
    ----------
    root : Path
        The folder; slides may lie in folders train, val and test within.

    Raises
    ------
    DataSetError
        If there are none, their classes differ, or a mask holds no bytes.
    StoreError
        If a mask cannot be opened.
    """
    slides, tables = [], {}
    for folder in _results(root):
        masks = list_masks(folder)
        if not masks:
            continue
        path = folder.with_name(folder.name.removesuffix(".histossl"))
        mask = _chosen(folder, masks)
        with Pyramid.open(mask) as pyramid:
            _refuse_wide(pyramid)
            tables[path] = pyramid.classes
        split = path.parent.name if path.parent != root else part_of(path.name)
        slides.append(MaskedSlide(FileSource(path), StoredMask(mask), path.stem, split))
    if not slides:
        raise DataSetError(
            f"no slide in {root} has a mask made here; make one on the Correct page, "
            f"or: napari-histossl mask new SLIDE"
        )
    classes = _common(root, tables)
    known = frozenset({UNLABELLED, *(info.index for info in classes)})
    return SlideSet(tuple(slides), *_without_glass(classes), known)


def _results(root: Path) -> list[Path]:
    folders = [root, *(root / part for part in ("train", "val", "test"))]
    found = [path for folder in folders for path in sorted(folder.glob("*.histossl"))]
    return [folder for folder in found if _slide_of(folder).is_file()]


def _slide_of(folder: Path) -> Path:
    path = folder.with_name(folder.name.removesuffix(".histossl"))
    assert results_folder(path) == folder
    return path


def _chosen(folder: Path, masks: Sequence[Path]) -> Path:
    named = [path for path in masks if path.name == f"{MASK_NAME}.ome.zarr"]
    if named or len(masks) == 1:
        return (named or list(masks))[0]
    raise DataSetError(
        f"{folder} holds {len(masks)} masks, none of them named {MASK_NAME!r}; rename "
        f"the one to learn from"
    )


def _refuse_wide(mask: Pyramid) -> None:
    if mask.arrays[0].dtype != np.uint8:
        raise DataSetError(
            f"{mask.path} holds labels of {mask.arrays[0].dtype}; patches are learned "
            f"from masks of bytes: make the mask with uint8"
        )


def _common(root: Path, tables: dict[Path, ClassTable | None]) -> ClassTable:
    different = set(tables.values())
    classes = different.pop()
    if different or classes is None:
        raise DataSetError(
            f"the masks of the slides in {root} have different classes; learn from "
            f"those that have the same"
        )
    return classes


def _without_glass(classes: ClassTable) -> tuple[ClassTable, dict[int, int]]:
    """Return classes numbered anew, and the value from 0 of each old index."""
    kept = [info for info in classes if info.name.casefold() != GLASS]
    table = ClassTable(
        [
            ClassInfo(number, info.name, info.colour, info.key, info.priority)
            for number, info in enumerate(kept, 1)
        ]
    )
    return table, {info.index: number for number, info in enumerate(kept)}


def part_of(name: str) -> str:
    """Return the part of a set that a name falls into."""
    share = zlib.crc32(name.encode()) % 100
    return "train" if share < 70 else "val" if share < 85 else "test"
