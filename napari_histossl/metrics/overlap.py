"""How far two masks agree."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def iou(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Intersection over union of two boolean masks; 1.0 where both are empty."""
    union = int(np.logical_or(first, second).sum())
    return int(np.logical_and(first, second).sum()) / union if union else 1.0


def dice(first: NDArray[Any], second: NDArray[Any]) -> float:
    """Twice the intersection over the summed sizes; 1.0 where both are empty."""
    total = int(np.count_nonzero(first)) + int(np.count_nonzero(second))
    return 2 * int(np.logical_and(first, second).sum()) / total if total else 1.0
