"""What a shallow head sees of a token: its neighbourhood and its surroundings.

A token of 4 um alone does not say what tissue it lies in: half of a nucleus looks the
same in many of them. On drawn slides the mean of the nearest tokens beside that of the
wider surroundings raised what a linear head can tell from 0.73-0.76 to 0.84-0.88 mean
IoU (all tokens of half of a slide labelled, the other half measured).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

NEAR, WIDE = 3, 9
"""Edges of squares of tokens whose means are taken; 12 and 36 um with the sample."""

MARGIN = WIDE // 2
"""Tokens around a box that its features depend on."""

MEANING = f"means over {NEAR} x {NEAR} and {WIDE} x {WIDE} tokens"
"""In words, for provenance."""


def describe_tokens(
    tokens: NDArray[np.float32], is_there: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Return the features of the inner tokens of a box.

    Parameters
    ----------
    tokens : ndarray of shape (H, W, D)
        Finite numbers, 0 where there is no token.
    is_there : ndarray of shape (H, W) and dtype bool
        Where there is one: means are over these only.

    Returns
    -------
    ndarray of shape (H - 2 * MARGIN, W - 2 * MARGIN, 2 * D) and dtype float32
        The mean of the nearest, then that of the surroundings; 0 where there is none.
    """
    inner = slice(MARGIN, -MARGIN)
    means = [_mean(tokens, is_there, edge)[inner, inner] for edge in (NEAR, WIDE)]
    return np.concatenate(means, axis=2)


def _mean(tokens: NDArray[Any], is_there: NDArray[np.bool_], edge: int) -> NDArray[Any]:
    from scipy.ndimage import uniform_filter

    sums = uniform_filter(tokens, (edge, edge, 1), mode="constant")
    share = uniform_filter(is_there.astype(np.float32), edge, mode="constant")
    # running sums leave a rest where there is nothing
    counted = share > 0.5 / edge**2
    mean: NDArray[Any] = sums / np.where(counted, share, 1)[..., None]
    mean[~counted] = 0
    return mean
