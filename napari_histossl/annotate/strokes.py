"""What a person draws: strokes of a round brush, polygons, lassos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from napari_histossl.annotate._drawing import Drawing
from napari_histossl.annotate._shapes import Enclosed, Points, Swept
from napari_histossl.classes import UNLABELLED
from napari_histossl.errors import AnnotationError

ERASER = "eraser"
"""Tool that takes labels away, whatever class is picked."""

_GRID = 256
"""Points are kept to 1/256 px: finer than a mouse, coarse enough to stay exact."""

_FARTHEST_PX = 1 << 24
"""Largest coordinate and radius: beyond it float32 no longer tells pixels apart."""

_LEAST_CORNERS = 3
"""Corners of an outline."""

_LONGEST_TEXT = 200
"""Most characters in the name of a tool or of an author."""


@dataclass(frozen=True, slots=True, eq=False)
class Stroke:
    """One movement of a round brush, from pressing to releasing.

    Attributes
    ----------
    points_px0 : ndarray of shape (N, 2) and dtype float32
        Where the brush was, as (y, x) in pixels of the mask's level 0. The centre of
        the pixel in row i and column j is at (i, j), as in napari's data coordinates.
        Anything array-like is taken; it is rounded to 1/256 px.
    radius_px0 : float
        Radius of the brush in pixels of level 0; not negative.
    class_index : int
        Class that is painted; 0 takes labels away.
    tool : str
        Name for the history; ``"eraser"`` takes labels away whatever the class.
    author : str or None
        Who drew it; None stands for whoever opened the mask.
    spared : tuple of int
        Classes that are not painted over; 0 for what is unlabelled.

    Raises
    ------
    AnnotationError
        If a point or the radius is not a number or out of all bounds, the radius is
        negative, or the points are not pairs.

    Examples
    --------
    >>> Stroke([(10, 10), (10, 40)], radius_px0=5, class_index=1).points_px0.shape
    (2, 2)
    """

    points_px0: NDArray[np.float32]
    radius_px0: float
    class_index: int
    tool: str = "brush"
    author: str | None = None
    spared: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "points_px0", checked_points(self.points_px0))
        object.__setattr__(self, "radius_px0", checked_radius(self.radius_px0))
        if self.tool == ERASER:
            object.__setattr__(self, "class_index", UNLABELLED)
        check_text(self.tool, "tool")
        check_text(self.author or "", "author")

    def drawing(self) -> Drawing:
        """Return shape and class, for the journal."""
        shape = Swept(self.points_px0, self.radius_px0)
        return Drawing(shape, self.class_index, self.spared)


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """An area that a person outlined, by corners or freehand with a lasso.

    Attributes
    ----------
    rings_px0 : tuple of ndarray of shape (N, 2) and dtype float32
        Corners as (y, x) in pixels of the mask's level 0, each ring closed by itself.
        A ring inside another one is a hole, and where an outline crosses itself, what
        it goes around twice is outside. A single ring may be given as an array.
    class_index : int
        Class of the area; 0 takes labels away.
    tool : str
        Name for the history: ``"polygon"``, ``"lasso"`` or another one.
    author : str or None
        Who drew it; None stands for whoever opened the mask.
    spared : tuple of int
        Classes that are not painted over; 0 for what is unlabelled.

    Raises
    ------
    AnnotationError
        If a ring has fewer than 3 corners, or one is not a number or out of all bounds.

    Examples
    --------
    >>> len(Polygon([(0, 0), (0, 9), (9, 9)], class_index=1).rings_px0)
    1
    """

    rings_px0: tuple[Points, ...]
    class_index: int
    tool: str = "polygon"
    author: str | None = None
    spared: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "rings_px0", _checked_rings(self.rings_px0))
        check_text(self.tool, "tool")
        check_text(self.author or "", "author")

    def drawing(self) -> Drawing:
        """Return shape and class, for the journal."""
        return Drawing(Enclosed(self.rings_px0), self.class_index, self.spared)


def check_text(text: str, what: str) -> None:
    """Refuse a name that would not fit a line of the history.

    Raises
    ------
    AnnotationError
        If it is longer than 200 characters.
    """
    if len(text) > _LONGEST_TEXT:
        raise AnnotationError(
            f"the name of a {what} has at most {_LONGEST_TEXT} characters; got "
            f"{len(text)} ({text[:20]!r}...)"
        )


def _checked_rings(rings_px0: Any) -> tuple[Points, ...]:
    rings = list(rings_px0) if isinstance(rings_px0, Iterable) else [rings_px0]
    if rings and np.ndim(rings[0]) == 1:  # one ring by itself
        rings = [rings]
    checked = tuple(checked_points(ring) for ring in rings)
    for ring in checked:
        if len(ring) < _LEAST_CORNERS:
            raise AnnotationError(
                f"an outline has at least {_LEAST_CORNERS} corners; got {len(ring)}"
            )
    if not checked:
        raise AnnotationError("an area has at least one outline; got none")
    return checked


def checked_points(points_px0: ArrayLike) -> NDArray[np.float32]:
    """Return points rounded to 1/256 px, as an array that cannot be changed.

    Raises
    ------
    AnnotationError
        If they are not pairs of numbers within bounds.
    """
    try:
        points = np.array(points_px0, np.float64)
    except (TypeError, ValueError) as error:
        raise AnnotationError(
            f"the points of a stroke are numbers, (y, x) for each; got "
            f"{str(points_px0)[:80]!r}"
        ) from error
    if points.ndim != 2 or points.shape[1] != 2 or len(points) == 0:
        raise AnnotationError(
            f"the points of a stroke have shape (N, 2) with N at least 1, (y, x) for "
            f"each; got shape {points.shape}"
        )
    is_usable = (np.abs(points) <= _FARTHEST_PX).all(axis=1)  # False for NaN as well
    if not is_usable.all():
        number = int(np.flatnonzero(~is_usable)[0])
        raise AnnotationError(
            f"point {number} of a stroke is {tuple(points[number].tolist())}; expected "
            f"finite numbers from {-_FARTHEST_PX} to {_FARTHEST_PX}"
        )
    rounded = (np.round(points * _GRID) / _GRID).astype(np.float32)
    rounded.setflags(write=False)
    return rounded


def checked_radius(radius_px0: float) -> float:
    """Return a radius.

    Raises
    ------
    AnnotationError
        If it is not a number of pixels within bounds.
    """
    try:
        radius = float(radius_px0)
    except (TypeError, ValueError) as error:
        raise AnnotationError(
            f"the radius of a brush is a number of pixels; got {radius_px0!r}"
        ) from error
    if not 0 <= radius <= _FARTHEST_PX:
        raise AnnotationError(
            f"the radius of a brush is 0 to {_FARTHEST_PX} pixels; got {radius_px0!r}"
        )
    return radius
