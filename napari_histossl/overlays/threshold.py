"""From attention to yes or no."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError
from napari_histossl.geometry import Box
from napari_histossl.store import Pyramid

_SAMPLED_PX = 4_000_000
"""A quantile is taken on the finest level with at most this many pixels."""


def quantile_of(pyramid: Pyramid, channel: int, quantile: float) -> float:
    """Return the value below which a share of the computed pixels lies.

    Parameters
    ----------
    pyramid : Pyramid
        An overlay.
    channel : int
        Which head.
    quantile : float
        0 to 1.

    Raises
    ------
    PlanError
        If there is no such channel, the quantile is not from 0 to 1, or nothing has
        been computed.

    Notes
    -----
    Large overlays are sampled at a coarser level, whose pixels are means.
    """
    _check_channel(pyramid, channel)
    if not 0 <= quantile <= 1:
        raise PlanError(f"a quantile is from 0 to 1; got {quantile}")
    sizes = [shape[0] * shape[1] for shape in (lv.shape for lv in pyramid.levels)]
    fitting = [index for index, size in enumerate(sizes) if size <= _SAMPLED_PX]
    level = fitting[0] if fitting else len(sizes) - 1
    values = pyramid.read(pyramid.levels[level].box, level)[channel]
    computed = values[~np.isnan(values)].astype(np.float64)
    if not computed.size:
        raise PlanError(
            f"{pyramid.path} has no values yet; run the attention first, or wait until "
            f"some tiles are done"
        )
    return float(np.quantile(computed, quantile))


def threshold_overlay(
    pyramid: Pyramid,
    channel: int,
    *,
    threshold: float | None = None,
    quantile: float | None = None,
    box: Box | None = None,
) -> NDArray[np.bool_]:
    """Say where a head attends.

    Parameters
    ----------
    pyramid : Pyramid
        An overlay.
    channel : int
        Which head.
    threshold : float, optional
        Least value, relative to uniform attention: 1.0 is uniform.
    quantile : float, optional
        In its place: share of the computed pixels that is left out, 0 to 1.
    box : Box, optional
        In pixels of the overlay; by default all of it.

    Returns
    -------
    ndarray of shape (height, width) and dtype bool
        One value a token; False where nothing has been computed.

    Raises
    ------
    PlanError
        If there is no such channel, or not exactly one of threshold and quantile.
    """
    _check_channel(pyramid, channel)
    if (threshold is None) == (quantile is None):
        raise PlanError("give either a threshold or a quantile")
    if threshold is None:
        assert quantile is not None
        threshold = quantile_of(pyramid, channel, quantile)
    values = pyramid.read(box or pyramid.levels[0].box)[channel]
    attended: NDArray[np.bool_] = values >= threshold  # NaN compares as False
    return attended


def mass_mask(values: NDArray[Any], tile_tokens: int, mass: float) -> NDArray[np.bool_]:
    """Keep in each tile the fewest tokens that hold a share of its attention.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        Attention of one head; sides are multiples of `tile_tokens`.
    tile_tokens : int
        Edge of a tile in tokens.
    mass : float
        Share of the attention that is kept, above 0 and up to 1.

    Returns
    -------
    ndarray of shape (height, width) and dtype bool
        False where nothing has been computed.

    Raises
    ------
    PlanError
        If the sides or the share do not fit.

    References
    ----------
    Caron et al. 2021, arXiv:2104.14294; facebookresearch/dino visualize_attention.py
    (Apache-2.0): sorted upwards, the tokens beyond a running sum of ``1 - mass`` are
    kept. Written anew for many tiles at once.
    """
    height, width = values.shape
    if height % tile_tokens or width % tile_tokens or not 0 < mass <= 1:
        raise PlanError(
            f"a mass threshold takes whole tiles of {tile_tokens} tokens and a share "
            f"above 0 and up to 1; got {height} x {width} tokens, share {mass}"
        )
    tiles = values.reshape(
        height // tile_tokens, tile_tokens, width // tile_tokens, tile_tokens
    )
    flat = np.nan_to_num(tiles.swapaxes(1, 2).astype(np.float64))
    flat = flat.reshape(*flat.shape[:2], -1)
    order = np.argsort(flat, axis=-1, kind="stable")
    sums = np.take_along_axis(flat, order, -1).cumsum(-1)
    total = sums[..., -1:]
    kept_sorted = (sums > (1 - mass) * total) & (total > 0)
    kept = np.empty_like(kept_sorted)
    np.put_along_axis(kept, order, kept_sorted, -1)
    kept = kept.reshape(*flat.shape[:2], tile_tokens, tile_tokens)
    mask = kept.swapaxes(1, 2).reshape(height, width) & ~np.isnan(values)
    return np.asarray(mask, np.bool_)


def _check_channel(pyramid: Pyramid, channel: int) -> None:
    channels = pyramid.arrays[0].shape[0] if len(pyramid.arrays[0].shape) == 3 else 0
    if not 0 <= channel < channels:
        raise PlanError(
            f"{pyramid.path} has {channels} channels, the first one is 0; got channel "
            f"{channel}"
        )
