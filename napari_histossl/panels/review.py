"""Review without a window: what is reviewed, a list of its objects, decisions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from skimage.segmentation import flood

from napari_histossl.annotate import Decision, MaskStore, Verdict
from napari_histossl.annotate.review_objects import ObjectTable
from napari_histossl.annotate.review_search import Measure, ObjectSearch
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress
from napari_histossl.overlays.class_proposal import ClassProposal, LabelChoice
from napari_histossl.panels.class_reference import ReferenceMask
from napari_histossl.panels.class_shown import list_shown
from napari_histossl.panels.review_planes import (
    DifferencePlane,
    ModelPlane,
    Plane,
    ProposalPlane,
    ReferencePlane,
    read_by_tiles,
)

ENTROPY, MARGIN, DISAGREEMENT = "entropy", "margin", "disagreement"
"""What can be uncertain about an object."""

ACCEPTED = "accepted"
"""Share of an object that a person has accepted already, of what models said."""

MODEL_TITLE = "what models said in this mask"

_MOST_PX = 64_000_000
"""Largest level that is searched: 8 um a pixel on a slide of 5 x 5 cm."""

LEAST_UM2 = 400.0
"""Area below which an object is not listed: a square of 20 um, a cell and its rim."""

Kind = Literal["proposal", "mask", "difference"]


@dataclass(frozen=True, slots=True)
class ReviewSource:
    """Something whose objects can be gone through; picklable.

    Attributes
    ----------
    title : str
        What people call it; names in the journal begin with it.
    kind : str
        ``"proposal"``, ``"mask"`` for what models said in the mask, or
        ``"difference"``.
    labels : LabelChoice or None
        Of a proposal: which labels.
    reference : Path or None
        Of a difference: the second mask.
    """

    title: str
    kind: Kind
    labels: LabelChoice | None = None
    reference: Path | None = None


@dataclass(frozen=True, slots=True)
class ReviewPlan:
    """A list of objects that will be made; picklable.

    Attributes
    ----------
    mask_path : Path
        The mask, which may be open for correcting elsewhere.
    source : ReviewSource
        Whose objects.
    second : LabelChoice or None
        Labels of a second model, for disagreement.
    level : int
        Level of the mask that is searched.
    least_px : int
        Smaller objects are left out, in pixels of that level.
    slide_shape : tuple of int
        Height and width of the slide in level-0 pixels.
    out : Path
        File of the list.
    """

    mask_path: Path
    source: ReviewSource
    second: LabelChoice | None
    level: int
    least_px: int
    slide_shape: tuple[int, int]
    out: Path


def list_sources(folder: Path) -> list[ReviewSource]:
    """Return what of a slide's results can be reviewed: all that gives labels."""
    found = [
        ReviewSource(shown.title, "proposal", LabelChoice(shown.path))
        for shown in list_shown(folder)
        if shown.as_labels
    ]
    return [*found, ReviewSource(MODEL_TITLE, "mask")]


def source_of(overlay: Path, folder: Path) -> ReviewSource:
    """Return an overlay as something to review, called what the window calls it.

    Parameters
    ----------
    overlay : Path
        Folder of the overlay.
    folder : Path
        Results folder of the slide.
    """
    for source in list_sources(folder):
        if source.labels is not None and source.labels.path == overlay:
            return source
    name = overlay.name.removesuffix(".ome.zarr")
    return ReviewSource(name, "proposal", LabelChoice(overlay))


def difference_from(reference: Path) -> ReviewSource:
    """Return the differences of a mask from a second one as something to go through."""
    name = reference.name.removesuffix(".ome.zarr")
    return ReviewSource(f"against {name}", "difference", reference=reference)


def list_path(mask_path: Path, source: ReviewSource) -> Path:
    """Return where the list of a mask's objects is kept."""
    name = mask_path.name.removesuffix(".ome.zarr")
    part = "differences" if source.kind == "difference" else "review"
    return mask_path.with_name(f"{name}.{part}.npz")


def resolve(
    mask: MaskStore,
    source: ReviewSource,
    slide_shape: tuple[int, int],
    *,
    second: LabelChoice | None = None,
    least_um2: float = LEAST_UM2,
) -> ReviewPlan:
    """Return the plan of a list of objects.

    Parameters
    ----------
    mask : MaskStore
        The mask.
    source : ReviewSource
        Whose objects.
    slide_shape : tuple of int
        Height and width of the slide in level-0 pixels.
    second : LabelChoice or None
        Labels of a second model.
    least_um2 : float
        Smaller objects are left out, in square micrometres; without a scale none is.

    Raises
    ------
    PlanError, StoreError
        If there are no such labels.
    """
    level = _level(mask, source)
    least_px = 1
    if mask.mpp_yx is not None:
        pixel_um2 = mask.mpp_yx[0] * mask.mpp_yx[1] * 4**level
        least_px = max(round(least_um2 / pixel_um2), 1)
    out = list_path(mask.path, source)
    return ReviewPlan(mask.path, source, second, level, least_px, slide_shape, out)


def _level(mask: MaskStore, source: ReviewSource) -> int:
    """Return the finest level that is small enough, and not finer than what is said."""
    sizes = [math.prod(level.shape) for level in mask.levels]
    small = [number for number, size in enumerate(sizes) if size <= _MOST_PX]
    level = small[0] if small else len(sizes) - 1
    if source.labels is not None:
        proposal = ClassProposal.open(source.labels, mask.downsample)
        ratio = min(proposal.ratio_yx)
        level = max(level, math.floor(math.log2(ratio) + 1e-6) if ratio >= 1 else 0)
    return min(level, len(mask.levels) - 1)


