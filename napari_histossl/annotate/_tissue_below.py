"""Tissue that was found at low power, below the pixels of a mask."""

from __future__ import annotations

from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box


class TissueAreas(Protocol):
    """What is needed of a `slide.tissue.TissueMap`."""

    @property
    def is_tissue(self) -> NDArray[np.bool_]: ...
    @property
    def downsample(self) -> float: ...


class TissueBelow:
    """Tells for pixels of a mask whether they lie on tissue.

    Parameters
    ----------
    tissue : TissueMap
        Tissue of the slide.
    shape : tuple of int
        Height and width of the mask.
    downsample : float
        Pixels of the slide's level 0 per pixel of the mask.
    """

    def __init__(
        self, tissue: TissueAreas, shape: tuple[int, int], downsample: float
    ) -> None:
        self._is_tissue = tissue.is_tissue
        step = downsample / tissue.downsample
        # the pixel of the map that lies below the centre of each row and column
        self._rows, self._columns = (
            np.minimum((np.arange(extent) + 0.5) * step, last - 1).astype(np.intp)
            for extent, last in zip(shape, self._is_tissue.shape, strict=True)
        )

    def at(self, box: Box) -> NDArray[np.bool_]:
        """Return which pixels of a box inside the mask lie on tissue."""
        rows, columns = box.slices
        found: NDArray[np.bool_] = self._is_tissue[
            np.ix_(self._rows[rows], self._columns[columns])
        ]
        return found

    @cached_property
    def pixels(self) -> int:
        """How many pixels of the mask lie on tissue."""
        height, width = self._is_tissue.shape
        rows = np.bincount(self._rows, minlength=height)
        columns = np.bincount(self._columns, minlength=width)
        return int(rows @ self._is_tissue.astype(np.int64) @ columns)
