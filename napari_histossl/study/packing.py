"""Packs: one file for each reader, for computers without a network.

Protected: the pictures are records of one length that only the code opens, under names
that belong to this pack alone and in the order of these names. The order of showings
comes from the sealed seed; which showing repeats which, what is a catch picture, and
every class but those of the training block are not in the pack, sealed or not.

Not protected: a reader who has the code can look at the pictures with other programs,
and see that one is shown twice.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.jobs import Progress
from napari_histossl.study.database import SUFFIX, explained, open_database, read_facts
from napari_histossl.study.folder import write_json
from napari_histossl.study.locking import LockedStudy, open_truth
from napari_histossl.study.plan import check_readers
from napari_histossl.study.record import now_utc
from napari_histossl.study.sealing import (
    PictureSealer,
    Shown,
    key_of_code,
    new_code,
    read_json,
)
from napari_histossl.study.sequence import Showing, draw_sequence
from napari_histossl.study.study_file import StudyFileWriter, insert_order
from napari_histossl.study.truth import Truth
from napari_histossl.study.washout import washout_facts

PACK_SUFFIX = f".pack{SUFFIX}"
"""How the name of a pack ends."""


@dataclass(frozen=True, slots=True)
class PackPlan:
    """A pack to be made.

    Attributes
    ----------
    study : LockedStudy
        The study.
    key_path : Path
        Its key.
    reader : str
        For whom.
    path : Path
        The pack.
    condition : str
        Under which condition it is read; empty where there is one.
    code : str
        What opens it; see `new_code`.
    again : bool
        Whether a second pack of this reader is wanted, the first being lost.
    """

    study: LockedStudy
    key_path: Path
    reader: str
    path: Path
    condition: str = ""
    code: str = ""
    again: bool = False


def pack_study(plan: PackPlan) -> Iterator[Progress]:
    """Make the pack of one reader; closing it half-way leaves nothing.

    Yields
    ------
    Progress
        Pictures sealed.

    Raises
    ------
    StudyError
        If the condition or reader does not fit, the pack exists, or the key does not.
    """
    truth = open_truth(plan.study, plan.key_path)
    packs = read_packs(plan.study)
    _check(plan, packs)
    pack_id = secrets.token_hex(16)
    sequence = draw_sequence(
        truth, plan.study.protocol, plan.reader, plan.condition, pack_id
    )
    part = plan.path.with_name(f".{plan.path.name}.{secrets.token_hex(4)}.part")
    try:
        plan.path.parent.mkdir(parents=True, exist_ok=True)
        with explained(plan.path, "written"):
            yield from _write(plan, pack_id, sequence, truth, part)
        handed = {
            "reader": plan.reader,
            "condition": plan.condition,
            "made_utc": now_utc(),
        }
        write_json(plan.study.folder.packs, {**packs, pack_id: handed})
        part.rename(plan.path)
    except OSError as error:
        raise StudyError(
            f"the pack {plan.path} could not be written ({error}); choose a folder "
            f"that you may write in and that has space"
        ) from error
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            Path(f"{part}{ending}").unlink(missing_ok=True)


def read_packs(study: LockedStudy) -> dict[str, dict[str, str]]:
    """Return reader and condition of every pack that was made, by its id."""
    if not study.folder.packs.exists():
        return {}
    return dict(read_json(study.folder.packs, "the list of packs"))


def _check(plan: PackPlan, packs: dict[str, dict[str, str]]) -> None:
    conditions = plan.study.protocol.conditions or ("",)
    if plan.condition not in conditions:
        known = ", ".join(conditions) or "none"
        raise StudyError(
            f"the study has no condition {plan.condition!r}; its conditions: {known}"
        )
    if plan.path.exists():
        raise StudyError(
            f"{plan.path} exists already and is never overwritten; choose another name"
        )
    others = {row["reader"] for row in packs.values()} - {plan.reader}
    check_readers([*others, plan.reader])
    mine = (plan.reader, plan.condition)
    if not plan.again and mine in {
        (row["reader"], row["condition"]) for row in packs.values()
    }:
        raise StudyError(
            f"{plan.reader} has a pack already; a second one is made only if you say "
            f"that the first is lost (again)"
        )


def _write(
    plan: PackPlan, pack_id: str, sequence: list[Showing], truth: Truth, part: Path
) -> Iterator[Progress]:
    sealer = PictureSealer(key_of_code(plan.code, pack_id), pack_id)
    source = plan.study.folder.pictures
    with closing(open_database(source)) as store, StudyFileWriter(part) as writer:
        facts = read_facts(store)
        (room_bytes,) = store.execute("SELECT MAX(LENGTH(png)) FROM cases").fetchone()
        for done, showing in enumerate(sorted(sequence, key=lambda one: one.name), 1):
            (png,) = store.execute(
                "SELECT png FROM cases WHERE case_id = ?", (showing.case_id,)
            ).fetchone()
            told = showing.kind == "training"
            shown = Shown(png, truth.cases[showing.case_id].synthetic if told else None)
            writer.add_picture(
                showing.name, sealer.seal(showing.name, shown, room_bytes)
            )
            yield Progress(done, len(sequence))
        order = [showing.name for showing in sequence]
        insert_order(writer.connection, plan.reader, order)
        writer.finish(_facts(plan, pack_id, sequence, facts))


def _facts(
    plan: PackPlan, pack_id: str, sequence: list[Showing], facts: dict[str, str]
) -> dict[str, str]:
    protocol = plan.study.protocol
    kept = ("study_id", "title", "height_px", "width_px", "mpp")
    return {
        **{name: facts[name] for name in kept},
        "truth_sha256": plan.study.content["truth_sha256"],
        "lock_sha256": plan.study.sha256,
        "pack_id": pack_id,
        "condition": plan.condition,
        "training": str(sum(one.kind == "training" for one in sequence)),
        **protocol.asked.as_facts(),
        **washout_facts(
            plan.study.folder.returned,
            plan.study.study_id,
            plan.reader,
            plan.condition,
            protocol.washout_days,
        ),
    }


def pack_name(study: LockedStudy, reader: str, condition: str = "") -> str:
    """Return a name for a pack; nothing but letters, digits and dashes of a reader."""
    parts = (study.folder.path.name, reader, condition)
    stem = "-".join(re.sub(r"[^\w-]+", "_", part) for part in parts if part)
    return stem + PACK_SUFFIX


def create_pack(
    study: LockedStudy,
    key_path: Path,
    reader: str,
    path: Path,
    condition: str = "",
    *,
    again: bool = False,
) -> str:
    """Make the pack of one reader and return the code that opens it."""
    plan = PackPlan(study, key_path, reader, path, condition, new_code(), again)
    for _progress in pack_study(plan):
        pass
    return plan.code
