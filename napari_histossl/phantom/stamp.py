"""Ellipses into pixels: outlines where they show, covered area where they do not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats, Integers
from napari_histossl.phantom.nuclei import Nuclei

_WINDOW_PX = (2, 3, 4, 6, 8, 10, 13, 18, 26, 40, 80)
"""Half widths in which ellipses of similar size are drawn together."""

_OUTMOST = 1.7
"""Square of the largest normalised radius that is looked at; 1 is the outline."""


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
    half = np.ceil(nuclei.long_um * (1.12 / frame.px_um)).astype(np.int64) + 1
    smallest = 0
    for largest in _WINDOW_PX:
        chosen = np.nonzero((half > smallest) & (half <= largest))[0]
        smallest = largest
        if len(chosen):
            _stamp_alike(nuclei, chosen, largest, frame, wobble, dark, cover)


def _stamp_alike(
    nuclei: Nuclei,
    chosen: Integers,
    half_px: int,
    frame: Frame,
    wobble: Floats | float,
    dark: Floats,
    cover: Floats,
) -> None:
    px_um, shape = frame.px_um, frame.shape
    y_um, x_um = nuclei.y_um[chosen], nuclei.x_um[chosen]
    first_row = np.floor(y_um / px_um).astype(np.int64) - frame.rows[0] - half_px
    first_column = np.floor(x_um / px_um).astype(np.int64) - frame.columns[0] - half_px
    offsets = np.arange(2 * half_px + 1)
    rows, columns = first_row[:, None] + offsets, first_column[:, None] + offsets
    y = ((rows + (frame.rows[0] + 0.5)) * px_um - y_um[:, None]).astype(np.float32)
    x = ((columns + (frame.columns[0] + 0.5)) * px_um - x_um[:, None]).astype(
        np.float32
    )
    squared = _normalised_square(nuclei, chosen, y, x)
    seen = squared < _OUTMOST
    seen &= ((rows >= 0) & (rows < shape[0]))[:, :, None]
    seen &= ((columns >= 0) & (columns < shape[1]))[:, None, :]
    which, i, j = np.nonzero(seen)
    flat = rows[which, i] * shape[1] + columns[which, j]
    radius = np.sqrt(squared[seen])
    if isinstance(wobble, np.ndarray):
        radius += wobble.ravel()[flat]
    # Half the width of the soft edge, in units of the radius.
    soft = (np.float32(0.5 * px_um + 0.10) / nuclei.short_um[chosen])[which]
    inside = np.clip((1 - radius) / (2 * soft) + 0.5, 0, 1)
    np.maximum.at(cover.ravel(), flat, inside)
    middle = np.clip(1 - 1.15 * radius * radius, 0, 1)
    dye = nuclei.darkness[chosen][which]
    dye *= inside
    dye *= 1 - nuclei.pallor[chosen][which] * middle
    np.maximum.at(dark.ravel(), flat, dye)


def _normalised_square(
    nuclei: Nuclei, chosen: Integers, y: Floats, x: Floats
) -> Floats:
    """Square of the distance from each centre in units of the ellipse."""
    cos, sin = nuclei.cos[chosen][:, None], nuclei.sin[chosen][:, None]
    along, across = 1 / nuclei.long_um[chosen], 1 / nuclei.short_um[chosen]
    along, across = along[:, None], across[:, None]
    first = (y * sin * along)[:, :, None] + (x * cos * along)[:, None, :]
    second = (y * cos * across)[:, :, None] - (x * sin * across)[:, None, :]
    first *= first
    second *= second
    first += second
    return first


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
