"""Run the leak check on a designed study and keep what it found."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import closing

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from napari_histossl.errors import StudyError
from napari_histossl.jobs import Progress
from napari_histossl.study.database import explained, open_database, read_facts
from napari_histossl.study.folder import StudyFolder, write_json
from napari_histossl.study.leaks import LeakCheck, LeakReport, Suspect
from napari_histossl.study.sealing import read_json
from napari_histossl.study.study_file import SEAL
from napari_histossl.study.truth import read_truth

LEAKS_FORMAT = "histostudy-leaks-1"


def check_study(folder: StudyFolder, seed: int = 0) -> Iterator[Progress]:
    """Try to tell the classes of a study apart by trivial means; write what is found.

    Parameters
    ----------
    folder : StudyFolder
        A study that is designed and not locked.
    seed : int
        Decides how the pictures are cut into parts.

    Yields
    ------
    Progress
        Pictures looked at.

    Raises
    ------
    StudyError
        If the study is locked already or a file cannot be read.
    """
    if folder.is_locked:
        raise StudyError(
            f"the study {folder.path} is locked: what its leak check found is part of "
            f"the lock and is not made again"
        )
    truth = read_truth(folder.truth).of_role("test")
    cases = sorted(truth.cases)
    suspects = [
        Suspect(
            case,
            truth.cases[case].synthetic,
            truth.cases[case].cluster or case,
            truth.cases[case].stratum,
        )
        for case in cases
    ]
    with closing(open_database(folder.pictures)) as connection:

        def read(place: int) -> NDArray[np.uint8]:
            with explained(folder.pictures, "read"):
                (png,) = connection.execute(
                    "SELECT png FROM cases WHERE case_id = ?", (cases[place],)
                ).fetchone()
            return decode_png(png)

        check = LeakCheck(suspects, read, seed)
        yield from check.run()
        with explained(folder.pictures, "read"):
            pictures = read_facts(connection)[SEAL]
    if check.report is not None:
        content = {"format": LEAKS_FORMAT, "pictures": pictures}
        write_json(folder.leaks, {**content, "report": check.report.as_json()})


def last_leaks(folder: StudyFolder) -> LeakReport:
    """Return what the leak check found of the pictures as they are.

    Raises
    ------
    StudyError
        If there was none.
    """
    with (
        closing(open_database(folder.pictures)) as connection,
        explained(folder.pictures, "read"),
    ):
        pictures = read_facts(connection)[SEAL]
    return read_leaks(folder, pictures)


def decode_png(png: bytes) -> NDArray[np.uint8]:
    """Return the pixels of a picture of a study: (height, width, 3), uint8."""
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def read_leaks(folder: StudyFolder, pictures: str) -> LeakReport:
    """Return what the leak check found.

    Parameters
    ----------
    folder : StudyFolder
        The study.
    pictures : str
        Seal of the pictures it must have looked at.

    Raises
    ------
    StudyError
        If there was no check of these pictures.
    """
    if not folder.leaks.exists():
        raise StudyError(
            f"the study {folder.path} was not checked for leaks; do that before it is "
            f"locked (`napari-histossl study check`)"
        )
    content = read_json(folder.leaks, "the outcome of a leak check")
    if content.get("pictures") != pictures:
        raise StudyError(
            f"{folder.leaks} is about other pictures; check the study again"
        )
    return LeakReport.from_json(content["report"])
