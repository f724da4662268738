"""Annotated shapes: what other programs keep in place of pixels.

Coordinates are (y, x) in pixels of the slide's level 0, corners of pixels and not their
centres: the first pixel of a slide covers 0 to 1 along both axes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box

Ring = NDArray[np.float64]
"""Vertices (y, x) of a closed line, each once, (N, 2) with N at least 3."""

LONGEST_NAME = 200
"""Most characters in the name of a class or of an object."""


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """An outline with its holes.

    Attributes
    ----------
    shell : ndarray of shape (N, 2) and dtype float64
        Outer ring.
    holes : tuple of ndarray of shape (N, 2)
        Rings of the holes.
    """

    shell: Ring
    holes: tuple[Ring, ...] = ()

    @property
    def rings(self) -> tuple[Ring, ...]:
        """The outer ring, then the holes."""
        return self.shell, *self.holes


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """One annotated object.

    Attributes
    ----------
    polygons : tuple of Polygon
        Its parts; one for most objects.
    class_name : str
        Its class, empty where it has none.
    colour : tuple of int or None
        Red, green and blue of the class, each 0 to 255.
    name : str
        Name of the object itself, or empty.
    measurements : mapping of str to float
        What was measured on it.
    """

    polygons: tuple[Polygon, ...]
    class_name: str = ""
    colour: tuple[int, int, int] | None = None
    name: str = ""
    measurements: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType({})
    )

    @property
    def box(self) -> Box:
        """The smallest box of whole level-0 pixels that holds it."""
        shells = [polygon.shell for polygon in self.polygons]
        low = np.floor(np.min([shell.min(axis=0) for shell in shells], axis=0))
        high = np.ceil(np.max([shell.max(axis=0) for shell in shells], axis=0))
        (y0, x0), (y1, x1) = low.astype(int).tolist(), high.astype(int).tolist()
        return Box(y0, x0, max(y1 - y0, 1), max(x1 - x0, 1))


@dataclass(frozen=True, slots=True)
class Shapes:
    """The objects of a file, in its order.

    Attributes
    ----------
    shapes : tuple of Shape
        Later ones lie on top of earlier ones.
    remarks : tuple of str
        A sentence for each kind of thing that was skipped or mended; to be shown.
    """

    shapes: tuple[Shape, ...]
    remarks: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Shape]:
        return iter(self.shapes)

    def __len__(self) -> int:
        return len(self.shapes)

    def class_names(self) -> dict[str, tuple[int, int, int] | None]:
        """Return the classes in order of appearance, with the first colour of each."""
        found: dict[str, tuple[int, int, int] | None] = {}
        for shape in self.shapes:
            if found.get(shape.class_name) is None:
                found[shape.class_name] = shape.colour
        found.pop("", None)
        return found
