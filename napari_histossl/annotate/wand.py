"""A wand: what is connected to a point of a picture and looks like it.

References
----------
The idea is that of QuPath's wand (qupath/qupath
``qupath-gui-fx/src/main/java/qupath/lib/gui/viewer/tools/handlers/
WandToolEventHandler.java``, GPL-3.0; Bankhead et al., Sci Rep 7, 16878 (2017),
doi:10.1038/s41598-017-17204-5): pixels as they are on the screen, blurred, are flooded
from the cursor in a patch around it, and closed. Written anew and changed: colours are
compared by their distance in CIELAB to the seed's neighbourhood, with a tolerance that
the person sets in place of a multiple of the patch's standard deviation; what the blur
takes off the rim is given back; the patch is round, so that a drag leaves no corners;
only small holes are closed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import AnnotationError

SEED_RADIUS_PX = 2
"""Radius of the neighbourhood whose mean is the colour that is looked for."""


def grow(
    picture: NDArray[np.uint8],
    seed_yx: tuple[int, int],
    *,
    tolerance: float,
    smoothing_px: float,
    reach_px: int,
) -> NDArray[np.bool_]:
    """Return what is connected to a pixel and looks like it.

    Parameters
    ----------
    picture : ndarray of shape (H, W, 3) and dtype uint8
        RGB, sRGB, at the resolution at which it is looked at.
    seed_yx : tuple of int
        Row and column of the pixel.
    tolerance : float
        Largest distance in CIELAB from the mean colour around the seed, at least 0;
        2 is just seen, 100 is black against white.
    smoothing_px : float
        Standard deviation of the blur before colours are compared, and radius of the
        gaps that are closed afterwards, at least 0.
    reach_px : int
        Nothing farther away from the seed is taken, at least 1.

    Returns
    -------
    ndarray of shape (H, W) and dtype bool
        Which pixels are taken; the seed is one of them.

    Raises
    ------
    AnnotationError
        If the seed is outside the picture, or a number is out of bounds.

    Examples
    --------
    >>> picture = np.full((20, 20, 3), 240, np.uint8)
    >>> picture[5:15, 5:15] = (180, 60, 120)
    >>> area = grow(picture, (9, 9), tolerance=10, smoothing_px=0, reach_px=20)
    >>> int(area.sum())
    100
    """
    height, width = picture.shape[:2]
    _check(seed_yx, (height, width), tolerance, smoothing_px, reach_px)
    part = _part_around(seed_yx, (height, width), reach_px)
    seed = seed_yx[0] - part[0].start, seed_yx[1] - part[1].start
    is_near = _disk(picture[part].shape[:2], seed, reach_px)
    sharp, blurred = _distances_to_seed(picture[part], seed, smoothing_px)
    area = _connected((blurred <= tolerance) & is_near, seed)
    area = _with_rim(area, sharp <= tolerance, smoothing_px)
    grown = np.zeros((height, width), np.bool_)
    grown[part] = _closed(area, smoothing_px) & is_near
    return grown


def _check(
    seed_yx: tuple[int, int],
    shape: tuple[int, int],
    tolerance: float,
    smoothing_px: float,
    reach_px: int,
) -> None:
    is_inside = all(0 <= at < size for at, size in zip(seed_yx, shape, strict=True))
    if not is_inside:
        raise AnnotationError(
            f"the wand starts inside the picture of {shape[1]} x {shape[0]} pixels; "
            f"got row {seed_yx[0]}, column {seed_yx[1]}"
        )
    if not (tolerance >= 0 and smoothing_px >= 0 and reach_px >= 1):
        raise AnnotationError(
            f"tolerance and smoothing of a wand are at least 0 and its reach at least "
            f"1 pixel; got {tolerance}, {smoothing_px} and {reach_px}"
        )


def _part_around(
    seed_yx: tuple[int, int], shape: tuple[int, int], reach_px: int
) -> tuple[slice, slice]:
    rows, columns = (
        slice(max(at - reach_px, 0), min(at + reach_px + 1, size))
        for at, size in zip(seed_yx, shape, strict=True)
    )
    return rows, columns


def _disk(
    shape: tuple[int, ...], centre_yx: tuple[int, int], radius_px: float
) -> NDArray[np.bool_]:
    rows = np.arange(shape[0])[:, None] - centre_yx[0]
    columns = np.arange(shape[1]) - centre_yx[1]
    inside: NDArray[np.bool_] = rows**2 + columns**2 <= radius_px**2
    return inside


def _distances_to_seed(
    picture: NDArray[np.uint8], seed_yx: tuple[int, int], smoothing_px: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return how far each colour, sharp and blurred, is from that around the seed."""
    from scipy import ndimage
    from skimage.color import rgb2lab

    sharp = blurred = rgb2lab(picture.astype(np.float32) / 255)
    if smoothing_px > 0:
        blurred = ndimage.gaussian_filter(sharp, (smoothing_px, smoothing_px, 0))
    colour = blurred[_disk(blurred.shape[:2], seed_yx, SEED_RADIUS_PX)].mean(axis=0)
    return (
        np.linalg.norm(sharp - colour, axis=2),
        np.linalg.norm(blurred - colour, axis=2),
    )


def _connected(
    is_alike: NDArray[np.bool_], seed_yx: tuple[int, int]
) -> NDArray[np.bool_]:
    from scipy import ndimage

    is_alike[seed_yx] = True  # also where it is unlike what is around it
    regions, _count = ndimage.label(is_alike)
    found: NDArray[np.bool_] = regions == regions[seed_yx]
    return found


def _with_rim(
    area: NDArray[np.bool_], is_alike: NDArray[np.bool_], smoothing_px: float
) -> NDArray[np.bool_]:
    """Add what is alike and so near that only the blur has kept it out."""
    from scipy import ndimage

    radius = math.ceil(smoothing_px)
    if radius < 1:
        return area
    near = ndimage.binary_dilation(area, _element(radius))
    with_rim: NDArray[np.bool_] = area | (near & is_alike)
    return with_rim


def _closed(area: NDArray[np.bool_], smoothing_px: float) -> NDArray[np.bool_]:
    """Close gaps and holes that are no wider than the smoothing."""
    from scipy import ndimage

    radius = math.floor(smoothing_px)
    if radius < 1:
        return area
    padded = np.pad(area, radius + 1)  # so that all that is outside is one region
    closed = ndimage.binary_closing(padded, _element(radius))
    others, _count = ndimage.label(~closed)
    sizes = np.bincount(others.ravel())
    is_hole = sizes <= math.pi * (2 * radius) ** 2
    is_hole[others[0, 0]] = False
    filled: NDArray[np.bool_] = closed | is_hole[others]
    inside = slice(radius + 1, -radius - 1)
    return filled[inside, inside]


def _element(radius: int) -> NDArray[np.bool_]:
    return _disk((2 * radius + 1, 2 * radius + 1), (radius, radius), radius)
