"""What is reviewed, in pixels of a mask: a proposal, the mask, or differences."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import MaskStore
from napari_histossl.annotate.review_search import paired
from napari_histossl.classes import UNLABELLED, ClassTable, Origin
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box, Level, TileGrid
from napari_histossl.overlays.class_labels import ClassLabels
from napari_histossl.overlays.class_proposal import ClassProposal, LabelChoice
from napari_histossl.overlays.lookup import Lookup
from napari_histossl.panels.class_reference import ReferenceMask
from napari_histossl.store import Pyramid

_TILE_PX = 1024
"""Edge of what is read of a proposal at a time: maps take 4 bytes a class and pixel."""


class Plane(Protocol):
    """Labels in the pixels of a mask."""

    @property
    def levels(self) -> tuple[Level, ...]: ...
    @property
    def classes(self) -> ClassTable: ...
    @property
    def downsample(self) -> float: ...
    def read(self, box: Box, level: int = 0) -> NDArray[Any]: ...


class ProposalPlane:
    """Labels of an overlay, in the pixels and the classes of a mask.

    Parameters
    ----------
    choice : LabelChoice
        Which labels.
    mask : MaskStore
        The mask; classes are found in it by their names.

    Attributes
    ----------
    levels : tuple of Level
        Those of the mask.
    classes : ClassTable
        Those of the mask.
    downsample : float
        That of the mask.

    Raises
    ------
    PlanError, StoreError
        If the overlay says no classes, or none that the mask has.
    """

    def __init__(self, choice: LabelChoice, mask: MaskStore) -> None:
        self._proposal = ClassProposal.open(choice, mask.downsample)
        self.levels, self.classes = mask.levels, mask.classes
        self.downsample = mask.downsample
        known = self._proposal.classes.indices_in(mask.classes)
        if not known:
            theirs = ", ".join(info.name for info in self._proposal.classes)
            raise PlanError(
                f"{choice.path.name} proposes {theirs}; the mask has no class of these "
                f"names: make a mask from this overlay, and review that"
            )
        self._meaning = np.zeros(256, np.uint8)
        for theirs_index, index in known.items():
            self._meaning[theirs_index] = index

    @property
    def has_maps(self) -> bool:
        """Whether it is known how strong each class is."""
        return isinstance(self._proposal.labels, ClassLabels)

    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Return the labels of a box of a level."""
        under, stored = self._under(box, level)
        labels = under.spread(self._proposal.labels.read(under.around, stored))
        meant: NDArray[np.uint8] = self._meaning[labels]
        return meant

    def uncertainty(self, box: Box, level: int) -> NDArray[np.float32]:
        """Return entropy and margin of a box, (2, height, width), from 0 to 1.

        Entropy is that of the classes' shares, over its largest value; margin is one
        minus what the strongest class has before the second. Both are 1 where all
        classes are equally likely, and NaN where nothing was computed.
        """
        under, stored = self._under(box, level)
        labels = self._proposal.labels
        assert isinstance(labels, ClassLabels)  # asked for where there are maps
        strengths = labels.strengths(under.around, stored)
        return np.stack([under.spread(plane) for plane in uncertainties(strengths)])

    def _under(self, box: Box, level: int) -> tuple[Lookup, int]:
        """Return what lies under a box, on the level that is about as coarse."""
        y, x = (ratio / 2**level for ratio in self._proposal.ratio_yx)
        stored = 0
        while max(y, x) <= 0.5 and stored + 1 < len(self._proposal.overlay.levels):
            stored, y, x = stored + 1, y * 2, x * 2
        return Lookup.of(box, (y, x)), stored


def uncertainties(strengths: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return entropy and margin of classes, from 0 (certain) to 1 (all alike).

    Parameters
    ----------
    strengths : ndarray of shape (classes, height, width) and dtype float32
        How strong each class is, not negative; their shares count.

    Returns
    -------
    ndarray of shape (2, height, width) and dtype float32
        Entropy over the logarithm of the number of classes, and one minus the
        difference of the two largest shares.
    """
    count = len(strengths)
    shares = strengths / np.maximum(strengths.sum(axis=0), 1e-12)
    if count < 2:  # one class is as uncertain as its strength is far from 1
        unsure = 1 - np.clip(strengths[0], 0, 1)
        return np.stack([unsure, unsure])
    logs = np.log(np.maximum(shares, 1e-12))
    entropy = -(shares * logs).sum(axis=0) / np.log(count)
    second, first = np.partition(shares, count - 2, axis=0)[-2:]
    return np.stack([entropy, 1 - (first - second)]).astype(np.float32)


class ModelPlane:
    """What models have said in a mask, and no person has painted over.

    Parameters
    ----------
    mask : MaskStore
        The mask.
    """

    def __init__(self, mask: MaskStore) -> None:
        self._mask = mask
        self.levels, self.classes = mask.levels, mask.classes
        self.downsample = mask.downsample

    def read(self, box: Box, level: int = 0) -> NDArray[Any]:
        """Return the labels of a box of a level."""
        origin = self._mask.origin(box, level)
        labels = self._mask.read(box, level)
        is_human = (origin == Origin.HUMAN) | (origin == Origin.UNTOUCHED)
        labels[is_human] = UNLABELLED
        return labels

    def is_accepted(self, box: Box, level: int) -> NDArray[np.float32]:
        """Return where a person has accepted it, (1, height, width), 0 or 1."""
        is_one = self._mask.origin(box, level) == Origin.MODEL_ACCEPTED
        accepted: NDArray[np.float32] = is_one[None].astype(np.float32)
        return accepted


class ReferencePlane:
    """A second mask of the slide, in the pixels and the classes of the first.

    Parameters
    ----------
    reference : ReferenceMask
        The second mask.
    mask : MaskStore
        The first one.
    """

    def __init__(self, reference: ReferenceMask, mask: MaskStore) -> None:
        self._reference = reference
        is_alike = reference.pixel_px0 == mask.downsample
        # coarser levels of other files may have lost what is small
        keeps_all = isinstance(reference.labels, Pyramid) and is_alike
        self.levels = mask.levels if keeps_all else mask.levels[:1]
        self.classes, self.downsample = mask.classes, mask.downsample

    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Return the labels of a box of a level, also of one that is not listed."""
        return self._reference.sample(box, self.downsample * 2**level)


class DifferencePlane:
    """Where two masks say different things; labels of two classes, see `paired`.

    Parameters
    ----------
    mask, reference : Plane
        Two masks, in the same pixels.
    """

    def __init__(self, mask: Plane, reference: Plane) -> None:
        self._mask, self._reference = mask, reference
        self.levels, self.classes = mask.levels, mask.classes
        self.downsample = mask.downsample

    def read(self, box: Box, level: int = 0) -> NDArray[np.uint16]:
        """Return the labels of a box of a level."""
        mine = self._mask.read(box, level)
        return paired(mine, self._reference.read(box, level))


def read_by_tiles(plane: Plane, box: Box, level: int) -> NDArray[Any]:
    """Return the labels of a large box, of which little is in memory besides."""
    grid = TileGrid(box.shape, _TILE_PX)
    labels: NDArray[Any] | None = None
    for place in grid.covering(Box(0, 0, *box.shape)):
        part = grid.box(*place).intersection(Box(0, 0, *box.shape))
        assert part is not None  # tiles of the grid lie on it
        found = plane.read(part.shifted(box.y, box.x), level)
        if labels is None:
            labels = np.zeros(box.shape, found.dtype)
        labels[part.slices] = found
    assert labels is not None  # a box has a tile
    return labels
