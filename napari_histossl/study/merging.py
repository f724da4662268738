"""Take packs back: checked, kept as they came, chained, beside the truth.

What comes back is copied whole into the owner's folder; an entry in the chain of merges
names its sessions and their heads. Nothing that was taken back is ever overwritten by
less: a copy that goes on where the last one stopped takes its place, an older one
changes nothing, and one that went another way is refused or put aside.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.study._version import application_version
from napari_histossl.study.database import SUFFIX, explained, open_database, read_facts
from napari_histossl.study.locking import LockedStudy
from napari_histossl.study.merge_chain import MergeChain
from napari_histossl.study.packing import read_packs
from napari_histossl.study.record import now_utc
from napari_histossl.study.sequence import draw_sequence
from napari_histossl.study.truth import Truth
from napari_histossl.study.verify import verify_file


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of a file that came back.

    Attributes
    ----------
    path : Path
        The file.
    reader, condition : str
        Whose it is.
    answers : int
        How many it holds.
    outcome : str
        ``taken``, ``nothing new`` or ``put aside``.
    """

    path: Path
    reader: str
    condition: str
    answers: int
    outcome: str


def merge_pack(
    study: LockedStudy, truth: Truth, path: Path, *, aside: bool = False
) -> Merged:
    """Take one pack back.

    Parameters
    ----------
    study : LockedStudy
        The study.
    truth : Truth
        Its truth, from which orders are drawn again.
    path : Path
        The pack as it came back; it is only read.
    aside : bool
        Keep a pack that contradicts one that was taken, without counting it.

    Raises
    ------
    StudyError
        If it is of an unknown study or pack, was changed, or contradicts what was taken
        back before. Then nothing changes.
    """
    pack_id, condition = _identify(study, path)
    checked = verify_file(path)
    if not checked.is_whole:
        raise StudyError(
            f"{path} is not whole, and nothing of it was taken: {checked.problems[0]}"
        )
    reader = _check_order(study, truth, path, pack_id, condition)
    kept = kept_pack(study, pack_id)
    outcome = "taken"
    if kept.exists():
        outcome = _compare(kept, path, reader, aside)
    target = _aside_name(kept) if outcome == "put aside" else kept
    if outcome != "nothing new":
        _copy(path, target)
    _record(study, pack_id, reader, condition, target)
    return Merged(path, reader, condition, checked.answers, outcome)


def _record(
    study: LockedStudy, pack_id: str, reader: str, condition: str, kept: Path
) -> None:
    """Chain the heads of what is kept, unless they are: a crash may have come before.

    The copy comes first: an entry about sessions that are not there would be taken for
    sessions that were cut short.
    """
    chain = MergeChain(study.folder.merges)
    checked = verify_file(kept)
    known = [one.content for one in chain.entries()]
    mine = [content for content in known if content["kept_as"] == kept.name]
    if mine and mine[-1]["heads"] == checked.heads:
        return
    chain.add(
        {
            "utc": now_utc(),
            "application": application_version(),
            "pack_id": pack_id,
            "reader": reader,
            "condition": condition,
            "kept_as": kept.name,
            "answers": checked.answers,
            "heads": checked.heads,
        }
    )


def kept_pack(study: LockedStudy, pack_id: str) -> Path:
    """Return where a pack that came back is kept."""
    return study.folder.returned / f"{pack_id}{SUFFIX}"


def _identify(study: LockedStudy, path: Path) -> tuple[str, str]:
    """Return id and condition of a pack of this study."""
    with closing(open_database(path)) as connection, explained(path, "read"):
        facts = read_facts(connection)
    if facts.get("study_id") != study.study_id:
        raise StudyError(
            f"{path} belongs to an unknown study ({facts.get('title', '')!r}), not to "
            f"{study.protocol.title!r} in {study.folder.path}; nothing of it was taken"
        )
    pack_id = facts.get("pack_id", "")
    known = read_packs(study).get(pack_id)
    if known is None or facts.get("lock_sha256") != study.sha256:
        raise StudyError(
            f"{path} is not a pack that was made from {study.folder.path}; nothing of "
            f"it was taken"
        )
    return pack_id, known["condition"]


def _check_order(
    study: LockedStudy, truth: Truth, path: Path, pack_id: str, condition: str
) -> str:
    """Return whose pack it is, once its order is the one that was drawn."""
    reader = read_packs(study)[pack_id]["reader"]
    drawn = draw_sequence(truth, study.protocol, reader, condition, pack_id)
    with closing(open_database(path)) as connection, explained(path, "read"):
        found = connection.execute(
            "SELECT reader, case_id FROM orders ORDER BY reader, position"
        ).fetchall()
    if found != [(reader, showing.name) for showing in drawn]:
        raise StudyError(
            f"the order in {path} is not the one that was drawn for {reader}; nothing "
            f"of it was taken"
        )
    return reader


def _compare(kept: Path, path: Path, reader: str, aside: bool) -> str:
    """Return what to do with a pack of which a copy was taken before."""
    before, now = _hashes(kept), _hashes(path)
    if now <= before:
        return "nothing new"
    if before < now:
        return "taken"
    if aside:
        return "put aside"
    raise StudyError(
        f"{path} and a copy of it that was taken before were read apart, as if the "
        f"pack of {reader} had been opened on two computers: the answers of the first "
        f"copy stay, nothing of this one was taken and the file is unchanged; say that "
        f"it is to be put aside (aside) to keep it without counting it"
    )


def _hashes(path: Path) -> set[str]:
    with closing(open_database(path)) as connection, explained(path, "read"):
        return {value for (value,) in connection.execute("SELECT hash FROM record")}


def _aside_name(kept: Path) -> Path:
    stem = kept.name.removesuffix(SUFFIX)
    number = 1
    while (name := kept.with_name(f"{stem}.aside-{number}{SUFFIX}")).exists():
        number += 1
    return name


def _copy(path: Path, target: Path) -> None:
    """Copy a study file with what its log holds; the target is whole or unchanged."""
    part = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(exist_ok=True)
        part.unlink(missing_ok=True)
        with (
            closing(open_database(path)) as source,
            closing(sqlite3.connect(part)) as copy,
            explained(path, "copied"),
        ):
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        part.replace(target)
    except OSError as error:
        raise StudyError(
            f"{path} could not be copied to {target} ({error.strerror}); nothing of it "
            f"was taken"
        ) from error
    finally:
        part.unlink(missing_ok=True)
