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

_SMALLEST_SOFTNESS_UM = 0.10
"""Half width of an outline's soft edge, beside half a pixel."""


def stamp(
    nuclei: Nuclei, frame: Frame, wobble: Floats | float, dark: Floats, cover: Floats
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
    inside *= nuclei.darkness[which]
    inside *= 1 - middle
    np.maximum.at(dark.ravel(), flat, inside)


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
    """Spread each ellipse over the four nearest pixels, by its area.

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
        Covered area in pixels times weight; above 1 where ellipses overlap.

    Notes
    -----
    `bincount` adds in the order of the nuclei, which is that of their lattice, so the
    sum does not depend on the box.
    """
    height, width = frame.shape
    area = np.pi * nuclei.long_um.astype(np.float64) * nuclei.short_um
    area /= frame.px_um**2
    y, x = nuclei.y_um / frame.px_um - 0.5, nuclei.x_um / frame.px_um - 0.5
    row_part, column_part = y - np.floor(y), x - np.floor(x)
    row = np.floor(y).astype(np.int64) - frame.rows[0]
    column = np.floor(x).astype(np.int64) - frame.columns[0]
    drawn = [np.zeros(height * width) for _ in weights]
    for i in (0, 1):
        for j in (0, 1):
            share = area * (row_part if i else 1 - row_part)
            share *= column_part if j else 1 - column_part
            at_row, at_column = row + i, column + j
            seen = (at_row >= 0) & (at_row < height)
            seen &= (at_column >= 0) & (at_column < width)
            flat = (at_row * width + at_column)[seen]
            for picture, weight in zip(drawn, weights, strict=True):
                picture += np.bincount(
                    flat, (share * weight)[seen], minlength=height * width
                )
    return [picture.reshape(frame.shape).astype(np.float32) for picture in drawn]
