"""Which level is read for a model, and when its pixels are resampled.

The rule, in this order:

1. A level whose scale is within `TOLERANCE` of the model's is read as it is.
2. Otherwise the coarsest level that is finer than the model is read and averaged over
   areas to the model's scale exactly.
3. A slide that is coarser than the model is read at full resolution as it is: pixels
   that were never scanned are not made up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from napari_histossl.geometry import Level

TOLERANCE = 0.05
"""Share by which a level's scale may differ from the model's without resampling.

Scanners of one kind differ by 1 to 2 % (0.2498 to 0.2527 um/px at 40x); resampling
would blur for nothing. Those of another kind differ by 10 % and more.
"""


@dataclass(frozen=True, slots=True)
class ReadingScale:
    """What is read, and what becomes of it.

    Attributes
    ----------
    level : int
        Virtual level whose pixels are read.
    downsample : float
        Level-0 pixels per pixel that the model gets, at least 1.
    is_resampled : bool
        Whether pixels of the level are averaged to that.
    """

    level: int
    downsample: float
    is_resampled: bool


def reading_scale(
    levels: Sequence[Level], mpp_yx: tuple[float, float], wanted_mpp: float | None
) -> ReadingScale:
    """Apply the rule of this module.

    Parameters
    ----------
    levels : sequence of Level
        Virtual levels, finest first.
    mpp_yx : tuple of float
        Micrometres per level-0 pixel; their geometric mean counts.
    wanted_mpp : float or None
        Micrometres per pixel of the model; None to read level 0 as it is.

    Examples
    --------
    >>> levels = [Level((4000, 6000), 1.0), Level((2000, 3000), 2.0)]
    >>> reading_scale(levels, (0.2527, 0.2527), 0.5)
    ReadingScale(level=1, downsample=2.0, is_resampled=False)
    >>> reading_scale(levels, (0.2, 0.2), 0.5)
    ReadingScale(level=1, downsample=2.5, is_resampled=True)
    """
    if wanted_mpp is None:
        return ReadingScale(0, 1.0, is_resampled=False)
    wanted = wanted_mpp / math.sqrt(mpp_yx[0] * mpp_yx[1])
    nearest = min(
        range(len(levels)), key=lambda k: abs(math.log(levels[k].downsample / wanted))
    )
    found = levels[nearest].downsample
    if wanted <= 1 or max(found / wanted, wanted / found) <= 1 + TOLERANCE:
        return ReadingScale(nearest, found, is_resampled=False)
    finer = max(k for k, level in enumerate(levels) if level.downsample <= wanted)
    return ReadingScale(finer, wanted, is_resampled=True)


def shape_at(shape: tuple[int, int], downsample: float) -> tuple[int, int]:
    """Return the height and width of level 0 at another scale, rounded up."""
    rows, columns = (math.ceil(length / downsample - 1e-6) for length in shape)
    return rows, columns
