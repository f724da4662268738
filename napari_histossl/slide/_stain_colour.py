"""What colours say at low power: where glass is, what is stained, what is ink.

Everything is judged in optical density against the glass of the same slide, so white
balance, lamp and strength of stain drop out. Tissue absorbs green most (eosin), or red
and green alike (haematoxylin), or blue (DAB); marker ink absorbs as no stain does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Densities = NDArray[np.float32]
"""Optical density of red, green and blue against the glass, (3, H, W), at least 0.

Colours come first: taking the least of three planes is ten times as fast as taking the
least along a last axis of three.
"""

_DARKEST_GLASS = 175
"""Lowest channel that glass may have: grey lamps reach 215, light tissue 170."""

_MOST_TINT = 34
"""Largest difference between channels of glass: warm and cold lamps reach 25."""

_SMALLEST_GLASS = 0.002
"""Share of the picture that must look like glass before it is taken for it."""

_SAMPLE_PX = 1_000_000
"""Pixels from which the colour of glass is taken."""

_FAINTEST_TISSUE = 0.022
"""Lowest mean density of tissue: 5 % darker than the glass."""

_MEDIAN_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

_NOISE_FACTOR = 5.0
"""Tissue stands out of the glass's own noise by this many standard deviations."""


@dataclass(frozen=True, slots=True)
class Glass:
    """Colour of empty glass on a slide.

    Attributes
    ----------
    colour : tuple of float
        Red, green and blue, 0 to 255.
    noise : float
        Standard deviation of the mean density of glass.
    is_seen : bool
        False if no glass was found and white is assumed.
    """

    colour: tuple[float, float, float]
    noise: float
    is_seen: bool


def sample_step(count: int) -> int:
    """Return of how many pixels along each axis one tells the colour of glass.

    Parameters
    ----------
    count : int
        Pixels of the picture; a million tell it as well as ten million do.
    """
    return max(1, round(math.sqrt(count / _SAMPLE_PX)))


def find_glass(picture: NDArray[np.float32]) -> Glass:
    """Find the colour of empty glass: the commonest bright and almost neutral one.

    Parameters
    ----------
    picture : ndarray of shape (3, H, W) and dtype float32
        RGB, 0 to 255, slightly smoothed; a sample is enough, see `sample_step`.

    Returns
    -------
    Glass
        White where nothing looks like glass, as in a picture full of tissue.
    """
    darkest, brightest = lowest(picture), highest(picture)
    looks_like = (darkest >= _DARKEST_GLASS) & (brightest - darkest <= _MOST_TINT)
    # scanners fill what they left out with pure white, which is not the glass's colour
    scanned = looks_like & (darkest < 254)
    candidates = picture[:, scanned if _is_enough(scanned) else looks_like]
    if not _is_enough(looks_like):
        return Glass((255.0, 255.0, 255.0), 0.0, is_seen=False)
    brightness = candidates.mean(0)
    counts = np.bincount(np.rint(brightness).astype(np.intp), minlength=256)
    # brighter wins between equals: light tissue is darker than the glass about it
    mode = 255 - int(np.argmax(np.convolve(counts, np.ones(3), "same")[::-1]))
    near = candidates[:, np.abs(brightness - mode) <= 3]
    red, green, blue = (float(value) for value in np.median(near, axis=1))
    middle = max(red + green + blue, 1.0) / 3
    spread = float(np.median(np.abs(near.mean(0) - middle))) * _MEDIAN_TO_SIGMA
    noise = spread / middle / float(np.log(10))  # a small density is a small share
    return Glass((red, green, blue), noise, is_seen=True)


def _is_enough(mask: NDArray[np.bool_]) -> bool:
    return float(mask.mean()) >= _SMALLEST_GLASS


def densities(picture: NDArray[np.float32], glass: Glass) -> Densities:
    """Return the optical densities of a picture against the glass.

    Parameters
    ----------
    picture : ndarray of shape (3, H, W) and dtype float32
        RGB, 0 to 255.
    glass : Glass
        What density 0 is.

    Returns
    -------
    ndarray of shape (3, H, W) and dtype float32
        Base-10 logarithms, at least 0: what is brighter than glass has none.
    """
    white = np.asarray(glass.colour, np.float32)[:, None, None]
    return np.maximum(-np.log10(np.maximum(picture, 1) / white), 0)


def find_stained(density: Densities, glass: Glass) -> NDArray[np.bool_]:
    """Tell what is darker than glass, by stain, ink or dirt.

    Parameters
    ----------
    density : ndarray of shape (3, H, W)
        Densities of a slightly smoothed picture.
    glass : Glass
        Its noise says what stands out.

    Returns
    -------
    ndarray of shape (H, W) and dtype bool
        True where the mean density stands out.
    """
    threshold = max(_FAINTEST_TISSUE, _NOISE_FACTOR * glass.noise)
    return np.asarray(density.mean(0) > threshold)


def find_grey(density: Densities) -> NDArray[np.bool_]:
    """Tell what is darker than glass without a colour: shadows, dust, slide edges.

    Parameters
    ----------
    density : ndarray of shape (3, H, W)
        Densities of a slightly smoothed picture.

    Returns
    -------
    ndarray of shape (H, W) and dtype bool
        True where the three densities are alike, as no stain's are.
    """
    spread = highest(density) - lowest(density)
    return np.asarray(spread < 0.12 * density.mean(0))


def find_ink(density: Densities) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell marker ink from stains.

    Parameters
    ----------
    density : ndarray of shape (3, H, W)
        Densities of a smoothed picture.

    Returns
    -------
    certain, possible : ndarray of shape (H, W) and dtype bool
        Ink beyond doubt, and what is ink if it touches such ink.

    Notes
    -----
    Measured at 8 um/px, stained tissue absorbs red at most 0.9 times as much as green,
    blue at most 0.76 times where red is hardly absorbed, and has red densities up to
    0.7. Single bluish nuclei in magnified pictures reach 1.3: they are too small to
    count as a mark.
    """
    red, green, blue = density
    least = lowest(density)
    is_even = highest(density) - least < 0.3 * least
    certain = (
        (red > 1.45 * green) & (red > 0.22)  # green and blue ink
        | (red > 1.10 * green) & (red > 0.50)  # dark blue
        | _is_red(red, green, blue, 0.88) & (green > 0.45)
        | _is_red(red, green, blue, 0.78) & (green > 0.80)
        | is_even & (least > 0.85)  # black; folds of tissue are dark but purple
    )
    possible = (
        (red > 1.12 * green) & (red > 0.06)
        | (red > 0.85 * green) & (red > 0.70)  # blue ink upon tissue
        | _is_red(red, green, blue, 0.78) & (green > 0.30)
        | is_even & (least > 0.60)
    )
    return np.asarray(certain), np.asarray(possible | certain)


def _is_red(
    red: NDArray[np.float32],
    green: NDArray[np.float32],
    blue: NDArray[np.float32],
    ratio: float,
) -> NDArray[np.bool_]:
    """Red ink: absorbs blue nearly as much as green and red hardly; eosin does not."""
    return np.asarray((blue > ratio * green) & (red < 0.35 * green))


def lowest(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the least of three planes, (H, W)."""
    return np.asarray(np.minimum(np.minimum(planes[0], planes[1]), planes[2]))


def highest(planes: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the greatest of three planes, (H, W)."""
    return np.asarray(np.maximum(np.maximum(planes[0], planes[1]), planes[2]))