def plane_of(
    source: ReviewSource, mask: MaskStore, slide_shape: tuple[int, int]
) -> Plane:
    """Open what is reviewed.

    Raises
    ------
    PlanError, StoreError
        If there is no such thing, or it does not fit the mask.
    """
    if source.kind == "mask":
        return ModelPlane(mask)
    if source.labels is not None:
        return ProposalPlane(source.labels, mask)
    if source.reference is None:
        raise PlanError(f"nothing is chosen to compare the mask with: {source.title}")
    second = ReferenceMask.open(source.reference, mask.classes, slide_shape)
    return DifferencePlane(mask, ReferencePlane(second, mask))


def find_objects(plan: ReviewPlan) -> Iterator[Progress]:
    """Find all objects and write the list; a job for any process.

    Parameters
    ----------
    plan : ReviewPlan
        From `resolve`.

    Yields
    ------
    Progress
        After each tile, in pixels of the level.

    Raises
    ------
    PlanError, StoreError, JournalError
        If something cannot be read, or the list cannot be written.
    """
    with MaskStore.open(plan.mask_path, read_only=True) as mask:
        plane = plane_of(plan.source, mask, plan.slide_shape)
        measured, measure = _measures(plan, plane, mask)
        walked = _OneLevel(plane, plan.level)
        search = ObjectSearch(walked, plan.level, plan.source.title, measured, measure)
        yield from search.run()
    table = search.objects(plan.least_px)
    table.save(plan.out)
    yield Progress(1, 1, message=f"{len(table):,} objects")


class _OneLevel:
    """A plane whose coarser levels are not looked at: small things vanish there."""

    def __init__(self, plane: Plane, level: int) -> None:
        self.levels = plane.levels[: level + 1]
        self.classes, self.downsample = plane.classes, plane.downsample
        self.read = plane.read


def _measures(
    plan: ReviewPlan, plane: Plane, mask: MaskStore
) -> tuple[tuple[str, ...], Measure | None]:
    """Return what is measured of each object, and the function that does it."""
    level = plan.level
    parts: list[Measure] = []
    names: tuple[str, ...] = ()
    if isinstance(plane, ProposalPlane) and plane.has_maps:
        names += (ENTROPY, MARGIN)
        parts.append(lambda box: plane.uncertainty(box, level))
    if isinstance(plane, ModelPlane):
        names += (ACCEPTED,)
        parts.append(lambda box: plane.is_accepted(box, level))
    if plan.second is not None:
        second = ProposalPlane(plan.second, mask)
        names += (DISAGREEMENT,)
        parts.append(lambda box: _differs(plane, second, box, level))
    if not parts:
        return (), None
    return names, lambda box: np.concatenate([part(box) for part in parts])


def _differs(first: Plane, second: Plane, box: Box, level: int) -> NDArray[np.float32]:
    is_other = first.read(box, level) != second.read(box, level)
    differs: NDArray[np.float32] = is_other[None].astype(np.float32)
    return differs


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Which pixels belong to an object.

    Attributes
    ----------
    found : ndarray of shape (height, width) and dtype bool
        Pixels of the level.
    box_px : Box
        Where they are.
    level : int
        The level.
    """

    found: NDArray[np.bool_]
    box_px: Box
    level: int


def footprint(plane: Plane, table: ObjectTable, index: int) -> Footprint | None:
    """Return which pixels belong to an object of a list; None where it is gone.

    Raises
    ------
    StoreError
        If what is reviewed cannot be read.
    """
    box = table.box_px(index)
    labels = read_by_tiles(plane, box, table.level)
    row, column = (table.anchors_px[index] - (box.y, box.x)).tolist()
    code = int(table.classes[index]) + (int(table.others[index]) << 8)
    if labels[row, column] != code:
        return None
    found = flood(labels, (row, column), connectivity=1)  # type: ignore[no-untyped-call]
    return Footprint(np.asarray(found, np.bool_), box, table.level)


def decision(
    plane: Plane,
    table: ObjectTable,
    index: int,
    verdict: Verdict,
    *,
    again: bool = False,
    author: str | None = None,
) -> Decision:
    """Return a decision on an object, to be painted on the mask.

    Parameters
    ----------
    plane : Plane
        What is reviewed; see `plane_of`.
    table : ObjectTable
        The list.
    index : int
        Which object.
    verdict : Verdict
        What is decided.
    again : bool
        Whether it was rejected before.
    author : str or None
        Who decides.

    Raises
    ------
    PlanError
        If the object is not there any more, or is a difference, on which the brush
        decides.
    """
    if isinstance(plane, DifferencePlane):
        raise PlanError(
            "a difference between two masks is not accepted or rejected; paint what is "
            "right, and write a comment where that needs words"
        )
    place = footprint(plane, table, index)
    if place is None and again:
        raise PlanError(
            "what was taken out of the mask is not in it any more: take the rejection "
            "back with Ctrl+Z, or paint the object"
        )
    if place is None:
        raise PlanError(
            "this object is not there any more: the mask or the proposal has changed; "
            "list the objects again"
        )
    return Decision(
        place.found,
        place.box_px,
        place.level,
        int(table.classes[index]),
        verdict,
        table.name(index),
        plane if isinstance(plane, ProposalPlane) else None,
        again,
        author,
    )
