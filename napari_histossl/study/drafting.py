"""Design a study: take pictures of all arms in by one path, write the owner's folder.

Whatever a picture is, it goes the same way: decode, ICC to sRGB, cut and scaled to one
size and one scale, PNG without metadata, an opaque name. Nothing is locked yet: the
leak check comes first (`napari_histossl.study.checking`), then the lock
(`napari_histossl.study.locking`).
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import StudyError
from napari_histossl.jobs import Progress
from napari_histossl.study.folder import StudyFolder, write_json
from napari_histossl.study.order import derive, shuffle
from napari_histossl.study.protocol import Protocol
from napari_histossl.study.selection import PictureTaker, seed_bytes
from napari_histossl.study.sources import (
    Arm,
    Candidate,
    choose,
    cut_slide,
    list_candidates,
)
from napari_histossl.study.study_file import StudyFileWriter
from napari_histossl.study.truth import CaseTruth, Truth

DESIGN_FORMAT = "histostudy-design-1"


@dataclass(frozen=True, slots=True)
class DesignPlan:
    """Everything that decides a designed study.

    Attributes
    ----------
    folder : Path
        The owner's folder to be made.
    protocol : Protocol
        What is asked, how it is analysed.
    arms : tuple of Arm
        Sources, at least one of each class.
    size_px : int or None
        Edge of the pictures; None takes pictures of one size whole.
    mpp : float or None
        Micrometres per pixel of all pictures.
    seed : bytes or int or None
        What everything random is drawn from; None for a study that is read.
    """

    folder: Path
    protocol: Protocol
    arms: tuple[Arm, ...]
    size_px: int | None = None
    mpp: float | None = None
    seed: bytes | int | None = None


@dataclass(frozen=True, slots=True)
class _Taken:
    """A picture that becomes a case."""

    arm: Arm
    candidate: Candidate
    role: str


def draft_study(plan: DesignPlan) -> Iterator[Progress]:
    """Take pictures in and write the folder of a study; closing it leaves nothing.

    Yields
    ------
    Progress
        Pictures taken in.

    Raises
    ------
    StudyError
        If the arms do not make a study, a picture cannot be taken, or the folder
        exists. Then nothing is written.
    """
    _check_arms(plan)
    part = plan.folder.with_name(f".{plan.folder.name}.{secrets.token_hex(4)}.part")
    cut = part.with_name(f"{part.name}-cut")
    try:
        part.mkdir()
        seed = seed_bytes(plan.seed)
        slides = yield from _cut_slides(plan, cut, seed)
        cases = _choose_cases(plan, seed, slides)
        yield from _write_folder(plan, seed, cases, StudyFolder(part))
        _publish(part, plan.folder)
    except OSError as error:
        raise StudyError(
            f"the study {plan.folder} could not be written ({error}); choose a folder "
            f"that exists, that you may write in and that has space"
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
        shutil.rmtree(cut, ignore_errors=True)


def _check_arms(plan: DesignPlan) -> None:
    if plan.folder.exists():
        raise StudyError(
            f"{plan.folder} exists already and is never overwritten; choose another "
            f"name"
        )
    names = [arm.name for arm in plan.arms]
    if len(set(names)) != len(names):
        raise StudyError(f"two arms have one name: {', '.join(names)}; rename one")
    classes = {arm.synthetic for arm in plan.arms if arm.role == "test"}
    if classes != {False, True}:
        raise StudyError(
            "a study needs pictures of both classes: name at least one source of real "
            "and one of synthetic pictures"
        )
    for arm in plan.arms:
        if arm.is_slide and (arm.count is None or plan.size_px is None):
            raise StudyError(
                f"to cut {arm.source} takes the number of pictures and their size; "
                f"give both"
            )
        if (
            arm.mpp is not None
            and not arm.is_slide
            and None
            in (
                plan.mpp,
                plan.size_px,
            )
        ):
            raise StudyError(
                f"the pictures of {arm.name} have a scale of their own; say the scale "
                f"and the size of the study's pictures as well"
            )


def _publish(part: Path, folder: Path) -> None:
    try:
        part.rename(folder)
    except OSError as error:
        if folder.exists():
            raise StudyError(
                f"{folder} exists already and is never overwritten; choose another name"
            ) from error
        raise


def training_of(plan: DesignPlan, arm: Arm) -> int:
    """Return how many pictures of an arm go into the training block."""
    if arm.role != "test":
        return 0
    siblings = [
        other
        for other in plan.arms
        if other.role == "test" and other.synthetic == arm.synthetic
    ]
    each, rest = divmod(plan.protocol.training_per_class, len(siblings))
    return each + (siblings.index(arm) < rest)


def _cut_slides(
    plan: DesignPlan, folder: Path, seed: bytes
) -> Generator[Progress, None, dict[str, Path]]:
    """Cut the slides among the sources; return where the pictures of each arm are."""
    slides: dict[str, Path] = {}
    for arm in plan.arms:
        if arm.is_slide and plan.size_px is not None and arm.count is not None:
            slides[arm.name] = folder / derive(seed, f"cut/{arm.name}").hex()[:8]
            number = int.from_bytes(derive(seed, f"place/{arm.name}")[:4], "big")
            count = arm.count + training_of(plan, arm)
            yield from cut_slide(
                arm, slides[arm.name], count, plan.size_px, plan.mpp, number
            )
    return slides


def _choose_cases(
    plan: DesignPlan, seed: bytes, slides: dict[str, Path]
) -> dict[str, _Taken]:
    """Return the pictures that become cases, by new id."""
    cases: dict[str, _Taken] = {}
    for arm in plan.arms:
        candidates = list_candidates(arm, slides.get(arm.name))
        training = training_of(plan, arm)
        wanted = len(candidates) - training if arm.count is None else arm.count
        chosen = choose(seed, arm, candidates, max(wanted, 1) + training)
        by_name = {candidate.name: candidate for candidate in chosen}
        mixed = shuffle(seed, f"training/{arm.name}", list(by_name))
        for place, name in enumerate(mixed):
            role = "training" if place < training else arm.role
            case_id = derive(seed, f"id/{arm.name}/{name}").hex()[:16]
            cases[case_id] = _Taken(arm, by_name[name], role)
    return cases


def _write_folder(
    plan: DesignPlan, seed: bytes, cases: dict[str, _Taken], folder: StudyFolder
) -> Iterator[Progress]:
    taker = PictureTaker(plan.size_px)
    rows: dict[str, CaseTruth] = {}
    with StudyFileWriter(folder.pictures) as writer:
        for done, case_id in enumerate(sorted(cases), start=1):
            taken = cases[case_id]
            png = taker.take(taken.candidate.path, _shrink(plan, taken.arm))
            writer.add_picture(case_id, png)
            rows[case_id] = _truth_of(taken, png)
            yield Progress(done, len(cases))
        truth = Truth(secrets.token_hex(16), seed, rows)
        writer.finish(
            {
                "study_id": truth.study_id,
                "title": plan.protocol.title,
                "height_px": str(taker.shape[0]),
                "width_px": str(taker.shape[1]),
                "mpp": "" if plan.mpp is None else repr(plan.mpp),
                "truth_sha256": truth.commitment,
            }
        )
    truth.write(folder.truth)
    write_json(folder.design, _describe(plan, truth))


def _shrink(plan: DesignPlan, arm: Arm) -> float:
    """Return the pixels of an arm per pixel of the study."""
    if arm.mpp is None or arm.is_slide or plan.mpp is None:
        return 1.0
    return plan.mpp / arm.mpp


def _truth_of(taken: _Taken, png: bytes) -> CaseTruth:
    return CaseTruth(
        taken.arm.synthetic,
        taken.candidate.path.name,
        hashlib.sha256(png).hexdigest(),
        taken.role,
        taken.arm.name,
        taken.candidate.cluster,
        taken.candidate.stratum,
    )


def _describe(plan: DesignPlan, truth: Truth) -> dict[str, object]:
    return {
        "format": DESIGN_FORMAT,
        "study_id": truth.study_id,
        "protocol": plan.protocol.as_json(),
        "arms": [arm.as_json() for arm in plan.arms],
        "size_px": plan.size_px,
        "mpp": plan.mpp,
    }
