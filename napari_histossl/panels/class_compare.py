"""Labels of a model against a mask that somebody made: how far, and where not."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import UNLABELLED, ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box, TileGrid
from napari_histossl.metrics.confusion import confusion_matrix
from napari_histossl.metrics.segmentation import Confusion
from napari_histossl.overlays.class_labels import ClassLabels
from napari_histossl.overlays.class_proposal import ClassProposal, LabelChoice
from napari_histossl.panels.class_reference import ReferenceMask

_BLOCK_PX = 2048
"""Edge of what is compared at a time, in pixels of the reference."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """How well labels agree with a reference; picklable.

    Attributes
    ----------
    classes : ClassTable
        What was compared.
    confusion : Confusion
        Pixels of the reference by class, in the order of `classes`. Those that it
        leaves unlabelled, or gives a class that the model does not know, count nowhere.
    share : float
        Of the labelled pixels of the reference that were computed, and so compared.
    """

    classes: ClassTable
    confusion: Confusion
    share: float


def compare(
    choice: LabelChoice, reference: Path, slide_shape: tuple[int, int]
) -> Comparison:
    """Compare labels with a reference, at the resolution of the reference.

    Parameters
    ----------
    choice : LabelChoice
        Which labels.
    reference : Path
        As `ReferenceMask.open` takes it.
    slide_shape : tuple of int
        Height and width of the slide in level-0 pixels.

    Returns
    -------
    Comparison
        Over the whole slide.

    Raises
    ------
    PlanError
        If the mask is of another size than the slide, shares no class with the model,
        or says nothing where the model has computed.
    StoreError
        If something cannot be read.
    """
    classes = ClassProposal.open(choice, 1.0).classes
    truth = ReferenceMask.open(reference, classes, slide_shape)
    labels = ClassProposal.open(choice, truth.pixel_px0)
    places = np.zeros(256, np.uint8)
    for place, info in enumerate(classes, start=1):
        places[info.index] = place
    found, labelled = Confusion.empty(len(classes)), 0
    grid = TileGrid(truth.shape, _BLOCK_PX)
    for tile in grid.covering(Box(0, 0, *truth.shape)):
        box = grid.box(*tile).intersection(Box(0, 0, *truth.shape))
        assert box is not None  # the grid covers the mask and no more
        true = truth.sample(box)
        if true.any():
            labelled += int(np.count_nonzero(true))
            true[~labels.is_computed(box)] = UNLABELLED
            found += confusion_matrix(
                places[labels.read(box)],
                places[true],
                len(classes),
                exclude_index=UNLABELLED,
                first=1,
            )
    compared = int(found.support.sum())
    if not compared:
        raise PlanError(
            f"{reference.name} labels no pixel that was computed with a class that the "
            f"model knows; choose another mask, or compute there first"
        )
    return Comparison(classes, found, compared / labelled)


class Differences:
    """Where labels differ from a reference, as labels themselves.

    Parameters
    ----------
    choice : LabelChoice
        Which labels.
    reference : Path
        As `ReferenceMask.open` takes it.
    slide_shape : tuple of int
        Height and width of the slide in level-0 pixels.

    Raises
    ------
    PlanError, StoreError
        As `compare`.

    Attributes
    ----------
    choice : LabelChoice
        Which labels.
    classes : ClassTable
        What is differed about.
    pyramid : Pyramid
        The overlay that the labels are from.
    levels : tuple of Level
        Its levels.
    """

    def __init__(
        self, choice: LabelChoice, reference: Path, slide_shape: tuple[int, int]
    ) -> None:
        self.choice = choice
        self._proposal = ClassProposal.open(choice, 1.0)
        self.classes = self._proposal.classes
        self.pyramid = self._proposal.overlay
        self.levels = self.pyramid.levels
        self._truth = ReferenceMask.open(reference, self.classes, slide_shape)

    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Return what the reference says wherever the labels say something else.

        Parameters
        ----------
        box : Box
            In pixels of the level.
        level : int, optional
            Index into `levels`.

        Returns
        -------
        ndarray of shape (height, width) and dtype uint8
            Indices of `classes`; 0 where both agree, and where the reference says
            nothing.
        """
        pixel = self.pyramid.pixel_px0_yx
        assert pixel is not None  # a proposal has a scale
        true = self._truth.sample(box, pixel[0] * 2**level)
        labels = self._proposal.labels
        differs = labels.read(box, level) != true
        if isinstance(labels, ClassLabels):
            differs &= labels.is_computed(box, level)
        return np.where(differs, true, np.uint8(UNLABELLED))
