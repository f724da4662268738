"""What a person fills or takes: connected pixels, holes, what a tool or model found.

What is set is journalled as pixels, since it depends on what was there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate._searching import Readable, object_at, searched
from napari_histossl.annotate._shapes import Points, Swept
from napari_histossl.annotate._wanted import Area, LabelSource, Taken
from napari_histossl.annotate.strokes import checked_points, checked_radius
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box


@dataclass(frozen=True, slots=True)
class FloodFill:
    """Fill what is connected to a point and has its class, within a box.

    Attributes
    ----------
    at_px0 : tuple of float
        The point, as (y, x) in pixels of level 0.
    class_index : int
        Class that is set; 0 takes labels away.
    within_px0 : Box
        The view or the region beyond which nothing is searched or set. One of more
        than 16 million pixels is searched on a coarser level, where a class of higher
        priority is as wide as it is shown; what is set is exact.
    tool : str
        Name for the history.
    author : str or None
        Who did it; None stands for the login name.
    connected : bool
        False for everything in the box that has the class of the point.
    """

    at_px0: tuple[float, float]
    class_index: int
    within_px0: Box
    tool: str = "fill"
    author: str | None = None
    connected: bool = True

    def area(self, mask: Readable) -> Area | None:
        """Return what is to be set, or None where the point is not in the box.

        Raises
        ------
        StoreError
            If the mask cannot be read.
        """
        from skimage.segmentation import flood

        within = self.within_px0.intersection(Box(0, 0, *mask.shape))
        y, x = (round(value) for value in self.at_px0)
        if within is None or within.intersection(Box(y, x, 1, 1)) is None:
            return None
        labels, box, level = searched(mask, within)
        seed = (y >> level) - box.y, (x >> level) - box.x
        old = int(labels[seed])
        found = np.ones(labels.shape, np.bool_)
        if self.connected:
            found = flood(labels, seed, connectivity=1)  # type: ignore[no-untyped-call]
        return Area(found, box, level, within, self.class_index, only=old)


@dataclass(frozen=True, slots=True)
class HoleFill:
    """Fill what a class encloses, within a box.

    Attributes
    ----------
    class_index : int
        Class that encloses and is set; not 0.
    within_px0 : Box
        The view or the region; a hole that reaches its edge is none.
    spared : tuple of int
        Classes that are not painted over; 0 for what is unlabelled.
    tool : str
        Name for the history.
    author : str or None
        Who did it; None stands for the login name.
    at_px0 : tuple of float or None
        A point of the one object whose holes are filled, as (y, x); None for all.
    """

    class_index: int
    within_px0: Box
    spared: tuple[int, ...] = ()
    tool: str = "fill holes"
    author: str | None = None
    at_px0: tuple[float, float] | None = None

    def area(self, mask: Readable) -> Area | None:
        """Return what is to be set, or None where the box is outside the mask.

        Raises
        ------
        AnnotationError
            If the class is 0.
        StoreError
            If the mask cannot be read.
        """
        from scipy import ndimage

        if not self.class_index:
            raise AnnotationError("only a class has holes; got 0, unlabelled")
        within = self.within_px0.intersection(Box(0, 0, *mask.shape))
        if within is None:
            return None
        labels, box, level = searched(mask, within)
        encloses = labels == self.class_index
        if self.at_px0 is not None:
            encloses = object_at(encloses, self.at_px0, box, level)
        found = np.asarray(ndimage.binary_fill_holes(encloses)) & ~encloses
        spared = self.spared
        return Area(found, box, level, within, self.class_index, spared=spared)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """An area that a tool found on the screen, such as a wand that grows by colour.

    Attributes
    ----------
    found : ndarray of shape (height, width) and dtype bool
        Which pixels of a level of the mask belong to it.
    box_px : Box
        Where these pixels are, in pixels of that level.
    level : int
        The level.
    class_index : int
        Class that is set; 0 takes labels away.
    spared : tuple of int
        Classes that are not painted over; 0 for what is unlabelled.
    tool : str
        Name for the history.
    author : str or None
        Who did it; None stands for the login name.

    Raises
    ------
    AnnotationError
        If the pixels do not have the shape of the box.
    """

    found: NDArray[np.bool_]
    box_px: Box
    level: int
    class_index: int
    spared: tuple[int, ...] = ()
    tool: str = "wand"
    author: str | None = None

    def __post_init__(self) -> None:
        if self.found.shape != self.box_px.shape or self.level < 0:
            raise AnnotationError(
                f"an area has the shape of its box, {self.box_px.shape}, on a level "
                f"from 0 on; got {self.found.shape} on level {self.level}"
            )

    def area(self, mask: Readable) -> Area | None:
        """Return what is to be set."""
        return Area(
            self.found.astype(np.bool_, copy=False),
            self.box_px,
            self.level,
            Box(0, 0, *mask.shape),
            self.class_index,
            spared=self.spared,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """A stroke of a brush that takes what a proposal says, or takes it away.

    Attributes
    ----------
    points_px0 : ndarray of shape (N, 2) and dtype float32
        Where the brush was, as for `Stroke`.
    radius_px0 : float
        Radius of the brush in pixels of level 0.
    source : LabelSource
        The proposal, in pixels of the mask's level 0; where it says 0, nothing is
        taken.
    removes : bool
        Take away what the mask and the proposal agree on.
    tool : str
        Name for the history.
    author : str or None
        Who did it; None stands for the login name.
    spared : tuple of int
        Classes that are not painted over; 0 for what is unlabelled.
    provenance : mapping or None
        What made the proposal, for the journal; plain values that JSON can hold.

    Raises
    ------
    AnnotationError
        As for `Stroke`.
    """

    points_px0: Points
    radius_px0: float
    source: LabelSource
    removes: bool = False
    tool: str = "take"
    author: str | None = None
    spared: tuple[int, ...] = ()
    provenance: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "points_px0", checked_points(self.points_px0))
        object.__setattr__(self, "radius_px0", checked_radius(self.radius_px0))

    def boxes(self, shape: tuple[int, int]) -> list[Box]:
        """Return boxes inside a mask that hold all that may change."""
        return self._shape().boxes(shape)

    def taken(self, source: LabelSource) -> Taken:
        """Return what is to be set, from the same proposal after checks."""
        return Taken(self._shape(), source, self.removes, self.spared)

    def _shape(self) -> Swept:
        return Swept(self.points_px0, self.radius_px0)
