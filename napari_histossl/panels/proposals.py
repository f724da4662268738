"""What can be taken from: overlays and other masks of a slide, as labels of a mask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import MaskStore
from napari_histossl.classes import ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays import Proposal
from napari_histossl.overlays.class_proposal import (
    ClassProposal,
    LabelChoice,
    says_classes,
)
from napari_histossl.store import Pyramid, paths


@dataclass(frozen=True, slots=True)
class ProposalChoice:
    """Which proposal, and how it becomes labels.

    Attributes
    ----------
    path : Path
        Folder of an overlay, or of another mask.
    head : int
        For an overlay without classes: channel, from 0.
    kept : float
        For such an overlay: share with the most attention that is labelled, 0 to 1.
    class_index : int
        For such an overlay: the label that this part gets.
    """

    path: Path
    head: int = 0
    kept: float = 0.2
    class_index: int = 1


class Labels(Protocol):
    """Anything that gives the labels of a box of a mask's level 0."""

    def read(self, box: Box) -> NDArray[np.uint8]:
        """Return class indices of shape (height, width)."""


@dataclass(frozen=True, slots=True, eq=False)
class Proposed:
    """A proposal that is open.

    Attributes
    ----------
    source : Labels
        Its labels, as classes of the mask.
    facts : mapping
        What made it, for the journal.
    left_out : tuple of str
        Its classes that the mask does not have; they are not taken.
    """

    source: Labels
    facts: Mapping[str, Any]
    left_out: tuple[str, ...] = ()


def list_proposals(folder: Path, mask: Path | None) -> list[Path]:
    """Return what can be taken from on a slide: overlays, then other masks.

    Parameters
    ----------
    folder : Path
        Results folder of the slide.
    mask : Path or None
        The mask that is corrected; it is not among them.
    """
    others = [path for path in paths.list_masks(folder) if path != mask]
    return [*paths.list_overlays(folder), *others]


def has_heads(path: Path) -> bool:
    """Whether a proposal is an overlay without classes; reads its header.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    return not says_classes(path)


def open_proposal(choice: ProposalChoice, mask: MaskStore) -> Proposed:
    """Open a proposal for a mask; reads all of an overlay without classes.

    Parameters
    ----------
    choice : ProposalChoice
        Which one.
    mask : MaskStore
        What is corrected.

    Raises
    ------
    PlanError
        If it has no scale, no such head, or no class that the mask has, too.
    StoreError
        If it cannot be read.
    """
    if has_heads(choice.path):
        return _of_head(choice, mask)
    proposal = ClassProposal.open(LabelChoice(choice.path), mask.downsample)
    table, left_out = _translation(proposal.classes, mask.classes)
    if len(left_out) == len(proposal.classes):
        raise PlanError(
            f"{title(choice.path)} proposes {', '.join(left_out)}; the mask has none "
            f"of these classes: make a mask of this proposal instead"
        )
    return Proposed(_Translated(proposal, table), proposal.facts, left_out)


def _of_head(choice: ProposalChoice, mask: MaskStore) -> Proposed:
    if mask.mpp_yx is None:
        raise PlanError(
            f"the mask does not say how large a pixel is, so {title(choice.path)} "
            f"cannot be laid on it"
        )
    proposal = Proposal.from_overlay(
        Pyramid.open(choice.path),
        choice.head,
        shape=mask.shape,
        mpp_yx=mask.mpp_yx,
        quantile=1 - choice.kept,
        class_index=choice.class_index,
    )
    return Proposed(proposal, proposal.facts)


def _translation(
    theirs: ClassTable, ours: ClassTable
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Return our index for each of theirs, 0 for none, and names that have none."""
    table = np.zeros(256, np.uint8)
    for index, ours_index in theirs.indices_in(ours).items():
        table[index] = ours_index
    left_out = [info.name for info in theirs if not table[info.index]]
    return table, tuple(left_out)


@dataclass(frozen=True, slots=True, eq=False)
class _Translated:
    """Labels with the indices of another table."""

    proposal: ClassProposal
    table: NDArray[np.uint8]

    def read(self, box: Box) -> NDArray[np.uint8]:
        labels: NDArray[np.uint8] = self.table[self.proposal.read(box)]
        return labels


def title(path: Path) -> str:
    """Return what people call a proposal: its kind and its name."""
    return f"{path.parent.name.removesuffix('s')} {path.name.split('.ome.')[0]}"
