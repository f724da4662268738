"""Which coarse pixel each fine one lies in: nothing is smoothed, footprints stay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """Coarse pixels under a box of fine ones; make one with `of`.

    Attributes
    ----------
    around : Box
        The coarse pixels that are needed.
    rows, columns : ndarray of int
        Row and column in `around` of the coarse pixel under each fine one.
    """

    around: Box
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    @classmethod
    def of(cls, box: Box, ratio_yx: tuple[float, float]) -> Self:
        """Return what lies under a box.

        Parameters
        ----------
        box : Box
            In fine pixels.
        ratio_yx : tuple of float
            Fine pixels per coarse one; not above 1 where they are not finer at all.

        Raises
        ------
        PlanError
            If a ratio is not above 0.
        """
        rows = _under(box.y, box.height, ratio_yx[0])
        columns = _under(box.x, box.width, ratio_yx[1])
        y, x = int(rows[0]), int(columns[0])
        around = Box(y, x, int(rows[-1]) - y + 1, int(columns[-1]) - x + 1)
        return cls(around, rows - y, columns - x)

    def spread(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the values (..., h, w) of the coarse pixels for every fine one."""
        spread: NDArray[Any] = values[..., self.rows[:, None], self.columns]
        return spread


def _under(start: int, count: int, ratio: float) -> NDArray[np.intp]:
    """Return which coarse pixel the middle of each fine one lies in."""
    if not math.isfinite(ratio) or ratio <= 0:
        raise PlanError(f"a mask and an overlay need a scale above 0; got {ratio}")
    middles = (np.arange(start, start + count) + 0.5) / ratio
    under: NDArray[np.intp] = np.floor(middles).astype(np.intp)
    return under
