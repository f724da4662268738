"""Lock a study: its hash stands before the first answer, truth and seed are sealed."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_histossl.errors import StudyError
from napari_histossl.study._version import application_version
from napari_histossl.study.checking import read_leaks
from napari_histossl.study.database import explained, open_database, read_facts
from napari_histossl.study.folder import StudyFolder, write_json
from napari_histossl.study.leaks import LeakReport, refuse_leaks
from napari_histossl.study.protocol import Protocol
from napari_histossl.study.record import canonical, now_utc
from napari_histossl.study.sealing import (
    KEY_BYTES,
    read_json,
    read_key,
    seal,
    unseal,
    write_key,
    write_private,
)
from napari_histossl.study.sequence import draw_sequence
from napari_histossl.study.study_file import SEAL
from napari_histossl.study.truth import CaseTruth, Truth, read_truth, truth_of_text

LOCK_FORMAT = "histostudy-lock-1"

_HASH = "sha256"
_SEALED_ROLES = {"truth_sha256": ("test", "catch"), "training_sha256": ("training",)}


@dataclass(frozen=True, slots=True)
class LockedStudy:
    """A study as it was locked.

    Attributes
    ----------
    folder : StudyFolder
        Where it lies.
    study_id, sha256 : str
        Random id, and the hash of everything that was locked.
    locked_utc : str
        When.
    protocol : Protocol
        What is asked, how it is analysed.
    leaks : LeakReport
        What the leak check found.
    override : str
        Why it was locked all the same; empty where nothing leaks.
    pictures : mapping of str to str
        Hash of each picture by case id.
    content : mapping
        Everything that is in the file.
    """

    folder: StudyFolder
    study_id: str
    sha256: str
    locked_utc: str
    protocol: Protocol
    leaks: LeakReport
    override: str
    pictures: Mapping[str, str]
    content: Mapping[str, Any]


def lock_study(
    folder: StudyFolder, key_path: Path | None = None, override: str = ""
) -> LockedStudy:
    """Lock a study and seal its truth; the key goes into a file of its own.

    Parameters
    ----------
    folder : StudyFolder
        A study that was designed and checked for leaks.
    key_path : Path, optional
        Where the key is written; beside the folder if None, never inside it.
    override : str
        Why a study that leaks is locked all the same; stands in its report.

    Raises
    ------
    StudyError
        If it is locked already, was not checked, leaks, or has too few pictures for
        its repeats; if the key file exists.
    """
    if folder.is_locked:
        raise StudyError(
            f"the study {folder.path} is locked already; a change makes a new study"
        )
    key_path = folder.key if key_path is None else key_path
    if key_path.resolve().is_relative_to(folder.path.resolve()):
        raise StudyError(
            f"the key {key_path} would lie in the folder that it opens; keep it apart"
        )
    truth = read_truth(folder.truth)
    content = _describe(folder, truth, override)
    key = secrets.token_bytes(KEY_BYTES)
    write_key(key_path, key, truth.study_id)
    try:
        _seal_truth(folder, truth, key)
        write_json(folder.lock, {**content, _HASH: hash_of(content)})
    except BaseException:
        for path in (key_path, folder.sealed, folder.training, folder.lock):
            path.unlink(missing_ok=True)
        raise
    folder.truth.unlink()
    return read_lock(folder)


def _describe(folder: StudyFolder, truth: Truth, override: str) -> dict[str, Any]:
    """Return everything that is locked; refuse what cannot be read or leaks."""
    design = read_json(folder.design, "the design of a study")
    protocol = Protocol.from_json(design["protocol"])
    store = folder.pictures
    with closing(open_database(store)) as connection, explained(store, "read"):
        facts = read_facts(connection)
        pictures = dict(connection.execute("SELECT case_id, sha256 FROM cases"))
    if facts["truth_sha256"] != truth.commitment:
        raise StudyError(
            f"{folder.truth} was changed since the study was designed; design it again"
        )
    leaks = read_leaks(folder, facts[SEAL])
    refuse_leaks(leaks, override)
    for condition in protocol.conditions or ("",):
        draw_sequence(truth, protocol, protocol.readers[0], condition, "trial")
    counts = {
        f"{role} {name}": len(truth.of_class(synthetic=synthetic, role=role))
        for role in ("test", "training", "catch")
        for name, synthetic in (("real", False), ("synthetic", True))
    }
    return {
        "format": LOCK_FORMAT,
        "study_id": truth.study_id,
        "locked_utc": now_utc(),
        "application": application_version(),
        "positive_class": "synthetic",
        "scale": "1 definitely real to 6 definitely synthetic",
        "protocol": protocol.as_json(),
        "arms": design["arms"],
        "size_px": [int(facts["height_px"]), int(facts["width_px"])],
        "mpp": facts["mpp"],
        "counts": counts,
        "pictures": pictures,
        "leaks": leaks.as_json(),
        "override": override.strip() if leaks.leaks else "",
        "seed_sha256": hashlib.sha256(b"seed" + truth.seed).hexdigest(),
        **{
            name: truth.of_role(*roles).commitment
            for name, roles in _SEALED_ROLES.items()
        },
    }


def hash_of(content: Mapping[str, Any]) -> str:
    """Return the hash of everything in a locked study but the hash itself."""
    kept = {name: value for name, value in content.items() if name != _HASH}
    return hashlib.sha256(canonical(kept).encode()).hexdigest()


def _sealed_files(folder: StudyFolder) -> dict[str, Path]:
    return {"truth_sha256": folder.sealed, "training_sha256": folder.training}


def _seal_truth(folder: StudyFolder, truth: Truth, key: bytes) -> None:
    for name, path in _sealed_files(folder).items():
        text = truth.of_role(*_SEALED_ROLES[name]).canonical()
        write_private(path, seal(key, _purpose(name, truth.study_id), text))


def _purpose(name: str, study_id: str) -> str:
    return f"the {name.removesuffix('_sha256')} of study {study_id}"


def read_lock(folder: StudyFolder) -> LockedStudy:
    """Return a locked study.

    Raises
    ------
    StudyError
        If it is not locked, or a single byte of it was changed since.
    """
    if not folder.is_locked:
        raise StudyError(
            f"the study {folder.path} is not locked yet; lock it first "
            f"(`napari-histossl study lock`)"
        )
    content = read_json(folder.lock, "a locked study")
    if content.get("format") != LOCK_FORMAT or content.get(_HASH) != hash_of(content):
        raise StudyError(
            f"{folder.lock} was changed after it was locked; go back to a copy that "
            f"nobody has changed"
        )
    return LockedStudy(
        folder,
        content["study_id"],
        content[_HASH],
        content["locked_utc"],
        Protocol.from_json(content["protocol"]),
        LeakReport.from_json(content["leaks"]),
        content["override"],
        content["pictures"],
        content,
    )


def open_truth(study: LockedStudy, key_path: Path) -> Truth:
    """Open the sealed truth of a locked study.

    Raises
    ------
    StudyError
        If the key is another study's or the truth is not the one that was locked.
    """
    key = read_key(key_path, study.study_id)
    cases: dict[str, CaseTruth] = {}
    seeds = set()
    for name, path in _sealed_files(study.folder).items():
        try:
            sealed = path.read_bytes()
        except OSError as error:
            raise StudyError(f"{path} cannot be read: {error.strerror}") from error
        part = truth_of_text(unseal(key, _purpose(name, study.study_id), sealed))
        if part.commitment != study.content[name]:
            raise StudyError(f"{path} is not what was locked; go back to a copy")
        cases.update(part.cases)
        seeds.add(part.seed)
    return Truth(study.study_id, seeds.pop(), cases)
