"""What decides a study, and the names of its two files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.study.database import SUFFIX

_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class StudyFiles:
    """Where a study lies.

    Attributes
    ----------
    study, truth : Path
        The file for the readers; the file that the owner keeps.
    warnings : tuple of str
        Sentences about what may give the classes away.
    """

    study: Path
    truth: Path
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """Everything that decides a study.

    Attributes
    ----------
    path : Path
        The study file to be made; its suffix is added where missing.
    real_folder, synthetic_folder : Path
        Folders of pictures of the two classes.
    readers : tuple of str
        Pseudonyms of those who will read; one order is drawn for each.
    title : str
        Shown to readers: it should not tell anything about the pictures.
    per_class : int or None
        Pictures of each class, at least 2; as many as the smaller folder has if None.
    size_px : int or None
        The centre square of each picture is cut to this size. If None, all pictures
        must have the same size and are taken whole.
    mpp : float or None
        Micrometres per pixel, kept with the study; None where unknown.
    seed : bytes or int or None
        What everything random is drawn from. None draws 32 random bytes, right for a
        study that is read; a seed that others can guess gives the classes away.
    """

    path: Path
    real_folder: Path
    synthetic_folder: Path
    readers: tuple[str, ...] = ("reader-1",)
    title: str = "Reader study"
    per_class: int | None = None
    size_px: int | None = None
    mpp: float | None = None
    seed: bytes | int | None = None


def study_files(path: str | Path) -> StudyFiles:
    """Return the names of a study's two files, which need not exist.

    Examples
    --------
    >>> study_files("colon").study.name, study_files("colon").truth.name
    ('colon.histostudy.sqlite', 'colon.truth.json')
    """
    path = Path(path)
    stem = path.name.removesuffix(SUFFIX)
    return StudyFiles(
        path.with_name(stem + SUFFIX), path.with_name(stem + ".truth.json")
    )


def refuse_existing(files: StudyFiles) -> None:
    """Raise `StudyError` unless both files can be made where they are to lie."""
    for path in (files.study, files.truth):
        if path.exists():
            raise StudyError(
                f"{path} exists already and is never overwritten; choose another name"
            )
    if not files.study.parent.is_dir():
        raise StudyError(
            f"there is no folder {files.study.parent} to put the study in; make it "
            f"first or choose another"
        )


def check_readers(readers: Sequence[str]) -> None:
    """Raise `StudyError` unless there are readers with sensible, different names."""
    if not readers:
        raise StudyError("a study needs at least one reader; name one")
    for name in readers:
        if (
            not name
            or name != name.strip()
            or len(name) > _LONGEST_NAME
            or not name.isprintable()
        ):
            raise StudyError(
                f"a reader's name has 1 to {_LONGEST_NAME} printable characters and no "
                f"space at its ends; got {name[: _LONGEST_NAME + 1]!r}"
            )
    folded = [name.casefold() for name in readers]
    for name in readers:
        if folded.count(name.casefold()) > 1:
            raise StudyError(
                f"the reader {name!r} is named twice (upper and lower case are alike); "
                f"give each reader a name of their own"
            )
