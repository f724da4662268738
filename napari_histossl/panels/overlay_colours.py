"""Colours of overlays: from a value to what lies over the tissue."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

STEPS = 1024
"""Entries of a table of colours: a threshold is met to a thousandth of the scale."""

COLOUR_MAPS: Mapping[str, tuple[str, ...]] = {
    "viridis": ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"),
    "magma": ("#000004", "#51127c", "#b73779", "#fc8961", "#fcfdbf"),
    "cividis": ("#00224e", "#434e6c", "#7d7c78", "#bcaf6f", "#fee838"),
    "red": ("#fff5f0", "#fcbba1", "#fb6a4a", "#cb181d", "#67000d"),
    "grey": ("#000000", "#404040", "#808080", "#c0c0c0", "#ffffff"),
}
"""Anchors at equal distances, lowest value first: matplotlib's maps of these names, and
ColorBrewer's Reds. viridis and cividis read the same to most colour-blind people."""

_CLEAR = (0.0, 0.35, 0.75, 0.9, 1.0)
"""Opacity along the scale where low values let the tissue through."""


def colour_table(
    name: str, *, clear: bool = True, threshold: float = 0.0
) -> NDArray[np.float32]:
    """Return the colours of a scale.

    Parameters
    ----------
    name : str
        One of `COLOUR_MAPS`.
    clear : bool, optional
        Let the tissue through where values are low.
    threshold : float, optional
        Share of the scale, 0 to 1, below which nothing is shown.

    Returns
    -------
    ndarray of shape (1024, 4) and dtype float32
        RGBA from 0 to 1, lowest value first.
    """
    anchors = COLOUR_MAPS[name]
    places = np.linspace(0, 1, len(anchors))
    shares = np.linspace(0, 1, STEPS)
    rgb = np.array([_rgb(anchor) for anchor in anchors]) / 255
    table = np.ones((STEPS, 4), np.float32)
    for channel in range(3):
        table[:, channel] = np.interp(shares, places, rgb[:, channel])
    if clear:
        table[:, 3] = np.interp(shares, np.linspace(0, 1, len(_CLEAR)), _CLEAR)
    table[shares < threshold, 3] = 0
    return table


def paint(
    values: NDArray[np.floating],
    table: NDArray[np.float32],
    limits: tuple[float, float],
) -> NDArray[np.float32]:
    """Colour values as a table says.

    Parameters
    ----------
    values : ndarray of shape (height, width)
        NaN is not painted.
    table : ndarray of shape (N, 4)
        RGBA from 0 to 1.
    limits : tuple of float
        Values of the first and the last colour; beyond them colours do not change.

    Returns
    -------
    ndarray of shape (height, width, 4) and dtype float32
        RGBA from 0 to 1.
    """
    low, high = limits
    shares = (np.nan_to_num(values) - low) / max(high - low, 1e-6)
    places = np.clip(shares * (len(table) - 1), 0, len(table) - 1)
    colours: NDArray[np.float32] = table[np.round(places).astype(np.intp)]
    colours[np.isnan(values)] = 0
    return colours


def _rgb(text: str) -> tuple[int, int, int]:
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)
