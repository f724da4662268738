"""Labels that follow from maps of classes: in each pixel the strongest one.

Maps have a channel for every class of a table, in its order, and may have one more for
what is background. Labels are taken from them anew whenever they are asked for, with
another threshold or another idea of which classes are there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import UNLABELLED, ClassTable
from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box, Level
from napari_histossl.overlays.class_parameters import told_classes
from napari_histossl.overlays.lookup import Lookup
from napari_histossl.store import Pyramid

BACKGROUND = "background"
"""Name of the channel that says which share of a pixel is no tissue."""

_MOSTLY = 0.5
"""A pixel of which a larger share is background is background."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassLabels:
    """Labels of any box of an overlay, taken from its maps when they are asked for.

    Attributes
    ----------
    maps : Pyramid
        Axes (c, y, x): one channel a class, and perhaps `BACKGROUND` as the last one.
    classes : ClassTable
        One class for each channel, in this order.
    presence : Pyramid or None
        Probability of each class in each tile, a pixel a tile; None where all classes
        may be everywhere.
    epsilon : float
        A class whose probability in a tile is not above this is not in that tile.
    threshold : float
        A pixel in which no class reaches this stays unlabelled.
    """

    maps: Pyramid
    classes: ClassTable
    presence: Pyramid | None = None
    epsilon: float = 0.0
    threshold: float = 0.0

    def __post_init__(self) -> None:
        channels = self.maps.arrays[0].shape[0] - self.has_background
        if channels != len(self.classes):
            raise PlanError(
                f"{self.maps.path.name} has maps of {channels} classes; got a table of "
                f"{len(self.classes)}"
            )

    @classmethod
    def open(
        cls, path: Path, *, epsilon: float | None = None, threshold: float = 0.0
    ) -> Self:
        """Open maps that a run has written, and what says which classes are there.

        Parameters
        ----------
        path : Path
            Folder of the maps.
        epsilon : float, optional
            As the attribute; by default that of the run.
        threshold : float, optional
            As the attribute.

        Raises
        ------
        PlanError
            If the overlay holds no maps of classes.
        StoreError
            If it cannot be read.
        """
        maps = Pyramid.open(path)
        classes = told_classes(maps.provenance)
        if classes is None or len(maps.axes) != 3:
            raise PlanError(
                f"{path.name} holds no maps of classes; choose a segmentation, class "
                f"probabilities or class activation"
            )
        told: dict[str, Any] = maps.provenance["parameters"]
        presence = told.get("presence")
        return cls(
            maps,
            classes,
            Pyramid.open(path.parent / presence) if presence else None,
            float(told["epsilon"]) if epsilon is None else epsilon,
            threshold,
        )

    @property
    def has_background(self) -> bool:
        """Whether the last channel says what is background."""
        return self.maps.channel_names[-1:] == (BACKGROUND,)

    @property
    def levels(self) -> tuple[Level, ...]:
        """Levels of the maps; labels of a coarse one are those of mean values."""
        return self.maps.levels

    def strengths(self, box: Box, level: int = 0) -> NDArray[np.float32]:
        """Return the maps of a box, classes that are not there set to 0.

        Parameters
        ----------
        box : Box
            In pixels of the level.
        level : int, optional
            Index into `levels`.

        Returns
        -------
        ndarray of shape (classes, height, width) and dtype float32
            NaN where nothing has been computed.
        """
        values = self.maps.read(box, level)[: len(self.classes)].astype(np.float32)
        if self.presence is not None:
            values[self._is_absent(box, level) & np.isfinite(values)] = 0
        return values

    def read(self, box: Box, level: int = 0) -> NDArray[np.uint8]:
        """Return the labels of a box.

        Parameters
        ----------
        box : Box
            In pixels of the level.
        level : int, optional
            Index into `levels`.

        Returns
        -------
        ndarray of shape (height, width) and dtype uint8
            Indices of `classes`; 0 where nothing has been computed, where no class is
            strong enough or there at all, and on background. Of equal ones the first
            of the table.
        """
        values = self.maps.read(box, level).astype(np.float32)
        strengths = values[: len(self.classes)]
        is_possible = np.isfinite(strengths) & (strengths >= self.threshold)
        if self.presence is not None:
            is_possible &= ~self._is_absent(box, level)
        indices = np.array([info.index for info in self.classes], np.uint8)
        best = np.where(is_possible, strengths, -np.inf).argmax(0)
        labels: NDArray[np.uint8] = np.where(
            is_possible.any(0), indices[best], np.uint8(UNLABELLED)
        )
        if self.has_background:
            labels[values[-1] > _MOSTLY] = UNLABELLED
        return labels

    def is_computed(self, box: Box, level: int = 0) -> NDArray[np.bool_]:
        """Return which pixels of a box a run has come to, (height, width)."""
        computed: NDArray[np.bool_] = ~np.isnan(self.maps.read(box, level)[0])
        return computed

    def _is_absent(self, box: Box, level: int) -> NDArray[np.bool_]:
        """Return which classes are not in the tiles of a box, (classes, h, w)."""
        assert self.presence is not None
        tile_px = self._tile_px / 2**level
        under = Lookup.of(box, (tile_px, tile_px))
        there = self.presence.read(under.around)
        absent: NDArray[np.bool_] = under.spread(~(there > self.epsilon))
        return absent

    @property
    def _tile_px(self) -> float:
        """Edge of a tile in pixels of the finest level of the maps."""
        assert self.presence is not None
        tile, pixel = self.presence.pixel_px0_yx, self.maps.pixel_px0_yx
        assert tile is not None  # every run writes it
        assert pixel is not None
        return tile[0] / pixel[0]
