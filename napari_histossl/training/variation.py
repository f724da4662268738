"""How the views of a picture may differ, as numbers.

References
----------
`STAIN` is this package's own: quarter turns and a random gain of optical density
(after Tellez et al. 2018, doi:10.1109/TMI.2018.2820199) in place of colour jitter. The
stain varies about as much as between slides: with a third of it the features stay as
stain-bound as random ones. `DINO_VIEWS` are those of Caron et al. 2021,
arXiv:2104.14294 (facebookresearch/dino main_dino.py, Apache-2.0), `SIMCLR_VIEW` that of
Chen et al. 2020, arXiv:2002.05709, appendix A, at strength 1. Changed: the order of the
colour jitter is drawn once a batch, hue turns in YIQ.
"""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Variation:
    """What is done to a view; zero leaves a thing as it is.

    Attributes
    ----------
    stain_deviation : float
        Standard deviation of the random gain of optical density, common to the
        channels and for each of them.
    offset_deviation : float
        Standard deviation of the random offset of optical density.
    brightness, contrast, saturation : float
        Largest change of the factor from 1.
    hue : float
        Largest turn, in turns.
    jitter : float
        Chance that the four before are applied.
    grey, blur : float
        Chance that a view is made grey, or averaged over 3 x 3 pixels.
    gaussian : float
        Chance of a Gaussian blur.
    sigma_px : tuple of float
        Its least and largest standard deviation in pixels.
    solarise : float
        Chance that what is bright is inverted.
    turns : bool
        Whether views are turned by quarters and flipped both ways, or mirrored only.
    aspect : float
        Largest natural logarithm of a crop's aspect ratio, by half.
    """

    stain_deviation: float = 0.0
    offset_deviation: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    hue: float = 0.0
    jitter: float = 0.0
    grey: float = 0.0
    blur: float = 0.0
    gaussian: float = 0.0
    sigma_px: tuple[float, float] = (0.1, 2.0)
    solarise: float = 0.0
    turns: bool = True
    aspect: float = 0.2


@dataclass(frozen=True, slots=True)
class View:
    """One of the views that are cut from every picture.

    Attributes
    ----------
    px : int
        Edge in pixels.
    area : tuple of float
        Least and largest share of the picture that it takes.
    variation : Variation
        What is done to it.
    """

    px: int
    area: tuple[float, float]
    variation: Variation


STAIN = Variation(stain_deviation=0.2, offset_deviation=0.03, grey=0.05, blur=0.10)
"""Of the small DINO recipe."""

_NATURAL_ASPECT = 0.1438
"""Aspect ratios of 3/4 to 4/3."""

_DINO = Variation(
    brightness=0.4,
    contrast=0.4,
    saturation=0.2,
    hue=0.1,
    jitter=0.8,
    grey=0.2,
    turns=False,
    aspect=_NATURAL_ASPECT,
)

DINO_VIEWS = (
    replace(_DINO, gaussian=1.0),
    replace(_DINO, gaussian=0.1, solarise=0.2),
    replace(_DINO, gaussian=0.5),
)
"""Of the first global view, of the second, and of the local ones."""

SIMCLR_VIEW = replace(
    _DINO, brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2, gaussian=0.5
)
"""Of both views."""
