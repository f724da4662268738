"""Ratings as a file for iMRMC, so that others can repeat the analysis.

References
----------
iMRMC, DIDSR/iMRMC (CC0), file format: a header with the numbers of cases, readers and
modalities, then one line ``reader,case,modality,score`` each, and a line
``-1,case,0,truth`` for each case.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.study.readings import Reading

SUFFIX = ".imrmc"
"""How the name of such a file ends."""

_ONLY_CONDITION = "study"


def imrmc_text(readings: Sequence[Reading], title: str = "Reader study") -> str:
    """Return first readings in the format of iMRMC.

    Parameters
    ----------
    readings : sequence of Reading
        First readings; the score is the scale of 1 to 6.
    title : str
        First line of the file.

    Raises
    ------
    StudyError
        If there are no readings, or a name holds a comma or a line end.
    """
    truth = {reading.case_id: reading.synthetic for reading in readings}
    if not truth:
        raise StudyError("there are no readings to export; read the study first")
    conditions = {_name(reading.condition or _ONLY_CONDITION) for reading in readings}
    lines = [
        " ".join(title.split()),
        f"N0: {sum(not synthetic for synthetic in truth.values())}",
        f"N1: {sum(truth.values())}",
        f"NR: {len({reading.reader for reading in readings})}",
        f"NM: {len(conditions)}",
        "",
        "BEGIN DATA:",
    ]
    lines += [f"-1,{_name(case)},0,{int(truth[case])}" for case in sorted(truth)]
    lines += [
        f"{_name(of.reader)},{of.case_id},{of.condition or _ONLY_CONDITION},{of.rating}"
        for of in sorted(readings, key=lambda of: (of.condition, of.reader, of.case_id))
    ]
    return "\n".join(lines) + "\n"


def write_imrmc(
    readings: Sequence[Reading], path: str | Path, title: str = "Reader study"
) -> None:
    """Write first readings in the format of iMRMC.

    Parameters
    ----------
    readings : sequence of Reading
        First readings.
    path : path
        The file, whose name should end in ``.imrmc``.
    title : str
        First line of the file.

    Raises
    ------
    StudyError
        If there is nothing to write, or it cannot be written.
    """
    text = imrmc_text(readings, title)
    try:
        Path(path).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise StudyError(
            f"{path} could not be written ({error.strerror}); choose a folder that you "
            f"may write in"
        ) from error


def _name(name: str) -> str:
    if "," in name or "\n" in name or name in ("-1", "truth"):
        raise StudyError(
            f"the name {name!r} has a meaning of its own in iMRMC's format; export CSV "
            f"instead, or use pseudonyms without commas"
        )
    return name
