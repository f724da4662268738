"""Where fills look for what they fill: on a level on which that is not too much."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box

_SEARCHED_PX = 4096 * 4096
"""A larger box is searched on a coarser level, about what the screen shows of it."""


class Readable(Protocol):
    """A mask, as far as a search needs it."""

    shape: tuple[int, int]

    def read(self, box: Box, level: int = 0) -> NDArray[Any]:
        """Return class indices of a box of a level."""


def object_at(
    is_class: NDArray[np.bool_], at_px0: tuple[float, float], box: Box, level: int
) -> NDArray[np.bool_]:
    """Return the one object at a point of level 0, or nothing where there is none."""
    from scipy import ndimage

    y, x = ((round(value) >> level) for value in at_px0)
    if box.intersection(Box(y, x, 1, 1)) is None:
        return np.zeros_like(is_class)
    objects, _count = ndimage.label(is_class)
    found: NDArray[np.bool_] = is_class & (objects == objects[y - box.y, x - box.x])
    return found


def searched(mask: Readable, within: Box) -> tuple[NDArray[Any], Box, int]:
    """Return the labels of a box, on a level on which it is not too large."""
    level = 0
    box = within
    while box.height * box.width > _SEARCHED_PX:
        level += 1
        y0, x0 = within.y >> level, within.x >> level
        y1, x1 = -(-within.y1 >> level), -(-within.x1 >> level)
        box = Box(y0, x0, y1 - y0, x1 - x0)
    return mask.read(box, level), box, level
