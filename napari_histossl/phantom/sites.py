"""Points scattered on a jittered lattice, and windows of the grid about them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.hashing import (
    Floats,
    Hashes,
    Integers,
    draw,
    lattice,
    stream,
)

Extent = tuple[float, float, float, float]
"""First row, last row, first column, last column, in um."""


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """Scattered points.

    Attributes
    ----------
    hashes : ndarray of uint32
        The randomness of each site.
    y_um, x_um : ndarray of float64
        Where it is.
    """

    hashes: Hashes
    y_um: NDArray[np.float64]
    x_um: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.hashes)

    def draw(self, which: int) -> Floats:
        """Return a uniform number for each site; 0 and 1 are spent on the place."""
        return draw(self.hashes, which)

    def between(self, which: int, bounds: tuple[float, float]) -> Floats:
        """Return a number between two bounds for each site."""
        return bounds[0] + (bounds[1] - bounds[0]) * self.draw(which)

    def where(self, keep: NDArray[np.bool_]) -> Sites:
        """Return the sites that are kept."""
        return Sites(self.hashes[keep], self.y_um[keep], self.x_um[keep])


def scatter(
    seed: int, name: str, pitch: float, jitter: float, extent_um: Extent
) -> Sites:
    """Return all sites whose lattice cell may lie in an extent.

    Parameters
    ----------
    seed : int
        Seed of the slide.
    name : str
        Name of the stream.
    pitch : float
        Lattice pitch in um; every other row is shifted by half of it.
    jitter : float
        Largest displacement along rows and columns, in pitches.
    extent_um : tuple of float
        First row, last row, first column, last column.
    """
    first_y, last_y, first_x, last_x = extent_um
    rows = np.arange(np.floor(first_y / pitch) - 1, np.floor(last_y / pitch) + 2)
    columns = np.arange(np.floor(first_x / pitch) - 2, np.floor(last_x / pitch) + 2)
    rows, columns = rows.astype(np.int64), columns.astype(np.int64)
    hashes = lattice(stream(seed, name), rows[:, None], columns)
    y_um, x_um = site_places(hashes, rows, columns, pitch, jitter)
    return Sites(hashes.ravel(), y_um.ravel(), x_um.ravel())


def site_places(
    hashes: Hashes, rows: Integers, columns: Integers, pitch: float, jitter: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where the sites of a block of the lattice are, as two 2-D arrays."""
    y = rows[:, None] + (0.5 + jitter * (2.0 * draw(hashes, 0) - 1.0))
    shift = 0.5 * (rows & 1)[:, None] + 0.5
    x = columns + (shift + jitter * (2.0 * draw(hashes, 1) - 1.0))
    return y.astype(np.float64) * pitch, x.astype(np.float64) * pitch


@dataclass(frozen=True, slots=True, eq=False)
class Windows:
    """Grid points in windows about sites, one entry for each pair of them.

    Attributes
    ----------
    site : ndarray of int64
        Number of the site.
    rows, columns : ndarray of int64
        Row and column of the grid point.
    flat : ndarray of int64
        The same as a flat index.
    """

    site: Integers
    rows: Integers
    columns: Integers
    flat: Integers

    @classmethod
    def about(
        cls,
        rows: Integers,
        columns: Integers,
        half: tuple[Integers, Integers],
        shape: tuple[int, int],
    ) -> Windows:
        """Return the part inside `shape` of windows that go `half` to each side."""
        first_row, height = _clipped(rows, half[0], shape[0])
        first_column, width = _clipped(columns, half[1], shape[1])
        height *= width > 0
        line, line_site = _count_out(height)
        line += first_row[line_site]
        column, column_line = _count_out(width[line_site])
        site = line_site[column_line]
        column += first_column[site]
        row = line[column_line]
        return cls(site, row, column, row * shape[1] + column)


def _clipped(
    centres: Integers, half: Integers, length: int
) -> tuple[Integers, Integers]:
    """First index and number of indices of windows, cut to [0, length)."""
    first = np.clip(centres - half, 0, length)
    return first, np.clip(centres + half + 1, 0, length) - first


def _count_out(counts: Integers) -> tuple[Integers, Integers]:
    """Return 0 to count - 1 for each entry, one after another, and whose each is."""
    owner = np.repeat(np.arange(len(counts)), counts)
    starts = np.cumsum(counts) - counts
    return np.arange(len(owner)) - starts[owner], owner
