"""Where pictures of a study come from: folders, lists of patches, slides."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.jobs import Progress
from napari_histossl.study.crops import iterate_crops
from napari_histossl.study.order import shuffle
from napari_histossl.study.pictures import PICTURE_SUFFIXES, list_pictures

ROLES = ("test", "catch")
"""What pictures of an arm are shown for; training pictures are taken from the arms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One source of pictures of one class: a generator, or where real ones are from.

    Attributes
    ----------
    name : str
        What the report calls it.
    synthetic : bool
        Class of its pictures.
    source : str
        A folder of pictures; a list of patches (CSV with a column ``path``, and
        ``cluster`` and ``stratum`` where known); or a slide.
    count : int or None
        Test pictures to take; all there are, less training, if None. Slides need it.
    mpp : float or None
        Micrometres per pixel of its pictures, where that is not the study's.
    cluster_pattern : str
        Regular expression with one group, the slide or patient in a file's name; empty
        where each picture is its own cluster or the list says it.
    role : str
        ``test``, or ``catch`` for pictures whose class is plain to see.
    """

    name: str
    synthetic: bool
    source: str
    count: int | None = None
    mpp: float | None = None
    cluster_pattern: str = ""
    role: str = "test"

    def __post_init__(self) -> None:
        if self.role not in ROLES or not self.name.strip():
            raise StudyError(
                f"an arm has a name and is for {' or '.join(ROLES)}; got {self.name!r} "
                f"for {self.role!r}"
            )
        if self.count is not None and self.count < 1:
            raise StudyError(
                f"the arm {self.name} takes at least one picture; got {self.count}"
            )

    def as_json(self) -> dict[str, Any]:
        """Return everything about the arm."""
        return asdict(self)

    @property
    def is_slide(self) -> bool:
        """Whether pictures must be cut first."""
        suffix = Path(self.source).suffix.lower()
        is_file = not Path(self.source).is_dir()
        return is_file and suffix != ".csv"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A picture that may be taken.

    Attributes
    ----------
    path : Path
        The file.
    name : str
        What its source calls it: choices do not depend on where a source lies.
    cluster, stratum : str
        Slide or patient; organ, site or stain. Empty where unknown.
    """

    path: Path
    name: str
    cluster: str = ""
    stratum: str = ""


def cut_slide(
    arm: Arm, folder: Path, count: int, size_px: int, mpp: float | None, seed: int
) -> Iterator[Progress]:
    """Cut pictures of a slide into a folder, at the study's scale.

    Yields
    ------
    Progress
        Pictures cut.

    Raises
    ------
    HistoSSLError
        If the slide cannot be opened or holds too little tissue.
    """
    from napari_histossl.slide import open_slide

    with open_slide(Path(arm.source), mpp=arm.mpp) as slide:
        yield from iterate_crops(slide, folder, count, size_px, mpp, seed)


def list_candidates(arm: Arm, cut_into: Path | None = None) -> list[Candidate]:
    """Return the pictures of an arm.

    Parameters
    ----------
    arm : Arm
        The source.
    cut_into : Path, optional
        Where its slide was cut into pictures.

    Raises
    ------
    StudyError
        If there is no picture, or the list makes no sense.
    """
    if cut_into is not None:
        slide = Path(arm.source).stem
        return [Candidate(path, path.name, slide) for path in list_pictures(cut_into)]
    source = Path(arm.source)
    if source.suffix.lower() == ".csv" and not source.is_dir():
        return _read_list(source)
    pattern = _compiled(arm)
    return [
        Candidate(path, path.name, _cluster_of(path, pattern))
        for path in list_pictures(source)
    ]


def _compiled(arm: Arm) -> re.Pattern[str] | None:
    if not arm.cluster_pattern:
        return None
    try:
        pattern = re.compile(arm.cluster_pattern)
    except re.error as error:
        raise StudyError(
            f"the cluster pattern {arm.cluster_pattern!r} of {arm.name} is no regular "
            f"expression: {error}"
        ) from error
    if pattern.groups != 1:
        raise StudyError(
            f"the cluster pattern {arm.cluster_pattern!r} of {arm.name} has "
            f"{pattern.groups} groups; expected one, the slide or patient"
        )
    return pattern


def _cluster_of(path: Path, pattern: re.Pattern[str] | None) -> str:
    if pattern is None:
        return ""
    found = pattern.search(path.stem)
    if found is None:
        raise StudyError(
            f"the name of {path} does not say its slide or patient: it does not match "
            f"{pattern.pattern!r}"
        )
    return found.group(1)


def _read_list(path: Path) -> list[Candidate]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as source:
            rows = list(csv.DictReader(source))
    except (OSError, ValueError, csv.Error) as error:
        raise StudyError(
            f"the list of patches {path} cannot be read ({error}); it is a CSV file "
            f"with a column 'path'"
        ) from error
    if not rows or "path" not in rows[0]:
        raise StudyError(
            f"the list of patches {path} needs a line of headings with 'path', and at "
            f"least one patch"
        )
    found: dict[str, Candidate] = {}
    for row in rows:
        name = row["path"] or ""
        candidate = Candidate(
            path.parent / name, name, row.get("cluster") or "", row.get("stratum") or ""
        )
        if name in found:
            raise StudyError(f"the list of patches {path} names {name} twice")
        found[name] = candidate
        if candidate.path.suffix.lower() not in PICTURE_SUFFIXES:
            raise StudyError(
                f"{candidate.path} in the list {path} is no picture; expected files "
                f"that end in {' '.join(sorted(PICTURE_SUFFIXES))}"
            )
    return list(found.values())


def choose(
    seed: bytes, arm: Arm, candidates: list[Candidate], count: int
) -> list[Candidate]:
    """Choose pictures of an arm, evenly from its strata.

    Raises
    ------
    StudyError
        If there are fewer than the design needs.
    """
    if len(candidates) < count:
        raise StudyError(
            f"the design needs {count} pictures of {arm.name}, training included; "
            f"{arm.source} has {len(candidates)}: add pictures or ask for fewer"
        )
    by_name = {candidate.name: candidate for candidate in candidates}
    strata: dict[str, list[str]] = {}
    for name in shuffle(seed, f"choice/{arm.role}/{arm.name}", list(by_name)):
        strata.setdefault(by_name[name].stratum, []).append(name)
    chosen: list[Candidate] = []
    while len(chosen) < count:
        for mine in strata.values():
            if mine and len(chosen) < count:
                chosen.append(by_name[mine.pop(0)])
    return chosen
