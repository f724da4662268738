"""Ellipses into pixels: outlines where they show, covered area where they do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats, Integers
from napari_histossl.phantom.nuclei import Nuclei
from napari_histossl.phantom.sites import Windows

_OUTMOST = 1.69
"""Square of the largest normalised radius that is looked at; 1 is the outline."""

_EDGES_ARE_THIN_BELOW_UM = 0.8
"""Pixels below this may take the mean dye of an edge for its mean light."""

_NARROW_ABOVE_UM = 3.3
_NARROW_PX = 1
_WIDE_PX = 2
"""Half widths in which a nucleus is spread, in pixels above and below that size."""

_SMALLEST_SOFTNESS_UM = 0.10
"""Half width of an outline's soft edge, beside half a pixel."""


def stamp(
    nuclei: Nuclei,
    frame: Frame,
    wobble: Floats | float,
    dark: Floats,
    cover: Floats,
    density: float,
) -> None:
    """Draw ellipses by maxima, so that their order does not matter.

    Parameters
    ----------
    nuclei : Nuclei
        What is drawn.
    frame : Frame
        Where.
    wobble : ndarray of shape (H, W) or float
        Added to the normalised radius: makes outlines uneven.
    dark, cover : ndarray of shape (H, W) and dtype float32
        Raised in place: dye, and coverage in [0, 1].
    density : float
        Optical density of one unit of the dye, where it is densest.
    """
    radius, which, flat = _normalised_radius(nuclei, frame)
    if isinstance(wobble, np.ndarray):
        radius += wobble.ravel()[flat]
    soft = np.float32(0.5 * frame.px_um + _SMALLEST_SOFTNESS_UM) / nuclei.short_um
    inside = 1 - radius
    inside *= (0.5 / soft)[which]
    inside += 0.5
    np.clip(inside, 0, 1, out=inside)
    np.maximum.at(cover.ravel(), flat, inside)
    middle = radius * radius
    middle *= -1.15
    middle += 1
    np.maximum(middle, 0, out=middle)
    middle *= nuclei.pallor[which]
    dye = 1 - middle
    dye *= nuclei.darkness[which]
    if frame.px_um < _EDGES_ARE_THIN_BELOW_UM:
        dye *= inside
    else:
        dye = _seen_through(dye, inside, density)
    np.maximum.at(dark.ravel(), flat, dye)


def _seen_through(dye: Floats, share: Floats, density: float) -> Floats:
    """Dye that lets through as much light as a share of the pixel with the dye does."""
    dye *= np.float32(-density)
    taken = np.expm1(dye, out=dye)
    taken *= share
    seen = np.log1p(taken, out=taken)
    seen *= np.float32(-1 / density)
    return seen


def _normalised_radius(
    nuclei: Nuclei, frame: Frame
) -> tuple[Floats, Integers, Integers]:
    """Distance from the centre in units of the ellipse, at the pixels about it.

    Returns
    -------
    tuple of ndarray
        For each pair of an ellipse and a pixel: the distance, the number of the
        ellipse, the flat index of the pixel.
    """
    px_um = np.float32(frame.px_um)
    y, x = nuclei.y_um / frame.px_um - 0.5, nuclei.x_um / frame.px_um - 0.5
    row, column = np.rint(y), np.rint(x)
    windows = Windows.about(
        row.astype(np.int64) - frame.rows[0],
        column.astype(np.int64) - frame.columns[0],
        _half_widths_px(nuclei, frame.px_um),
        frame.shape,
    )
    which = windows.site
    # Absolute indices first: whole numbers are exact wherever the box begins.
    down = (windows.rows + frame.rows[0] - y[which]).astype(np.float32)
    right = (windows.columns + frame.columns[0] - x[which]).astype(np.float32)
    along, across = px_um / nuclei.long_um, px_um / nuclei.short_um
    first = down * (nuclei.sin * along)[which]
    first += right * (nuclei.cos * along)[which]
    second = down * (nuclei.cos * across)[which]
    second -= right * (nuclei.sin * across)[which]
    first *= first
    second *= second
    first += second
    seen = np.nonzero(first < _OUTMOST)[0]
    return np.sqrt(first[seen]), which[seen], windows.flat[seen]


def _half_widths_px(nuclei: Nuclei, px_um: float) -> tuple[Integers, Integers]:
    """Half height and half width of the box round each ellipse."""
    long_um, short_um = nuclei.long_um**2, nuclei.short_um**2
    cos, sin = nuclei.cos**2, nuclei.sin**2
    height = np.sqrt((long_um * sin + short_um * cos) * np.float32(_OUTMOST))
    width = np.sqrt((long_um * cos + short_um * sin) * np.float32(_OUTMOST))
    return (
        np.ceil(height / px_um + 0.5).astype(np.int64),
        np.ceil(width / px_um + 0.5).astype(np.int64),
    )


def splat(
    nuclei: Nuclei, frame: Frame, weights: list[NDArray[np.float64]]
) -> list[Floats]:
    """Spread each ellipse over the pixels about it, as a disc of the same area.

    Parameters
    ----------
    nuclei : Nuclei
        What is drawn.
    frame : Frame
        Where.
    weights : list of ndarray of shape (N,)
        What one fully covered pixel is worth, for each picture that is wanted.

    Returns
    -------
    list of ndarray of shape (H, W) and dtype float32
        Covered share of the pixel times weight; above 1 where discs overlap.

    Notes
    -----
    `bincount` adds in the order of the nuclei, which is that of their lattice, so the
    sum does not depend on the box.
    """
    height, width = frame.shape
    which, flat, share = _disc_shares(nuclei, frame)
    return [
        np.bincount(flat, share * weight[which], minlength=height * width)
        .reshape(frame.shape)
        .astype(np.float32)
        for weight in weights
    ]


def _disc_shares(
    nuclei: Nuclei, frame: Frame
) -> tuple[Integers, Integers, NDArray[np.float64]]:
    """Return number of the nucleus, flat index of the pixel, share of it covered."""
    px_um = frame.px_um
    y, x = nuclei.y_um / px_um - 0.5, nuclei.x_um / px_um - 0.5
    row, column = np.rint(y), np.rint(x)
    half = _NARROW_PX if px_um > _NARROW_ABOVE_UM else _WIDE_PX
    offsets = np.arange(-half, half + 1)
    down = np.square(row - y)[:, None] + 2 * (row - y)[:, None] * offsets + offsets**2
    right = np.square(column - x)[:, None]
    right = right + 2 * (column - x)[:, None] * offsets + offsets**2
    squared = np.maximum(down[:, :, None] + right[:, None, :], 0)  # (N, K, K)
    area = np.pi / px_um**2 * nuclei.long_um.astype(np.float64) * nuclei.short_um
    radius = np.sqrt(area / np.pi)
    share = np.clip(radius[:, None, None] + 0.5 - np.sqrt(squared), 0, 1)
    total = share.sum(axis=(1, 2))
    share *= (area / np.maximum(total, 1e-9))[:, None, None]
    rows = row.astype(np.int64)[:, None] - frame.rows[0] + offsets
    columns = column.astype(np.int64)[:, None] - frame.columns[0] + offsets
    seen = ((rows >= 0) & (rows < frame.shape[0]))[:, :, None]
    seen = seen & ((columns >= 0) & (columns < frame.shape[1]))[:, None, :]
    flat = rows[:, :, None] * frame.shape[1] + columns[:, None, :]
    which = np.broadcast_to(np.arange(len(nuclei))[:, None, None], seen.shape)
    return which[seen], flat[seen], share[seen]
