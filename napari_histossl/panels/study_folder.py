"""The owner's part of the Study page without a window: design, packs, power."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_histossl.errors import PlanError
from napari_histossl.panels.study import split_readers
from napari_histossl.study import (
    Arm,
    DesignPlan,
    LockedStudy,
    PackPlan,
    PowerPlan,
    Protocol,
)
from napari_histossl.study.packing import pack_name, read_packs
from napari_histossl.study.sealing import new_code


@dataclass(frozen=True, slots=True)
class DesignChoice:
    """What the owner of a study has filled in for a design.

    Attributes
    ----------
    folder : str
        The owner's folder to be made.
    real, synthetic : str
        Sources of each class, separated by semicolons: folders, lists or slides.
    title, readers : str
        Shown to readers; their pseudonyms, separated by commas.
    per_class : int
        Test pictures of each class; 0 for all there are.
    size_px : int
        Edge of the pictures; 0 to take them whole.
    mpp : float
        Micrometres per pixel; 0 where unknown.
    training : int
        Training pictures of each class.
    repeats : float
        Share of the test pictures that are shown twice.
    margin : float
        Of equivalence, about chance.
    """

    folder: str = ""
    real: str = ""
    synthetic: str = ""
    title: str = "Reader study"
    readers: str = "reader-1, reader-2"
    per_class: int = 0
    size_px: int = 0
    mpp: float = 0.0
    training: int = 5
    repeats: float = 0.1
    margin: float = 0.1


def resolve_design(choice: DesignChoice) -> DesignPlan:
    """Return the plan of a design; looks at the choice alone, never at the disk.

    Raises
    ------
    PlanError
        If something is not filled in.
    StudyError
        If something makes no sense.

    Examples
    --------
    >>> plan = resolve_design(DesignChoice("out", "bank", "a/gan; a/diffusion"))
    >>> [arm.name for arm in plan.arms]
    ['bank', 'gan', 'diffusion']
    """
    if not choice.folder.strip():
        raise PlanError("choose the folder of the study that is to be made first")
    protocol = Protocol(
        title=choice.title.strip() or "Reader study",
        readers=split_readers(choice.readers),
        training_per_class=choice.training,
        repeat_share=choice.repeats,
        margin=choice.margin,
    )
    arms = (
        *_arms(choice.real, False, choice.per_class),
        *_arms(choice.synthetic, True, choice.per_class),
    )
    return DesignPlan(
        Path(choice.folder.strip()).expanduser(),
        protocol,
        arms,
        choice.size_px or None,
        choice.mpp or None,
    )


def _arms(text: str, synthetic: bool, count: int) -> tuple[Arm, ...]:
    sources = [part.strip() for part in text.split(";") if part.strip()]
    if not sources:
        name = "synthetic" if synthetic else "real"
        raise PlanError(f"choose at least one source of {name} pictures first")
    shares = [
        count // len(sources) + (place < count % len(sources))
        for place in range(len(sources))
    ]
    return tuple(
        Arm(
            name=Path(source).name,
            synthetic=synthetic,
            source=str(Path(source).expanduser()),
            count=share or None,
        )
        for source, share in zip(sources, shares, strict=True)
    )


def resolve_packs(study: LockedStudy, key: Path, out: Path) -> tuple[PackPlan, ...]:
    """Return the packs that have not been made yet, for all who are planned.

    Raises
    ------
    PlanError
        If every reader has one.
    """
    made = {(row["reader"], row["condition"]) for row in read_packs(study).values()}
    wanted = [
        (reader, condition)
        for reader in study.protocol.readers
        for condition in study.protocol.conditions or ("",)
        if (reader, condition) not in made
    ]
    if not wanted:
        raise PlanError(
            f"every reader of {study.protocol.title!r} has a pack already; a second "
            f"one for who lost theirs is made by `napari-histossl study pack --again`"
        )
    return tuple(
        PackPlan(
            study,
            key,
            reader,
            out / pack_name(study, reader, condition),
            condition,
            new_code(),
        )
        for reader, condition in wanted
    )


def resolve_power(margin: float) -> PowerPlan:
    """Return what is simulated to say how many readers and pictures are enough."""
    return PowerPlan(
        readers=(2, 3, 5, 8, 12), cases=(50, 100, 200, 400), margin=margin, studies=500
    )
