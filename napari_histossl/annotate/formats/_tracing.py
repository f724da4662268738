"""The regions of a mask as shapes on its slide."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate.formats._corners import CornerFinder
from napari_histossl.annotate.formats._region_walk import ReadableMask, whole_level
from napari_histossl.annotate.formats._regions import Region, join
from napari_histossl.annotate.formats.shapes import Polygon, Ring, Shape
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress


class Tracer:
    """Outlines of all regions in a box of a mask, across all tiles.

    Parameters
    ----------
    mask : ReadableMask
        What to trace.
    box : Box or None
        Part of it, in pixels of the level; None for all of it.
    level : int
        Level of the mask.
    downsample : float or None
        Pixels of the slide's level 0 per pixel of the mask's level 0; None for what
        the mask knows.

    Raises
    ------
    AnnotationError
        If there is no such level.
    """

    def __init__(
        self, mask: ReadableMask, box: Box | None, level: int, downsample: float | None
    ) -> None:
        whole = whole_level(mask, level)
        self._part = whole if box is None else box.intersection(whole)
        self._classes = mask.classes
        self._scale = mask.levels[level].downsample * (downsample or mask.downsample)
        self._finder: CornerFinder | None = None
        if self._part is not None:
            self._finder = CornerFinder(mask, self._part, level)

    def run(self) -> Iterator[Progress]:
        """Go through the tiles.

        Raises
        ------
        AnnotationError
            If there are more corners than memory should hold.
        """
        if self._finder is not None:
            yield from self._finder.run()

    def shapes(self) -> Iterator[Shape]:
        """Yield the regions, each as one polygon in level-0 pixels of the slide."""
        if self._finder is not None:
            for region in join(self._finder.corners()):
                yield self._shape(region)

    def _shape(self, region: Region) -> Shape:
        info = self._classes[region.class_index]
        shell, *holes = (self._on_slide(ring) for ring in (region.shell, *region.holes))
        return Shape((Polygon(shell, tuple(holes)),), info.name, info.colour)

    def _on_slide(self, ring: NDArray[np.int64]) -> Ring:
        assert self._part is not None  # there are regions in it
        corner = np.array([self._part.y, self._part.x])
        return np.asarray((ring + corner) * self._scale, np.float64)
