"""Answers beside the truth, and which of them the primary analysis uses.

The primary analysis takes first readings of test pictures by readers who read all of
them. Repeats tell how far a reader agrees with themselves; training and catch pictures
count nowhere; readers who did not finish are in a sensitivity analysis.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from napari_histossl.errors import StudyError
from napari_histossl.study._reader import ordinal

Kind = Literal["test", "repeat", "training", "catch"]
"""Why a picture was shown."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One answer of one reader, beside the truth.

    Attributes
    ----------
    reader, case_id : str
        Who, and which picture; a repeat has the id of the picture that it repeats.
    synthetic, said_synthetic : bool
        Truth and answer.
    confidence : int
        1 maybe, 2 probably, 3 definitely.
    position : int
        Which picture it was for this reader.
    rt_ms : int
        Milliseconds from the first frame to the answer.
    kind : str
        Why the picture was shown.
    generator : str
        Which machine made it; empty for real pictures.
    cluster : str
        Slide or patient; empty if each picture is its own.
    condition : str
        Under which of two conditions it was read; empty if there is one.
    file : str
        Name of the file that it came from.
    """

    reader: str
    case_id: str
    synthetic: bool
    said_synthetic: bool
    confidence: int
    position: int = 0
    rt_ms: int = 0
    kind: Kind = "test"
    generator: str = ""
    cluster: str = ""
    condition: str = ""
    file: str = ""

    @property
    def is_correct(self) -> bool:
        """Whether answer and truth agree."""
        return self.synthetic == self.said_synthetic

    @property
    def rating(self) -> int:
        """1 definitely real to 6 definitely synthetic."""
        return int(ordinal(self.said_synthetic, self.confidence))


@dataclass(frozen=True, slots=True)
class Flow:
    """Where the answers went.

    Attributes
    ----------
    given : int
        Answers of all kinds.
    left_out : dict of str to int
        Answers outside the primary analysis, by reason.
    used : int
        Answers of the primary analysis.
    pictures : int
        Test pictures.
    complete, incomplete : tuple of str
        Readers who read all test pictures, and those who did not.
    """

    given: int
    left_out: dict[str, int]
    used: int
    pictures: int
    complete: tuple[str, ...]
    incomplete: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Selected:
    """The answers of a study, sorted by what they are for.

    Attributes
    ----------
    primary : tuple of Reading
        First readings of test pictures by complete readers.
    test : tuple of Reading
        The same of all readers.
    repeats : tuple of (Reading, Reading)
        First and second reading of a picture by one reader.
    flow : Flow
        How many went where.
    """

    primary: tuple[Reading, ...]
    test: tuple[Reading, ...]
    repeats: tuple[tuple[Reading, Reading], ...]
    flow: Flow


_REASONS: dict[Kind, str] = {
    "repeat": "second readings",
    "training": "of training pictures",
    "catch": "of catch pictures",
}


def select_readings(
    readings: Sequence[Reading], pictures: Sequence[str] | None = None
) -> Selected:
    """Sort answers by what they are for.

    Parameters
    ----------
    readings : sequence of Reading
        All answers.
    pictures : sequence of str, optional
        Ids of the test pictures that each reader was to read; those that anybody read
        if None.

    Raises
    ------
    StudyError
        If a reader has two first readings of a picture under one condition.
    """
    test = [reading for reading in readings if reading.kind == "test"]
    _refuse_doubles(test)
    wanted = _wanted(test, pictures)
    done: dict[str, set[tuple[str, str]]] = {}
    for reading in readings:
        cells = done.setdefault(reading.reader, set())
        if reading.kind == "test":
            cells.add((reading.condition, reading.case_id))
    complete = _find_complete(done, wanted)
    primary = [reading for reading in test if reading.reader in complete]
    left_out = Counter(
        _REASONS[reading.kind] for reading in readings if reading.kind != "test"
    )
    if len(test) > len(primary):
        left_out["of readers who did not finish"] = len(test) - len(primary)
    flow = Flow(
        len(readings),
        dict(left_out),
        len(primary),
        len(set().union(*wanted.values())),
        tuple(sorted(complete, key=in_order)),
        tuple(sorted(set(done) - complete, key=in_order)),
    )
    return Selected(tuple(primary), tuple(test), _pair(test, readings), flow)


def _wanted(
    test: Sequence[Reading], pictures: Sequence[str] | None
) -> dict[str, set[str]]:
    """Return the pictures to be read under each condition."""
    read: dict[str, set[str]] = {}
    for reading in test:
        read.setdefault(reading.condition, set()).add(reading.case_id)
    if pictures is None or len(read) > 1:
        return read
    return {condition: set(pictures) for condition in read or {""}}


def in_order(name: str) -> list[tuple[int, str]]:
    """Return what names are sorted by: numbers in them count as numbers.

    Examples
    --------
    >>> sorted(["reader-10", "reader-9", "anna"], key=in_order)
    ['anna', 'reader-9', 'reader-10']
    """
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _find_complete(
    done: dict[str, set[tuple[str, str]]], wanted: dict[str, set[str]]
) -> set[str]:
    """Return who read all pictures under all conditions that were theirs.

    Where anybody read under both conditions everybody was to; else readers are nested
    and each was to read under one.
    """
    met = {reader: {of for of, _ in cells} for reader, cells in done.items()}
    all_of_them = any(len(conditions) > 1 for conditions in met.values())
    return {
        reader
        for reader, cells in done.items()
        if all(
            wanted[condition] <= {case for of, case in cells if of == condition}
            for condition in (wanted if all_of_them else met[reader] or wanted)
        )
    }


def _refuse_doubles(test: Sequence[Reading]) -> None:
    times = Counter((of.reader, of.condition, of.case_id) for of in test)
    for (reader, _, case_id), count in times.items():
        if count > 1:
            raise StudyError(
                f"{reader} has {count} first readings of picture {case_id}; mark those "
                f"after the first as repeats"
            )


def _pair(
    test: Sequence[Reading], readings: Sequence[Reading]
) -> tuple[tuple[Reading, Reading], ...]:
    first = {(of.reader, of.condition, of.case_id): of for of in test}
    return tuple(
        (first[key], again)
        for again in readings
        if again.kind == "repeat"
        and (key := (again.reader, again.condition, again.case_id)) in first
    )
