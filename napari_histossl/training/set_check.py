"""What is wrong with a set of patches, file by file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.errors import DataSetError
from napari_histossl.jobs import Progress
from napari_histossl.training.patch_sets import SLIDE_LAYOUTS, slides_of
from napari_histossl.training.set_check_files import (
    FoundPatch,
    check_patch,
    find_patches,
    rules_of,
)
from napari_histossl.training.set_check_slides import check_slide
from napari_histossl.training.set_layouts import find_layout

PARTS = ("train", "val", "test")
"""Parts that a set may have."""

_READERS = 4


@dataclass(slots=True)
class Findings:
    """What was found.

    Attributes
    ----------
    problems : list of str
        A sentence for each thing that is wrong.
    notes : list of str
        What is unusual and may be meant.
    counts : dict of str to int
        Patches or slides of each part.
    held : dict of str to ndarray
        How many of each part show each class.
    """

    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    held: dict[str, NDArray[np.int64]] = field(default_factory=dict)


def check_set(root: str | Path, layout: str, into: Findings) -> Iterator[Progress]:
    """Look at every file of a set.

    Parameters
    ----------
    root : str or Path
        Its folder.
    layout : str
        How it lies on disk, see `patch_sets.Layout`.
    into : Findings
        Receives what is found.

    Yields
    ------
    Progress
        After each file.

    Raises
    ------
    DataSetError
        If the folder is no set of patches, so that nothing can be looked at.
    """
    root = Path(root)
    if not root.is_dir():
        raise DataSetError(f"there is no folder {root} with patches")
    layout = find_layout(root) if layout == "auto" else layout
    if layout in SLIDE_LAYOUTS:
        yield from _check_slides(root, layout, into)
        return
    rules = rules_of(root, layout)
    parts = {part: find_patches(root, layout, part, rules) for part in PARTS}
    parts = {part: found for part, found in parts.items() if found}
    if not parts:
        into.problems.append(f"{root} holds no picture in {', '.join(PARTS)}")
    total, done = sum(map(len, parts.values())), 0
    for part, found in parts.items():
        for progress in _check_part(part, found, into):
            yield Progress(done + progress.done, total, message=part)
        done += len(found)
        _note_missing(part, rules.classes, into)
    _note_shared(parts, into)


def _check_slides(root: Path, layout: str, into: Findings) -> Iterator[Progress]:
    found = slides_of(root, layout)
    for done, one in enumerate(found.slides, 1):
        held = check_slide(one, found, into.problems)
        into.counts[one.split] = into.counts.get(one.split, 0) + 1
        into.held[one.split] = held + into.held.get(one.split, 0)
        yield Progress(done, len(found.slides), message=one.group)
    for part in into.counts:
        _note_missing(part, found.classes, into)


def _check_part(
    part: str, patches: list[FoundPatch], into: Findings
) -> Iterator[Progress]:
    shapes: Counter[tuple[int, ...]] = Counter()
    held_by_all: list[NDArray[np.uint8]] = []
    with ThreadPoolExecutor(_READERS) as pool:
        for done, (problems, held, shape) in enumerate(
            pool.map(check_patch, patches), 1
        ):
            into.problems += problems
            held_by_all.append(held)
            shapes.update([shape] if shape else [])
            yield Progress(done, len(patches))
    into.counts[part] = len(patches)
    into.held[part] = np.sum(held_by_all, axis=0, dtype=np.int64)
    sizes = [f"{n} of {y} x {x} px" for (y, x), n in shapes.items()]
    if len(sizes) > 1:
        into.problems.append(
            f"the pictures of {part} differ in size ({', '.join(sizes)}); patches that "
            f"are learned from together must have one size"
        )


def _note_missing(part: str, classes: ClassTable, into: Findings) -> None:
    for info, count in zip(classes, into.held[part].tolist(), strict=True):
        if not count:
            into.problems.append(
                f"nothing in {part} shows {info.name}; a class that is missing can "
                f"neither be learned nor judged"
            )


def _note_shared(parts: dict[str, list[FoundPatch]], into: Findings) -> None:
    groups = {part: {p.files.groups[0] for p in found} for part, found in parts.items()}
    for one, other in combinations(groups, 2):
        shared = groups[one] & groups[other]
        if shared:
            into.notes.append(
                f"{one} and {other} share slides or patients, {len(shared)} of them, "
                f"such as {min(shared)}: what is judged on them is flattered"
            )
