"""Which part of a slide is tissue, at low power: glass, pen marks and empty slides.

References
----------
The usual recipe, Otsu's threshold on saturation (for instance CLAM, mahmoodlab/CLAM
wsi_core/WholeSlideImage.py, GPL-3.0), halves every picture, also one without tissue and
one without glass, and takes pen for tissue. Here nothing is split by histogram: tissue
is what stands out, in optical density, of the glass that the slide itself shows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import TISSUE_CLASSES
from napari_histossl.geometry import Box
from napari_histossl.slide import _tissue_masks as masks
from napari_histossl.slide._tissue_signs import (
    CERTAIN_INK,
    GREY,
    POSSIBLE_INK,
    STAINED,
    find_signs,
)
from napari_histossl.slide.base import Slide
from napari_histossl.slide.levels import virtual_levels

TISSUE = TISSUE_CLASSES.named("tissue").index
GLASS = TISSUE_CLASSES.named("glass").index
PEN = TISSUE_CLASSES.named("pen").index

LOW_POWER_UM = 8.0
"""Micrometres per pixel at which tissue is looked for."""

OVERVIEW_PX = 1500
"""Longer side of the level that is looked at where no scale is known."""

_SPECK_UM = 100.0
"""Tissue smaller than a square of this side is dirt."""

_HOLE_UM = 320.0
"""Glass within tissue, smaller than a square of this side, is a lumen or fat."""

_GAP_UM = 24.0
"""Gaps up to about twice this wide do not part tissue."""


@dataclass(frozen=True, slots=True, eq=False)
class TissueMap:
    """Tissue, glass and pen on a slide.

    Attributes
    ----------
    labels : ndarray of shape (H, W) and dtype uint8
        Indices of `classes.TISSUE_CLASSES` at low power: 1 tissue, 2 glass, 3 pen.
    downsample : float
        Level-0 pixels of the slide per pixel, along both axes.
    """

    labels: NDArray[np.uint8]
    downsample: float

    @property
    def is_tissue(self) -> NDArray[np.bool_]:
        """True where there is tissue, (H, W)."""
        return np.asarray(self.labels == TISSUE)

    @property
    def share(self) -> float:
        """Share of the whole slide that is tissue, 0 to 1."""
        return float(self.is_tissue.mean())

    def fraction(self, box_px0: Box) -> float:
        """Return the share of a box that is tissue.

        Parameters
        ----------
        box_px0 : Box
            Rectangle in level-0 pixels of the slide; what lies outside is no tissue.

        Returns
        -------
        float
            0 to 1; pixels of the map that the box cuts count by their part in it.

        Examples
        --------
        >>> map_ = TissueMap(np.array([[1, 2], [1, 2]], np.uint8), 16.0)
        >>> map_.fraction(Box(0, 0, 32, 24))
        0.6666666666666666
        """
        height, width = self.labels.shape
        rows = _overlap(box_px0.y, box_px0.y1, self.downsample, height)
        columns = _overlap(box_px0.x, box_px0.x1, self.downsample, width)
        part = self.is_tissue[rows[0], columns[0]]
        return float(rows[1] @ part @ columns[1] / (box_px0.height * box_px0.width))


def _overlap(
    low: int, high: int, pixel: float, count: int
) -> tuple[slice, NDArray[np.float64]]:
    """Return which pixels an interval touches and how much of it lies in each."""
    first = min(max(int(low // pixel), 0), count)
    last = min(max(int(-(-high // pixel)), first), count)
    cells = np.arange(first, last)
    overlap = np.minimum((cells + 1) * pixel, high) - np.maximum(cells * pixel, low)
    return slice(first, last), overlap


def find_tissue(slide: Slide, *, low_power_um: float = LOW_POWER_UM) -> TissueMap:
    """Find the tissue of a slide.

    Parameters
    ----------
    slide : Slide
        Stained with haematoxylin and eosin, or similarly; only low power is read.
    low_power_um : float, optional
        Micrometres per pixel to look at. A slide that does not say its scale is looked
        at where its longer side has about 1500 pixels.

    Returns
    -------
    TissueMap
        At the virtual level next to what was asked for. An empty slide gives a map
        without tissue, not an error.

    Raises
    ------
    SlideReadError
        If the slide cannot be read.

    Notes
    -----
    1. The slide's own glass is the commonest bright and almost neutral colour.
    2. What is darker than it by 5 %, or by five times its noise, is stained.
    3. Stained pixels whose densities no stain has are ink: green and blue markers
       absorb red most, red ones absorb blue as much as green, black ones everything.
       Certain ink takes what touches it and may be ink.
    4. Specks are dropped, narrow gaps and small holes filled. Dust and shadows, dark
       without colour, are no tissue unless tissue surrounds them.

    Memory: about 8 bytes for each pixel of the map, 0.3 GB for a slide of 100,000 x
    100,000 pixels at 0.5 um.

    A picture without a scale and smaller than an overview is taken for a tile of a
    slide: less than a sixteenth of it is too little tissue to count.
    """
    level = _low_power_level(slide, low_power_um)
    chosen = virtual_levels(slide)[level]
    sizes = _sizes(slide, chosen.downsample, chosen.shape)
    return TissueMap(_label(find_signs(slide, level), sizes), chosen.downsample)


def _low_power_level(slide: Slide, low_power_um: float) -> int:
    """Return the virtual level nearest to the wanted power, on a log scale."""
    levels = virtual_levels(slide)
    if slide.mpp_yx is not None:
        wanted = low_power_um / max(slide.mpp_yx)
    else:
        wanted = max(levels[0].shape) / OVERVIEW_PX
    distances = [abs(np.log2(level.downsample / max(wanted, 1.0))) for level in levels]
    return int(np.argmin(distances))


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Sizes of things in pixels of the map."""

    speck_px: float
    hole_px: float
    gap_px: int


