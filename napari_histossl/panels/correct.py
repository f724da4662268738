"""The Correct page without a window: choices, plans, and the jobs they lead to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from napari_histossl.annotate import MaskStore
from napari_histossl.classes import DEFAULT_CLASSES, ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.jobs import Progress
from napari_histossl.overlays import Proposal
from napari_histossl.overlays.class_proposal import ClassProposal, LabelChoice
from napari_histossl.slide import Slide, virtual_levels
from napari_histossl.store import Pyramid, paths

MASK_MPP = 0.5
"""Micrometres a mask pixel where nothing else is asked for: a nucleus is 15 pixels."""

_NEAR = 1.25
"""A level up to this much finer or coarser than asked counts as the one asked for."""


@dataclass
class MaskChoice:
    """What the person chose for a new mask.

    Attributes
    ----------
    name : str
        Name of the mask.
    mpp : float
        Micrometres a pixel wished for; the nearest virtual level is taken.
    overlay : Path or None
        Overlay to start from; None starts empty.
    head : int
        Channel of the overlay, from 0.
    kept : float
        Share of the computed tokens with the most attention that is labelled, 0 to 1.
    class_index : int
        Label they get.
    threshold : float or None
        In place of `kept`: least attention that is labelled, 1.0 is uniform attention.
    labels : LabelChoice or None
        In place of `overlay`: labels of several classes to start from; the mask has
        their classes.
    """

    name: str = "mask"
    mpp: float = MASK_MPP
    overlay: Path | None = None
    head: int = 0
    kept: float = 0.2
    class_index: int = 1
    threshold: float | None = None
    labels: LabelChoice | None = None


@dataclass(frozen=True, slots=True)
class MaskPlan:
    """A mask that will be made.

    Attributes
    ----------
    path : Path
        Folder of the mask.
    shape : tuple of int
        Height and width in pixels.
    mpp_yx : tuple of float or None
        Micrometres a pixel.
    downsample : float
        Level-0 pixels of the slide per pixel of the mask.
    slide_name : str
        For the provenance.
    overlay : Path or None
        Overlay it starts from; `head`, `kept`, `class_index`, `threshold` and `labels`
        as in `MaskChoice`.
    """

    path: Path
    shape: tuple[int, int]
    mpp_yx: tuple[float, float] | None
    downsample: float
    slide_name: str
    overlay: Path | None
    head: int
    kept: float
    class_index: int
    threshold: float | None = None
    labels: LabelChoice | None = None


def resolve(choice: MaskChoice, slide: Slide, folder: Path) -> MaskPlan:
    """Turn choices into a plan.

    Parameters
    ----------
    choice : MaskChoice
        What the person chose.
    slide : Slide
        The slide on which the mask lies.
    folder : Path
        Results folder of the slide.

    Returns
    -------
    MaskPlan
        For `start_mask`.

    Raises
    ------
    PlanError
        If there is a mask of that name already, or the share is not between 0 and 1.
    StoreError
        If the name cannot be a file name.
    """
    path = paths.mask_path(folder, choice.name.strip())
    if path.exists() and not is_unfinished(path):
        raise PlanError(
            f"there is a mask named {choice.name!r} on this slide already; open it, or "
            f"choose another name"
        )
    if not 0 < choice.kept < 1:
        raise PlanError(
            f"the share of the attention map that is kept lies between 0 and 1; got "
            f"{choice.kept}"
        )
    level = virtual_levels(slide)[_mask_level(slide, choice.mpp)]
    mpp_yx = None
    if slide.mpp_yx is not None:
        y, x = slide.mpp_yx
        mpp_yx = y * level.downsample, x * level.downsample
    return MaskPlan(
        path,
        level.shape,
        mpp_yx,
        level.downsample,
        slide.source.name,
        choice.overlay,
        choice.head,
        choice.kept,
        choice.class_index,
        choice.threshold,
        choice.labels,
    )


def _mask_level(slide: Slide, mpp: float) -> int:
    """Return the coarsest virtual level that is about as fine as asked; 0 unknown."""
    if slide.mpp_yx is None:
        return 0
    finest = max(slide.mpp_yx)
    fitting = [
        index
        for index, level in enumerate(virtual_levels(slide))
        if finest * level.downsample <= mpp * _NEAR
    ]
    return fitting[-1] if fitting else 0


def free_mask_name(folder: Path, stem: str) -> str:
    """Return a name for a new mask: the stem, with a number where it is taken.

    Parameters
    ----------
    folder : Path
        Results folder of the slide.
    stem : str
        Wished for.
    """
    found = paths.list_masks(folder)
    taken = {path.name.removesuffix(".ome.zarr") for path in found}
    names = [stem, *(f"{stem} {number}" for number in range(2, len(taken) + 3))]
    return next(name for name in names if name not in taken)


def start_mask(plan: MaskPlan) -> Iterator[Progress]:
    """Make the mask of a plan: empty, from a thresholded head, or from labels.

    Parameters
    ----------
    plan : MaskPlan
        From `resolve`.

    Yields
    ------
    Progress
        While the proposal is copied; after a kill the same plan goes on with it.

    Raises
    ------
    PlanError
        If the overlay has no scale, no such head, nothing computed yet, or no classes
        where labels are asked for.
    StoreError, JournalError
        If the mask cannot be written.
    """
    proposal = _proposal(plan)
    facts = {"slide": plan.slide_name, **(proposal.facts if proposal else {})}
    classes = DEFAULT_CLASSES
    if isinstance(proposal, ClassProposal):
        classes = proposal.classes
    with new_or_unfinished(plan, classes, facts) as mask:
        if proposal is not None:
            yield from mask.seed(proposal, provenance=facts)
    yield Progress(1, 1, message="mask made")


def is_unfinished(path: Path) -> bool:
    """Tell whether copying a proposal into a mask was begun and not finished."""
    with MaskStore.open(path, read_only=True) as mask:
        return mask.is_seeding


def new_or_unfinished(
    plan: MaskPlan, classes: ClassTable, facts: Mapping[str, Any]
) -> MaskStore:
    """Return the mask of a plan: a new one, or one whose making was interrupted."""
    if plan.path.exists():
        return MaskStore.open(plan.path)
    return MaskStore.create(
        plan.path,
        plan.shape,
        plan.mpp_yx,
        classes,
        provenance=facts,
        downsample=plan.downsample,
    )


def _proposal(plan: MaskPlan) -> Proposal | ClassProposal | None:
    if plan.labels is not None:
        return ClassProposal.open(plan.labels, plan.downsample)
    if plan.overlay is None:
        return None
    if plan.mpp_yx is None:
        raise PlanError(
            f"{plan.slide_name} does not say how large a pixel is, so an overlay "
            f"cannot be laid on a mask; give the micrometres per pixel first"
        )
    return Proposal.from_overlay(
        Pyramid.open(plan.overlay),
        plan.head,
        shape=plan.shape,
        mpp_yx=plan.mpp_yx,
        threshold=plan.threshold,
        quantile=1 - plan.kept if plan.threshold is None else None,
        class_index=plan.class_index,
    )
