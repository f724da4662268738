"""The answers that came back, beside the truth: what the analysis reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.study.answers import ANSWER_COLUMNS, ANSWERS_SQL
from napari_histossl.study.database import explained, open_database
from napari_histossl.study.folder import StudyFolder
from napari_histossl.study.locking import LockedStudy, open_truth, read_lock
from napari_histossl.study.merge_chain import MergeChain
from napari_histossl.study.merging import kept_pack
from napari_histossl.study.packing import read_packs
from napari_histossl.study.readings import Reading
from napari_histossl.study.sequence import Showing, draw_sequence
from napari_histossl.study.truth import Truth
from napari_histossl.study.verify import verify_file


def read_readings(study: LockedStudy, key_path: Path) -> tuple[Reading, ...]:
    """Return every answer that was merged, which case it is about, and the truth.

    Parameters
    ----------
    study : LockedStudy
        The study.
    key_path : Path
        Its key.

    Returns
    -------
    tuple of Reading
        Pack by pack, in the order in which they were given. A repeat has the id of the
        picture that it repeats. Where the design allows a way back, what was corrected
        is as the reader meant it last.

    Raises
    ------
    StudyError
        If the key does not fit, or something that came back was changed since.
    """
    truth = open_truth(study, key_path)
    readings: list[Reading] = []
    for pack_id, pack in sorted(read_packs(study).items()):
        path = kept_pack(study, pack_id)
        if path.exists():
            sequence = draw_sequence(
                truth, study.protocol, pack["reader"], pack["condition"], pack_id
            )
            readings += _read_pack(path, sequence, truth, pack["condition"])
    return tuple(readings)


def _read_pack(
    path: Path, sequence: list[Showing], truth: Truth, condition: str
) -> list[Reading]:
    by_name = {showing.name: showing for showing in sequence}
    with closing(open_database(path)) as connection, explained(path, "read"):
        rows = connection.execute(f"{ANSWERS_SQL} ORDER BY position").fetchall()
        corrections = {
            content["case_id"]: content
            for (text,) in connection.execute(
                "SELECT payload FROM record WHERE event = 'correction' "
                "ORDER BY utc, session, sequence"
            )
            for content in (json.loads(text),)
        }
    answers = (dict(zip(ANSWER_COLUMNS, row[1:], strict=True)) for row in rows)
    return [
        _reading(
            {**answer, **corrections.get(answer["case_id"], {})},
            by_name[answer["case_id"]],
            truth,
            condition,
        )
        for answer in answers
    ]


def _reading(
    answer: Mapping[str, Any], showing: Showing, truth: Truth, condition: str
) -> Reading:
    case = truth.cases[showing.case_id]
    return Reading(
        answer["reader"],
        showing.case_id,
        case.synthetic,
        bool(answer["synthetic"]),
        answer["confidence"],
        answer["position"],
        answer["rt_ms"],
        showing.kind,
        case.arm if case.synthetic else "",
        case.cluster,
        condition,
        case.file,
    )


def verify_folder(folder: StudyFolder, key_path: Path | None = None) -> list[str]:
    """Return where a study and all that came back are not whole; nothing if they are.

    Parameters
    ----------
    folder : StudyFolder
        A locked study.
    key_path : Path, optional
        Its key; without it the sealed truth is not opened.
    """
    try:
        study = read_lock(folder)
    except StudyError as error:
        return [str(error)]
    problems = _verify_pictures(study)
    if folder.truth.exists():  # locking was interrupted at its last step
        problems.append(
            f"{folder.truth.name} lies open beside the lock: delete it, the sealed "
            f"truth holds the same"
        )
    chain = MergeChain(folder.merges)
    try:
        problems += chain.problems()
        for entry in chain.entries():
            problems += _verify_kept(study, entry.content)
        if key_path is not None:
            open_truth(study, key_path)
    except StudyError as error:
        problems.append(str(error))
    return problems


def _verify_pictures(study: LockedStudy) -> list[str]:
    path = study.folder.pictures
    try:
        problems = [f"{path.name}: {text}" for text in verify_file(path).problems]
        with closing(open_database(path)) as connection, explained(path, "read"):
            found = dict(connection.execute("SELECT case_id, sha256 FROM cases"))
    except StudyError as error:
        return [str(error)]
    if found != study.pictures:
        problems.append(f"{path.name}: the pictures are not those that were locked")
    return problems


def _verify_kept(study: LockedStudy, merge: Mapping[str, Any]) -> list[str]:
    """Check a pack that came back, and that it still holds the heads it had then."""
    name = str(merge["kept_as"])
    try:
        checked = verify_file(study.folder.returned / name)
    except StudyError as error:
        return [str(error)]
    problems = [f"{name}: {text}" for text in checked.problems]
    with closing(open_database(checked.path)) as connection:
        hashes = {value for (value,) in connection.execute("SELECT hash FROM record")}
    if not set(merge["heads"].values()) <= hashes:
        problems.append(f"{name}: sessions of {merge['reader']} were cut short")
    return problems
