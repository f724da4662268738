"""How much more attention falls on something than its area would get by chance."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def attention_lift(attention: NDArray[Any], mask: NDArray[Any]) -> NDArray[np.float64]:
    """Attention mass on a mask, divided by the mask's share of the area.

    Parameters
    ----------
    attention : ndarray of shape (N, heads, rows, columns)
        Attention on the tokens of N pictures, at least 0; any total.
    mask : ndarray of shape (N, H, W) and dtype bool
        What is looked for, such as nuclei; H and W are multiples of rows, columns.

    Returns
    -------
    ndarray of shape (N, heads)
        1.0 where attention is blind to the mask; NaN for a picture without any mask.

    Notes
    -----
    Unlike a rank statistic this tells flat attention from peaked attention: the heads
    of random weights rank pixels by some colour and may rank nuclei high by luck, but
    hardly differ from token to token and stay near 1.
    """
    share = token_shares(mask, attention.shape[2:])[:, None]
    mass = (attention * share).sum((2, 3)) / attention.sum((2, 3))
    area = share.mean((2, 3))
    lift: NDArray[np.float64] = np.divide(
        mass, area, out=np.full(mass.shape, np.nan), where=area > 0
    )
    return lift


def token_shares(mask: NDArray[Any], grid: tuple[int, ...]) -> NDArray[np.float64]:
    """Return the share of each token that a mask covers.

    Parameters
    ----------
    mask : ndarray of shape (N, H, W)
        Boolean; H and W are multiples of the grid's.
    grid : tuple of int
        Rows and columns of tokens.

    Returns
    -------
    ndarray of shape (N, rows, columns)
        0 to 1.

    Raises
    ------
    ValueError
        If the grid does not divide the mask.
    """
    count, height, width = mask.shape
    rows, columns = grid
    if height % rows or width % columns:
        raise ValueError(
            f"a grid of {rows} x {columns} tokens does not divide a mask of "
            f"{height} x {width} px"
        )
    blocks = mask.reshape(count, rows, height // rows, columns, width // columns)
    shares: NDArray[np.float64] = blocks.mean((2, 4), dtype=np.float64)
    return shares
