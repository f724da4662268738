"""What a person says of an object that a model proposed: accepted, or rejected."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_histossl.annotate._patches import Patch
from napari_histossl.annotate._wanted import Area, LabelSource, with_pixels
from napari_histossl.classes import UNLABELLED, Origin
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box


class Verdict(StrEnum):
    """What was decided; also the name of the tool in the history."""

    ACCEPT = "accept"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """A decision on one object; paint it on a mask as any stroke.

    Accepted, the object's pixels get its class, as accepted by a person; rejected, they
    lose it, as taken away by a person. What a person painted before stays as it is.

    Attributes
    ----------
    found : ndarray of shape (height, width) and dtype bool
        Which pixels of a level of the mask belong to the object. A level-0 pixel
        belongs to it if it has the class and lies in one of these or beside one: the
        edge of an object is finer than a coarse level shows.
    box_px : Box
        Where these pixels are, in pixels of that level.
    level : int
        The level.
    class_index : int
        Class of the object; not 0.
    verdict : Verdict
        What is decided.
    about : str
        Name of the object; see `ObjectTable.names`.
    source : LabelSource or None
        The proposal, in pixels of the mask's level 0; None for what models have said in
        the mask itself.
    again : bool
        The object was rejected before: accepting brings back what that took away.
    author : str or None
        Who decides; None stands for the login name.

    Raises
    ------
    AnnotationError
        If the pixels do not have the shape of the box, or the class is 0.
    """

    found: NDArray[np.bool_]
    box_px: Box
    level: int
    class_index: int
    verdict: Verdict
    about: str
    source: LabelSource | None = None
    again: bool = False
    author: str | None = None

    def __post_init__(self) -> None:
        if self.found.shape != self.box_px.shape or self.level < 0:
            raise AnnotationError(
                f"an object has the shape of its box, {self.box_px.shape}, on a level "
                f"from 0 on; got {self.found.shape} on level {self.level}"
            )
        if self.class_index == UNLABELLED:
            raise AnnotationError("an object has a class; got 0, unlabelled")

    @property
    def tool(self) -> str:
        """Name for the history."""
        return self.verdict.value

    def payload(self) -> bytes:
        """Return what the journal holds beside the pixels: which object it was."""
        facts = {"about": self.about, "class_index": self.class_index}
        return json.dumps(facts, sort_keys=True).encode()

    def wanted(self, shape: tuple[int, int], source: LabelSource | None) -> Decided:
        """Return what is to be set on a mask, from the same proposal after checks."""
        around = self.box_px.padded(1)
        found = np.asarray(ndimage.binary_dilation(np.pad(self.found, 1)), np.bool_)
        area = Area(found, around, self.level, Box(0, 0, *shape), self.class_index)
        return Decided(area, source, self.verdict, self.again)


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """How the pixels of an object look after a decision on it.

    Attributes
    ----------
    area : Area
        The object and what lies beside it, with its class.
    source : LabelSource or None
        The proposal; None for the mask itself.
    verdict : Verdict
        What was decided.
    again : bool
        Whether pixels that a person took the label from are given it again.
    """

    area: Area
    source: LabelSource | None
    verdict: Verdict
    again: bool

    def after(self, before: Patch) -> Patch | None:
        """Return the pixels of a box afterwards, or None where nothing changes."""
        is_set = self.area.covered(before.box) & self._is_proposed(before)
        if self.verdict is Verdict.ACCEPT:
            index: int = self.area.class_index
            return with_pixels(before, is_set, index, Origin.MODEL_ACCEPTED)
        is_set &= np.isin(before.labels, (UNLABELLED, self.area.class_index))
        return with_pixels(before, is_set, UNLABELLED, Origin.HUMAN)

    def _is_proposed(self, before: Patch) -> NDArray[Any]:
        """Return which pixels the proposal gives the class and no person has said."""
        is_human = before.origin == Origin.HUMAN
        if self.again:
            is_human &= before.labels != UNLABELLED
        labels = before.labels
        if self.source is not None:
            labels = self.source.read(before.box)
        proposed: NDArray[Any] = (labels == self.area.class_index) & ~is_human
        return proposed
