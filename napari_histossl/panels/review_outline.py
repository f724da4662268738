"""Lines around the pixels of an object."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.measure import approximate_polygon, find_contours

from napari_histossl.panels.review import Footprint

_MOST_EDGE_PX = 1024
"""A larger object is outlined by fewer pixels: the screen does not show more."""

_SMALL_PX = 256
"""Edge of an object whose outline follows the edges of its pixels."""

_FINER = 4
"""Parts of a pixel for that."""

_MOST_POINTS = 4000
"""Points of all lines; the shortest ones, around specks and small holes, are left."""


def outlines(place: Footprint, downsample: float) -> list[NDArray[np.float64]]:
    """Return closed lines around an object and its holes.

    Parameters
    ----------
    place : Footprint
        The object.
    downsample : float
        Pixels of the slide's level 0 per pixel of the mask's level 0.

    Returns
    -------
    list of ndarray of shape (N, 2)
        Points (y, x) in pixels of the slide's level 0, from its corner; the longest
        line first.
    """
    edge_px = max(place.found.shape)
    step = float(max(-(-edge_px // _MOST_EDGE_PX), 1))
    found = place.found[:: int(step), :: int(step)]
    if edge_px <= _SMALL_PX:  # its pixels are seen as squares: lines go along them
        found, step = found.repeat(_FINER, 0).repeat(_FINER, 1), 1 / _FINER
    lines = find_contours(np.pad(found, 1).astype(np.uint8), 0.5)  # type: ignore[no-untyped-call]
    lines = [approximate_polygon(line, 0.4) for line in lines]  # type: ignore[no-untyped-call]
    lines.sort(key=len, reverse=True)
    pixel_px0 = downsample * 2**place.level
    corner = np.array([place.box_px.y, place.box_px.x])
    kept: list[NDArray[np.float64]] = []
    count = 0
    for line in lines:
        count += len(line)
        if kept and count > _MOST_POINTS:
            break
        # middles of pixels are whole numbers there, and one was added around
        kept.append(((line - 1 + 0.5) * step + corner) * pixel_px0)
    return kept
