"""Shapes that are journalled as geometry: what a brush swept, what rings enclose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import _blocks
from napari_histossl.annotate._blocks import blocks_of
from napari_histossl.annotate._polygon_raster import rasterise_rings
from napari_histossl.annotate._raster import rasterise, stroke_boxes
from napari_histossl.geometry import Box

Points = NDArray[np.float32]

_CORNER_PX = 0.71
"""From the centre of a pixel to its corner: what comes nearer touches the pixel."""


class Shape(Protocol):
    """A part of the plane, in pixels of the mask's level 0."""

    def boxes(self, shape: tuple[int, int]) -> list[Box]:
        """Return boxes inside a mask that hold every pixel of the shape.

        One box where it is small, else at most one a block, in the order of blocks.
        """

    def covered(self, box: Box) -> NDArray[np.bool_]:
        """Return which pixels of a box belong to the shape."""

    def at_level(self, level: int, *, is_wide: bool = True) -> Shape:
        """Return about the same shape in pixels of a coarser level.

        A wide one holds every pixel in which there is something of the shape, so that
        a thin line does not vanish; the other holds no pixel in which there is
        something else.
        """

    def rings(self) -> tuple[Points, ...]:
        """Return all points, for packing."""

    def facts(self) -> dict[str, Any]:
        """Return what is packed beside the points."""


@dataclass(frozen=True, slots=True, eq=False)
class Swept:
    """What a round brush covers on its way along points.

    Attributes
    ----------
    points_px0 : ndarray of shape (N, 2) and dtype float32
        Where the brush was, as (y, x).
    radius_px0 : float
        Radius of the brush; negative where nothing is covered.
    """

    points_px0: Points
    radius_px0: float

    def boxes(self, shape: tuple[int, int]) -> list[Box]:
        """Return boxes inside a mask that hold every pixel of the shape."""
        return stroke_boxes(self.points_px0, self.radius_px0, shape)

    def covered(self, box: Box) -> NDArray[np.bool_]:
        """Return which pixels of a box belong to the shape."""
        if self.radius_px0 < 0:
            return np.zeros(box.shape, np.bool_)
        return rasterise(self.points_px0, self.radius_px0, box)

    def at_level(self, level: int, *, is_wide: bool = True) -> Swept:
        """Return about the same shape in pixels of a coarser level; see `Shape`."""
        margin_px = _CORNER_PX if is_wide else -_CORNER_PX
        radius_px = self.radius_px0 / 2**level + margin_px
        return Swept(_at_level(self.points_px0, level), radius_px)

    def rings(self) -> tuple[Points, ...]:
        """Return all points, for packing."""
        return (self.points_px0,)

    def facts(self) -> dict[str, Any]:
        """Return what is packed beside the points."""
        return {"shape": "swept", "radius_px0": self.radius_px0}


@dataclass(frozen=True, slots=True, eq=False)
class Enclosed:
    """What rings of corners enclose; a ring inside another one is a hole.

    Attributes
    ----------
    rings_px0 : tuple of ndarray of shape (N, 2) and dtype float32
        Corners as (y, x).
    edge : {"exact", "wide", "narrow"}
        Whether pixels that the outline touches belong to it: those whose centre lies
        inside, all of them, or none.
    """

    rings_px0: tuple[Points, ...]
    edge: Literal["exact", "wide", "narrow"] = "exact"

    def boxes(self, shape: tuple[int, int]) -> list[Box]:
        """Return boxes inside a mask that hold every pixel of the shape."""
        corners = np.concatenate(self.rings_px0).astype(np.float64)
        y0, x0 = np.floor(corners.min(axis=0)).astype(int).tolist()
        y1, x1 = np.ceil(corners.max(axis=0)).astype(int).tolist()
        whole = Box(y0, x0, y1 - y0 + 1, x1 - x0 + 1).intersection(Box(0, 0, *shape))
        if whole is None:
            return []
        if whole.height * whole.width <= _blocks.BLOCK_PX**2:
            return [whole]
        return list(blocks_of(whole))

    def covered(self, box: Box) -> NDArray[np.bool_]:
        """Return which pixels of a box belong to the shape."""
        inside = rasterise_rings(self.rings_px0, box)
        for ring in self.rings_px0 if self.edge != "exact" else ():
            touched = rasterise(np.concatenate([ring, ring[:1]]), _CORNER_PX, box)
            inside = inside | touched if self.edge == "wide" else inside & ~touched
        return inside

    def at_level(self, level: int, *, is_wide: bool = True) -> Enclosed:
        """Return about the same shape in pixels of a coarser level; see `Shape`."""
        rings = tuple(_at_level(ring, level) for ring in self.rings_px0)
        return Enclosed(rings, "wide" if is_wide else "narrow")

    def rings(self) -> tuple[Points, ...]:
        """Return all points, for packing."""
        return self.rings_px0

    def facts(self) -> dict[str, Any]:
        """Return what is packed beside the points."""
        return {"shape": "enclosed"}


def _at_level(points_px0: Points, level: int) -> Points:
    """Return points in pixels of a level, where pixel centres are whole numbers."""
    scaled: Points = ((points_px0 + 0.5) / 2**level - 0.5).astype(np.float32)
    return scaled
