"""A folder of slides to go through, by name or, for blinded review, without names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_histossl.errors import SlideOpenError
from napari_histossl.slide import open_slide

_SLIDES = frozenset(
    {".svs", ".ndpi", ".scn", ".mrxs", ".vms", ".vmu", ".bif", ".svslide", ".dcm"}
)
_PICTURES = frozenset({".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp"})

_HAMAMATSU = frozenset({".vms", ".vmu"})
"""Slides that are an index beside JPEG files, which are no slides of their own."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a worklist.

    Attributes
    ----------
    path : Path
        The file.
    problem : str or None
        Why it cannot be opened, as far as is known.
    series : str or None
        What files of one slide have in common (DICOM).
    """

    path: Path
    problem: str | None = None
    series: str | None = None


@dataclass(frozen=True, slots=True)
class Worklist:
    """Slides in the order in which they are looked at.

    Attributes
    ----------
    entries : tuple of Entry
        All files, those that cannot be opened too.
    position : int or None
        Index of the one that is open.
    is_masked : bool
        Whether names are hidden.
    """

    entries: tuple[Entry, ...]
    position: int | None = None
    is_masked: bool = False

    def name(self, index: int) -> str:
        """Return what people may call an entry: its file, or its place if masked."""
        if self.is_masked:
            return f"Slide {index + 1}"
        return self.entries[index].path.name

    def alias(self, index: int) -> str | None:
        """Return the name to show in place of the file's, None where that is shown."""
        return self.name(index) if self.is_masked else None

    def problem(self, index: int) -> str | None:
        """Return why an entry cannot be opened; names in it are masked as well."""
        problem = self.entries[index].problem
        if problem is None or not self.is_masked:
            return problem
        hidden = {entry.path.name: self.name(i) for i, entry in enumerate(self.entries)}
        for folder in {entry.path.parent for entry in self.entries}:
            problem = problem.replace(f"{folder}/", "")
        for name in sorted(hidden, key=len, reverse=True):  # a.svs ends ba.svs
            problem = problem.replace(name, hidden[name])
        return problem

    def after(self, step: int) -> int | None:
        """Return the next entry that can be opened, or None at the end of the list.

        Parameters
        ----------
        step : int
            1 for the next, -1 for the one before.
        """
        if self.position is None:
            index = 0 if step > 0 else -1
        else:
            index = self.position + step
        while 0 <= index < len(self.entries):
            if self.entries[index].problem is None:
                return index
            index += step
        return None

    def at(self, index: int | None) -> Worklist:
        """Return the list with another entry open."""
        return replace(self, position=index)

    def checked(
        self, path: Path, problem: str | None, series: str | None = None
    ) -> Worklist:
        """Return the list with what was found out about one file.

        A further file of a series that is in the list is not a slide of its own.
        """
        entries = list(self.entries)
        index = [entry.path for entry in entries].index(path)
        if series is not None and problem is None:
            for other in entries:
                is_slide = other.problem is None and other.path != path
                if is_slide and other.series == series:
                    problem = f"{path.name} is another file of {other.path.name}"
        entries[index] = Entry(path, problem, series)
        return replace(self, entries=tuple(entries))

    def masked(self, seed: int) -> Worklist:
        """Return the list without names, shuffled so that the order tells nothing.

        Parameters
        ----------
        seed : int
            The same seed gives the same order.
        """
        order = np.random.default_rng(seed).permutation(len(self.entries))
        return self._ordered([int(index) for index in order], is_masked=True)

    def unmasked(self) -> Worklist:
        """Return the list with names, in the order of the files."""
        names = [_sort_key(entry.path) for entry in self.entries]
        order = sorted(range(len(names)), key=names.__getitem__)
        return self._ordered(order, is_masked=False)

    def _ordered(self, order: Sequence[int], *, is_masked: bool) -> Worklist:
        position = None if self.position is None else order.index(self.position)
        entries = tuple(self.entries[index] for index in order)
        return Worklist(entries, position, is_masked)


def open_worklist(folder: Path) -> Worklist:
    """Return the slides of a folder; nothing is opened yet.

    Parameters
    ----------
    folder : Path
        Its subfolders are not looked into.

    Raises
    ------
    SlideOpenError
        If there is no such folder, or no file in it that could be a slide.
    """
    try:
        found = [path for path in folder.iterdir() if _may_be_slide(path)]
    except OSError as error:
        raise SlideOpenError(
            f"{folder} cannot be listed ({error.strerror}); choose a folder of slides"
        ) from error
    if any(path.suffix.lower() in _HAMAMATSU for path in found):
        found = [path for path in found if path.suffix.lower() != ".jpg"]
    if not found:
        raise SlideOpenError(
            f"{folder} has no slides in it; expected files that end in "
            f"{', '.join(sorted(_SLIDES | _PICTURES))}"
        )
    return Worklist(tuple(Entry(path) for path in sorted(found, key=_sort_key)))


def check(path: Path) -> tuple[str | None, str | None]:
    """Try to open a slide.

    Parameters
    ----------
    path : Path
        A file of a worklist.

    Returns
    -------
    problem : str or None
        Why it cannot be opened, in a sentence.
    series : str or None
        The series that a DICOM file belongs to.
    """
    try:
        with open_slide(path) as slide:
            return None, slide.properties.get("dicom.SeriesInstanceUID")
    except SlideOpenError as error:
        return str(error), None


def _may_be_slide(path: Path) -> bool:
    if path.name.startswith(".") or not path.is_file():
        return False
    return path.suffix.lower() in _SLIDES | _PICTURES


def _sort_key(path: Path) -> tuple[tuple[bool, int, str], ...]:
    """Sort by name, numbers in it by their value: a2 before a10."""
    parts: list[tuple[bool, int, str]] = []
    text = path.name.casefold()
    while text:
        is_number = text[0].isdecimal()
        length = next(
            (i for i, c in enumerate(text) if c.isdecimal() != is_number), len(text)
        )
        head, text = text[:length], text[length:]
        parts.append((is_number, int(head) if is_number else 0, head))
    return tuple(parts)
