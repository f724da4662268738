"""The Study page without a window: what was chosen, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import PlanError
from napari_histossl.study import StudyPlan
from napari_histossl.study.plan import check_readers


@dataclass(frozen=True, slots=True)
class StudyChoice:
    """What the owner of a study has filled in.

    Attributes
    ----------
    path, real_folder, synthetic_folder : str
        The study file to be made and the two folders of pictures.
    title : str
        Shown to readers.
    readers : str
        Names, separated by commas or line ends.
    per_class : int
        Pictures of each class; 0 for as many as there are.
    size_px : int
        Edge of the centre square to be cut; 0 to take the pictures whole.
    mpp : float
        Micrometres per pixel; 0 where unknown.
    """

    path: str = ""
    real_folder: str = ""
    synthetic_folder: str = ""
    title: str = "Reader study"
    readers: str = "reader-1"
    per_class: int = 0
    size_px: int = 0
    mpp: float = 0.0


def resolve_study(choice: StudyChoice) -> StudyPlan:
    """Return the plan of a study; looks at the choice alone, never at the disk.

    Raises
    ------
    PlanError
        If something is not filled in or makes no sense.
    StudyError
        If a reader's name does not do.

    Examples
    --------
    >>> resolve_study(StudyChoice("a", "real", "made", readers="anna, bert")).readers
    ('anna', 'bert')
    """
    real = _chosen(choice.real_folder, "the folder of real pictures")
    synthetic = _chosen(choice.synthetic_folder, "the folder of synthetic pictures")
    path = _chosen(choice.path, "where to save the study")
    readers = split_readers(choice.readers)
    check_readers(readers)
    if min(choice.per_class, choice.size_px, choice.mpp) < 0:
        raise PlanError("number, size and scale are at least 0 (0: not given)")
    return StudyPlan(
        path,
        real,
        synthetic,
        readers,
        choice.title.strip() or "Reader study",
        choice.per_class or None,
        choice.size_px or None,
        choice.mpp or None,
    )


def split_readers(text: str) -> tuple[str, ...]:
    """Return the names in a text that separates them by commas or line ends."""
    names = (name.strip() for name in text.replace("\n", ",").split(","))
    return tuple(name for name in names if name)


@dataclass(frozen=True, slots=True)
class ReadingChoice:
    """Which study is read by whom.

    Attributes
    ----------
    study_path : str
        The study file.
    reader : str
        Name of the reader.
    """

    study_path: str = ""
    reader: str = ""


def resolve_reading(choice: ReadingChoice) -> tuple[Path, str]:
    """Return the study file and the reader.

    Raises
    ------
    PlanError
        If one is not chosen.
    """
    path = _chosen(choice.study_path, "a study file")
    if not choice.reader.strip():
        raise PlanError("choose who is reading")
    return path, choice.reader.strip()


@dataclass(frozen=True, slots=True)
class ResultsChoice:
    """Which study is opened, with which truth.

    Attributes
    ----------
    study_path, truth_path : str
        The two files of the study.
    """

    study_path: str = ""
    truth_path: str = ""


def resolve_results(choice: ResultsChoice) -> tuple[Path, Path]:
    """Return the two files.

    Raises
    ------
    PlanError
        If one is not chosen.
    """
    study_path = _chosen(choice.study_path, "a study file")
    return study_path, _chosen(choice.truth_path, "the truth file of the study")


def _chosen(text: str, what: str) -> Path:
    if not text.strip():
        raise PlanError(f"choose {what} first")
    return Path(text.strip()).expanduser()
