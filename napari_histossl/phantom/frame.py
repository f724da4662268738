"""The pixels that are drawn, and the coarse grid that lies under them.

Slow fields (where is tumour, how do fibres run) are worked out on a grid that is fixed
to the glass and interpolated; so two boxes see the same grid values.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box
from napari_histossl.phantom.hashing import Floats, Integers

_Scalar = TypeVar("_Scalar", bound=np.generic)

MARGIN_PX = 2
"""Pixels drawn around the box, so that the optical blur sees its neighbours."""

FINEST_GRID_UM = 2.0
"""Pitch of the grid on fine levels; on coarse levels it is two pixels."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Pixels of one level, with a margin, and the grid under them.

    Attributes
    ----------
    px_um : float
        Edge of a pixel in um.
    rows, columns : ndarray of int64
        Absolute indices of the pixels, margin included; they may be negative.
    grid_um : float
        Pitch of the grid in um.
    grid_rows, grid_columns : ndarray of int64
        Absolute indices of the grid points.
    """

    px_um: float
    rows: Integers
    columns: Integers
    grid_um: float
    grid_rows: Integers
    grid_columns: Integers

    @classmethod
    def around(cls, box: Box, px_um: float) -> Frame:
        """Return the frame of a box of pixels of `px_um`."""
        rows = np.arange(box.y - MARGIN_PX, box.y1 + MARGIN_PX)
        columns = np.arange(box.x - MARGIN_PX, box.x1 + MARGIN_PX)
        grid_um = max(FINEST_GRID_UM, 2 * px_um)
        halo_um = halo(px_um) + 2 * grid_um
        return cls._with_grid(px_um, rows, columns, grid_um, halo_um)

    def with_grid(self, grid_um: float) -> Frame:
        """Return the same pixels over a grid of another pitch that just covers them."""
        return self._with_grid(self.px_um, self.rows, self.columns, grid_um, 0.0)

    @classmethod
    def _with_grid(
        cls,
        px_um: float,
        rows: Integers,
        columns: Integers,
        grid_um: float,
        halo_um: float,
    ) -> Frame:
        return cls(
            px_um,
            rows,
            columns,
            grid_um,
            _grid_indices(rows, px_um, grid_um, halo_um),
            _grid_indices(columns, px_um, grid_um, halo_um),
        )

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns, margin included."""
        return len(self.rows), len(self.columns)

    @property
    def grid_shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return len(self.grid_rows), len(self.grid_columns)

    @property
    def y_um(self) -> NDArray[np.float64]:
        """Centres of the pixel rows."""
        return ((self.rows + 0.5) * self.px_um).astype(np.float64)

    @property
    def x_um(self) -> NDArray[np.float64]:
        """Centres of the pixel columns."""
        return ((self.columns + 0.5) * self.px_um).astype(np.float64)

    @property
    def grid_y_um(self) -> NDArray[np.float64]:
        """Rows of the grid."""
        return self.grid_rows.astype(np.float64) * self.grid_um

    @property
    def grid_x_um(self) -> NDArray[np.float64]:
        """Columns of the grid."""
        return self.grid_columns.astype(np.float64) * self.grid_um

    @property
    def reach_um(self) -> tuple[float, float, float, float]:
        """First row, last row, first column, last column in which a cell may lie."""
        halo_um = halo(self.px_um)
        first_y, last_y = self.rows[0] * self.px_um, (self.rows[-1] + 1) * self.px_um
        first_x = self.columns[0] * self.px_um
        last_x = (self.columns[-1] + 1) * self.px_um
        return (
            float(first_y - halo_um),
            float(last_y + halo_um),
            float(first_x - halo_um),
            float(last_x + halo_um),
        )

    def inner(self, field: NDArray[_Scalar]) -> NDArray[_Scalar]:
        """Return a field of the pixels without the margin."""
        return field[MARGIN_PX:-MARGIN_PX, MARGIN_PX:-MARGIN_PX]

    def to_pixels(self, *fields: Floats) -> list[Floats]:
        """Interpolate fields of the grid at the pixels, linearly."""
        row, row_part = self._between(self.y_um, self.grid_rows)
        column, column_part = self._between(self.x_um, self.grid_columns)
        row_part = row_part[:, None]
        drawn = []
        for field in fields:
            along = field[:, column]
            step = field[:, column + 1]
            step -= along
            step *= column_part
            along += step
            near = along[row]
            far = along[row + 1]
            far -= near
            far *= row_part
            near += far
            drawn.append(near)
        return drawn

    def _between(
        self, along_um: NDArray[np.float64], indices: Integers
    ) -> tuple[Integers, Floats]:
        position = along_um / self.grid_um
        whole = np.floor(position)
        part = (position - whole).astype(np.float32)
        return whole.astype(np.int64) - indices[0], part

    def nearest(self, y_um: NDArray[np.float64], x_um: NDArray[np.float64]) -> Integers:
        """Return the flat index of the grid point nearest to each place."""
        height, width = self.grid_shape
        row = np.rint(y_um / self.grid_um).astype(np.int64) - self.grid_rows[0]
        column = np.rint(x_um / self.grid_um).astype(np.int64) - self.grid_columns[0]
        np.clip(row, 0, height - 1, out=row)
        np.clip(column, 0, width - 1, out=column)
        flat: Integers = row * width + column
        return flat


def halo(px_um: float) -> float:
    """Width in um around the pixels from which a cell may still reach in."""
    return 12.0 if px_um < 6 else 2 * px_um


def _grid_indices(
    indices: Integers, px_um: float, grid_um: float, halo_um: float
) -> Integers:
    first = math.floor((indices[0] * px_um - halo_um) / grid_um) - 1
    last = math.ceil(((indices[-1] + 1) * px_um + halo_um) / grid_um) + 2
    return np.arange(first, last)
