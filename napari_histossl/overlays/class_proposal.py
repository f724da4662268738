"""Labels of an overlay at the resolution of a mask: where correcting starts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.overlays.class_labels import ClassLabels
from napari_histossl.overlays.lookup import Lookup
from napari_histossl.store import Pyramid


@dataclass(frozen=True, slots=True)
class LabelChoice:
    """Which labels of a slide are meant; picklable.

    Attributes
    ----------
    path : Path
        Folder of an overlay: maps of classes, or labels.
    epsilon : float or None
        For maps: see `ClassLabels`; None for that of the run.
    threshold : float
        For maps: a pixel in which no class reaches this stays unlabelled.
    """

    path: Path
    epsilon: float | None = None
    threshold: float = 0.0


class Labelled(Protocol):
    """Anything that gives labels by box."""

    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Return the labels of a box of a level."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassProposal:
    """Labels of any box of a mask, read from an overlay when they are asked for.

    Make one with `open`.

    Attributes
    ----------
    overlay : Pyramid
        Where the labels come from.
    labels : Labelled
        Gives them, in pixels of the overlay.
    classes : ClassTable
        What they mean.
    choice : LabelChoice
        Which ones they are.
    ratio_yx : tuple of float
        Pixels of the mask per pixel of the overlay.
    """

    overlay: Pyramid
    labels: Labelled
    classes: ClassTable
    choice: LabelChoice
    ratio_yx: tuple[float, float]

    @classmethod
    def open(cls, choice: LabelChoice, pixel_px0: float) -> Self:
        """Open the labels of an overlay for a mask.

        Parameters
        ----------
        choice : LabelChoice
            Which labels.
        pixel_px0 : float
            Edge of a pixel of the mask in level-0 pixels of the slide.

        Raises
        ------
        PlanError
            If the overlay says no classes, or not how large its pixels are.
        StoreError
            If it cannot be read.
        """
        overlay = Pyramid.open(choice.path)
        if overlay.pixel_px0_yx is None:
            raise PlanError(
                f"{choice.path.name} does not say how large its pixels are, so it "
                f"cannot be laid on a mask; compute it again"
            )
        y, x = overlay.pixel_px0_yx
        labels, classes = _labels(overlay, choice)
        return cls(overlay, labels, classes, choice, (y / pixel_px0, x / pixel_px0))

    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Return the labels of a box.

        Parameters
        ----------
        box : Box
            Rectangle in pixels of the mask at a level.
        level : int, optional
            Level of the mask; level k has pixels 2**k times as large.

        Returns
        -------
        ndarray of shape (height, width) and dtype uint8
            Indices of `classes`; each pixel of the overlay is a rectangle: nothing is
            smoothed.
        """
        y, x = self.ratio_yx
        under = Lookup.of(box, (y / 2**level, x / 2**level))
        labels: NDArray[np.uint8] = under.spread(self.labels.read(under.around))
        return labels

    def is_computed(self, box: Box) -> NDArray[np.bool_]:
        """Return which pixels of a box of the mask a run has come to.

        Of labels that were stored without maps that is not known: all of them.
        """
        if not isinstance(self.labels, ClassLabels):
            return np.ones(box.shape, bool)
        under = Lookup.of(box, self.ratio_yx)
        computed: NDArray[np.bool_] = under.spread(
            self.labels.is_computed(under.around)
        )
        return computed

    @property
    def facts(self) -> dict[str, Any]:
        """Where the labels come from, for the provenance of a mask; JSON values."""
        told: dict[str, Any] = {
            "overlay": self.overlay.path.name,
            "made_with": self.overlay.provenance,
        }
        if isinstance(self.labels, ClassLabels):
            told["threshold"] = self.choice.threshold
            told["epsilon"] = self.labels.epsilon
        return told


def _labels(overlay: Pyramid, choice: LabelChoice) -> tuple[Labelled, ClassTable]:
    if overlay.is_label and overlay.classes is not None:
        return overlay, overlay.classes
    made = ClassLabels.open(
        choice.path, epsilon=choice.epsilon, threshold=choice.threshold
    )
    return made, made.classes


def says_classes(path: Path) -> bool:
    """Whether labels can be taken from an overlay; reads its header.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    with Pyramid.open(path) as overlay:
        told = overlay.provenance.get("parameters") or {}
        is_label = overlay.is_label and overlay.classes is not None
    return is_label or "classes" in told
