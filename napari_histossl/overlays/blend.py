"""One picture of tiles that overlap: seams fade from one tile into the next.

Every tile counts with a ramp that falls off towards its edges; what is shown is the
mean by these weights, which so sum to one. Weights are whole numbers and values have
the 11 bits of a half float: sums in double precision are exact, and the picture does
not depend on the order in which tiles came.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box


def ramp(edge: int, overlap: int) -> NDArray[np.float64]:
    """Return the weights of a tile: whole numbers, largest in its middle.

    Parameters
    ----------
    edge : int
        Edge of the tile in tokens.
    overlap : int
        Tokens that it shares with the next tile, 0 for none.

    Returns
    -------
    ndarray of shape (edge, edge)
        At least 1. Across an overlap the weights of two tiles have one sum.
    """
    place = np.arange(edge)
    line = np.minimum(np.minimum(place, edge - 1 - place), overlap) + 1.0
    return np.outer(line, line)


def blend_into(
    picture: NDArray[np.floating],
    where: Box,
    parts: Iterable[tuple[Box, NDArray[np.floating]]],
    weights: NDArray[np.float64],
) -> None:
    """Replace what tiles cover by their weighted mean.

    Parameters
    ----------
    picture : ndarray of shape (channels, height, width)
        Changed in place; what no tile covers stays.
    where : Box
        Where the picture lies, in tokens.
    parts : iterable of (Box, ndarray of shape (channels, edge, edge))
        Place and values of every tile that touches the picture.
    weights : ndarray of shape (edge, edge)
        As `ramp` gives them.
    """
    total = np.zeros(picture.shape, np.float64)
    weight = np.zeros(where.shape, np.float64)
    for box, values in parts:
        common = box.intersection(where)
        if common is None:
            continue
        source = common.shifted(-box.y, -box.x).slices
        target = common.shifted(-where.y, -where.x).slices
        total[(..., *target)] += values[(..., *source)] * weights[source]
        weight[target] += weights[source]
    covered = weight > 0
    picture[:, covered] = total[:, covered] / weight[covered]
