"""Smooth random fields over the glass.

Only element-wise arithmetic in a fixed order is used, never a matrix product or a sum
whose order the library may choose: a value must not depend on the box it is drawn in.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.hashing import Floats, Integers, lattice, stream, uniform

Octaves = tuple[tuple[float, float], ...]
"""(pitch in um, amplitude) of each octave, coarsest first."""

_RANGE = 1.8
"""B-splines average: lattice values in +-1.8 give a field of about +-1."""

_SMALLEST_PITCH_PX = 1.2
"""An octave finer than this many pixels is left out: it would only alias."""

SMOOTH_DEVIATION = 0.572
"""Standard deviation of `smooth`: variance 1.8^2 / 3 at the lattice, times 0.55^2."""

FLOWING_DEVIATION = 0.429
"""Standard deviation of `flowing`: variance 1 / 3 at the lattice, times 0.743^2."""


def _taps(along_um: NDArray[np.float64], pitch: float) -> tuple[Integers, list[Floats]]:
    """First lattice index and the three quadratic B-spline weights."""
    position = along_um / pitch
    whole = np.floor(position)
    part = (position - whole).astype(np.float32)
    weights = [0.5 * (1 - part) ** 2, 0.75 - (part - 0.5) ** 2, 0.5 * part * part]
    return whole.astype(np.int64) - 1, weights


def smooth(
    key: int, pitch: float, y_um: NDArray[np.float64], x_um: NDArray[np.float64]
) -> Floats:
    """Quadratic B-spline value noise on the outer product of rows and columns.

    Parameters
    ----------
    key : int
        Stream of the field.
    pitch : float
        Lattice pitch in um.
    y_um, x_um : ndarray of float64
        Ascending positions of the rows and of the columns.

    Returns
    -------
    ndarray of shape (len(y_um), len(x_um)) and dtype float32
        About -1 to 1, see `SMOOTH_DEVIATION`.
    """
    first_row, row_weights = _taps(y_um, pitch)
    first_column, column_weights = _taps(x_um, pitch)
    rows = np.arange(first_row[0], first_row[-1] + 3)
    columns = np.arange(first_column[0], first_column[-1] + 3)
    values = uniform(lattice(key, rows[:, None], columns)) * (2 * _RANGE) - _RANGE
    at = first_column - first_column[0]
    along = values[:, at] * column_weights[0]
    along += values[:, at + 1] * column_weights[1]
    along += values[:, at + 2] * column_weights[2]
    at = first_row - first_row[0]
    field: Floats = along[at]
    field *= row_weights[0][:, None]
    for tap in (1, 2):
        part = along[at + tap]
        part *= row_weights[tap][:, None]
        field += part
    return field


def smooth_at(
    key: int, pitch: float, y_um: NDArray[np.float64], x_um: NDArray[np.float64]
) -> Floats:
    """Return the field of `smooth` at scattered points."""
    rows, row_weights = _taps(y_um, pitch)
    columns, column_weights = _taps(x_um, pitch)
    taps = np.arange(3)[:, None]
    hashes = lattice(key, (rows + taps)[:, None], columns + taps)  # (3, 3, N)
    values = uniform(hashes) * (2 * _RANGE) - _RANGE
    field = np.zeros(y_um.shape, np.float32)
    for row_tap in range(3):
        for column_tap in range(3):
            part = values[row_tap, column_tap]
            part *= row_weights[row_tap]
            part *= column_weights[column_tap]
            field += part
    return field


def octaves(
    seed: int,
    name: str,
    spec: Octaves,
    y_um: NDArray[np.float64],
    x_um: NDArray[np.float64],
    px_um: float,
) -> Floats:
    """Sum octaves of `smooth`, those too fine for the pixel left out."""
    field = np.zeros((len(y_um), len(x_um)), np.float32)
    for number, (pitch, amplitude) in enumerate(spec):
        if pitch > _SMALLEST_PITCH_PX * px_um:
            key = stream(seed, f"{name}.{number}")
            field += smooth(key, pitch, y_um, x_um) * amplitude
    return field


def octaves_at(
    seed: int,
    name: str,
    spec: Octaves,
    y_um: NDArray[np.float64],
    x_um: NDArray[np.float64],
) -> Floats:
    """Sum octaves of `smooth` at scattered points."""
    field = np.zeros(y_um.shape, np.float32)
    for number, (pitch, amplitude) in enumerate(spec):
        key = stream(seed, f"{name}.{number}")
        field += smooth_at(key, pitch, y_um, x_um) * amplitude
    return field


def _eased(along: Floats, pitch: float) -> tuple[NDArray[np.int32], Floats]:
    """Lattice index and eased fraction of a coordinate."""
    part = along * np.float32(1.0 / pitch)
    whole = np.floor(part)
    part -= whole
    eased = part * part
    part *= -2
    part += 3
    eased *= part
    return whole.astype(np.int32), eased


def flowing(key: int, pitch_u: float, pitch_v: float, u: Floats, v: Floats) -> Floats:
    """Value noise along curved coordinates.

    Parameters
    ----------
    key : int
        Stream of the field.
    pitch_u, pitch_v : float
        Lattice pitch along the two coordinates, in um.
    u, v : ndarray of shape (H, W) and dtype float32
        Coordinates of each pixel.

    Returns
    -------
    ndarray of shape (H, W) and dtype float32
        -1 to 1, see `FLOWING_DEVIATION`.
    """
    rows, row_part = _eased(u, pitch_u)
    columns, column_part = _eased(v, pitch_v)
    first_row, first_column = int(rows.min()), int(columns.min())
    height = int(rows.max()) - first_row + 2
    width = int(columns.max()) - first_column + 2
    values = uniform(
        lattice(
            key,
            np.arange(first_row, first_row + height)[:, None],
            np.arange(first_column, first_column + width),
        )
    ).ravel()
    values = values * 2 - 1
    rows -= first_row
    rows *= width
    rows += columns
    rows -= first_column
    near = values.take(rows)
    rows += 1
    step = values.take(rows)
    step -= near
    step *= column_part
    near += step
    rows += width - 1
    far = values.take(rows)
    rows += 1
    step = values.take(rows)
    step -= far
    step *= column_part
    far += step
    far -= near
    far *= row_part
    near += far
    return near