def _sizes(slide: Slide, downsample: float, shape: tuple[int, int]) -> _Sizes:
    if slide.mpp_yx is not None:
        um = float(np.sqrt(slide.mpp_yx[0] * slide.mpp_yx[1])) * downsample
        gap_px = min(_GAP_UM / um, max(shape) / 8)  # whatever scale is claimed
        return _Sizes(
            (_SPECK_UM / um) ** 2, (_HOLE_UM / um) ** 2, max(1, round(gap_px))
        )
    if max(slide.levels[0].shape) <= OVERVIEW_PX:
        sixteenth = shape[0] * shape[1] / 16
        return _Sizes(sixteenth, sixteenth, max(1, round(max(shape) / 128)))
    longer = max(shape)
    return _Sizes((longer / 150) ** 2, (longer / 40) ** 2, max(1, round(longer / 500)))


def _label(signs: NDArray[np.uint8], sizes: _Sizes) -> NDArray[np.uint8]:
    """Return the labels of a map; uses up the signs, so as to hold little at once."""
    ink = _ink(signs, sizes)
    signs[ink] = 0
    tissue = masks.has(signs, STAINED, but=GREY)
    del signs
    tissue = masks.closed(tissue, sizes.gap_px)
    tissue &= ~ink
    tissue = masks.without_small(tissue, sizes.speck_px)
    if tissue.any():
        tissue |= ink
        tissue = masks.without_holes(tissue, sizes.hole_px)
        tissue &= ~ink
    labels = np.full(ink.shape, GLASS, np.uint8)
    labels[ink] = PEN
    labels[tissue] = TISSUE
    return labels


def _ink(signs: NDArray[np.uint8], sizes: _Sizes) -> NDArray[np.bool_]:
    ink = masks.grow(masks.has(signs, CERTAIN_INK), masks.has(signs, POSSIBLE_INK))
    ink &= masks.has(signs, STAINED)
    ink = masks.closed(masks.without_small(ink, sizes.speck_px), sizes.gap_px)
    rim = masks.near(ink, sizes.gap_px)
    rim &= masks.has(signs, STAINED)  # its pale rim
    ink |= rim
    return ink
