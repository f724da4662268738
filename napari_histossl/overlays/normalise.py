"""From softmax weights of a tile to the numbers that are stored."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.overlays.plan import Normalisation
from napari_histossl.overlays.ranks import average_ranks


def normalise(weights: NDArray[np.float32], values: Normalisation) -> NDArray[Any]:
    """Return attention as a plan's `values` says.

    Parameters
    ----------
    weights : ndarray of shape (N, channels, rows, columns)
        What the class token gives to the tokens of a tile, after the softmax.
    values : {"relative", "softmax", "rank"}
        See `overlays.plan.MEANINGS`.

    Returns
    -------
    ndarray of the same shape
        Weights times the number of tokens, the weights, or percent.
    """
    if values == "softmax":
        return weights
    if values == "rank":
        return rank_percent(weights)
    tokens = weights.shape[-1] * weights.shape[-2] + 1  # and the class token
    relative: NDArray[Any] = weights * tokens
    return relative


def rank_percent(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the rank of each value within its map, in percent.

    Parameters
    ----------
    values : ndarray of shape (..., rows, columns)
        Maps, each ranked by itself.

    Returns
    -------
    ndarray of the same shape
        Above 0, up to 100; equal values share their mean rank.

    References
    ----------
    As HIPT (mahmoodlab/HIPT HIPT_4K/hipt_heatmap_utils.py @780fafae) and CLAM rank
    attention: `scipy.stats.rankdata` over the number of values. Written anew; HIPT
    ranks one map at a time, here all of a batch at once.

    Examples
    --------
    >>> rank_percent(np.array([[0.1, 0.4], [0.2, 0.1]]))
    array([[ 37.5, 100. ],
           [ 75. ,  37.5]])
    """
    flat = values.reshape(*values.shape[:-2], -1)
    ranks = average_ranks(flat) * (100 / flat.shape[-1])
    ranked: NDArray[np.float64] = ranks.reshape(values.shape)
    return ranked
