"""What is the same all over one slide and differs from slide to slide.

Laboratories dye, light and photograph differently, and tumours differ. All of it is
drawn from the seed, widely enough that a colour does not give a class away: the stroma
of one slide is as dark as the tumour of another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from napari_histossl.phantom.hashing import Dice
from napari_histossl.phantom.settings import Setting
from napari_histossl.phantom.tissue_constants import StainSetting

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Stain:
    """Dyes, light and camera.

    Attributes
    ----------
    haematoxylin, eosin, red_cell : tuple of float
        Optical density for red, green and blue of one unit of dye.
    white : tuple of float
        Grey levels of the empty glass, 0 to 255.
    flare : float
        Share of stray light, 0 to 1.
    blur : float
        Weight of the neighbours in the optical blur.
    """

    haematoxylin: Colour
    eosin: Colour
    red_cell: Colour
    white: Colour
    flare: float
    blur: float


@dataclass(frozen=True, slots=True)
class Look:
    """Numbers of one slide; what they mean stands with their ranges in `Setting`."""

    stain: Stain
    fibre_angle: float
    tissue_threshold: float
    tumour_threshold: float
    necrosis_threshold: float
    solid_bias: float
    lymphoid_probability: float
    vessel_probability: float
    vessel_filled: float
    stroma_looseness: float
    stroma_eosin: float
    stroma_haematoxylin: float
    stroma_contrast: float
    stroma_cellularity: float
    tumour_eosin: float
    tumour_haematoxylin: float
    tumour_border: float
    tumour_nucleus_size: float
    tumour_darkness: float
    tumour_pallor: float
    tumour_nucleoli: float
    tumour_fill: float
    lymphocyte_density: float
    lymphocyte_radius: float
    lymphocyte_darkness: float
    lymphoid_eosin_left: float
    lymphoid_haematoxylin: float
    necrosis_eosin: float
    necrosis_haematoxylin: float
    necrosis_grain: float
    necrosis_holes: float
    necrosis_ghosts: float
    necrosis_shrunken: float
    necrosis_dust: float
    necrosis_darkness: float

    @classmethod
    def of(cls, seed: int, setting: Setting) -> Look:
        """Return the look of the slide of a seed."""
        between = Dice(seed).between
        layout, tumour, cells = setting.layout, setting.tumour, setting.lymphocytes
        stroma, necrosis = setting.stroma, setting.necrosis
        sign = 1 if between("tumour.border.sign", (-1.0, 1.0)) > 0 else -1
        return cls(
            stain=stain_of(seed, setting.stain),
            fibre_angle=between("fibre_angle", (0.0, math.pi)),
            tissue_threshold=between("tissue_threshold", layout.tissue_threshold),
            tumour_threshold=between("tumour_threshold", layout.tumour_threshold),
            necrosis_threshold=between("necrosis_threshold", layout.necrosis_threshold),
            solid_bias=between("solid_bias", setting.glands.solid_bias),
            lymphoid_probability=between("lymphoid", setting.lymphoid.probability),
            vessel_probability=between("vessels", setting.vessels.probability),
            vessel_filled=between("vessels.filled", setting.vessels.filled),
            stroma_looseness=between("stroma.looseness", stroma.looseness),
            stroma_eosin=between("stroma.eosin", stroma.eosin),
            stroma_haematoxylin=between("stroma.haematoxylin", stroma.haematoxylin),
            stroma_contrast=between("stroma.contrast", stroma.contrast),
            stroma_cellularity=between("stroma.cellularity", stroma.cellularity),
            tumour_eosin=between("tumour.eosin", tumour.eosin),
            tumour_haematoxylin=between("tumour.haematoxylin", tumour.haematoxylin),
            tumour_border=between("tumour.border", tumour.border) * sign,
            tumour_nucleus_size=between("tumour.nucleus_size", tumour.nucleus_size),
            tumour_darkness=between("tumour.darkness", tumour.darkness),
            tumour_pallor=between("tumour.pallor", tumour.pallor),
            tumour_nucleoli=between("tumour.nucleoli", tumour.nucleoli),
            tumour_fill=between("tumour.fill", tumour.fill),
            lymphocyte_density=between("lymphocytes.density", cells.density),
            lymphocyte_radius=between("lymphocytes.radius", cells.radius),
            lymphocyte_darkness=between("lymphocytes.darkness", cells.darkness),
            lymphoid_eosin_left=between("lymphocytes.eosin", cells.eosin_left),
            lymphoid_haematoxylin=between(
                "lymphocytes.haematoxylin", cells.haematoxylin_added
            ),
            necrosis_eosin=between("necrosis.eosin", necrosis.eosin),
            necrosis_haematoxylin=between(
                "necrosis.haematoxylin", necrosis.haematoxylin
            ),
            necrosis_grain=between("necrosis.grain", necrosis.grain),
            necrosis_holes=between("necrosis.holes", necrosis.holes),
            necrosis_ghosts=between("necrosis.ghosts", necrosis.ghosts),
            necrosis_shrunken=between("necrosis.shrunken", necrosis.shrunken),
            necrosis_dust=between("necrosis.dust", necrosis.dust),
            necrosis_darkness=between("necrosis.darkness", necrosis.darkness),
        )


def stain_of(seed: int, setting: StainSetting) -> Stain:
    """Return dyes, light and camera of the slide of a seed."""
    between = Dice(seed).between
    white = between("white", setting.white)
    red, green, blue = (
        min(white + setting.white_tint * between(f"tint.{c}", (-1.0, 1.0)), 254.0)
        for c in "rgb"
    )
    return Stain(
        haematoxylin=_dye(
            seed,
            "haematoxylin",
            setting.haematoxylin,
            setting.haematoxylin_spread,
            _on_log_scale(seed, "haematoxylin.gain", setting.haematoxylin_gain),
        ),
        eosin=_dye(
            seed,
            "eosin",
            setting.eosin,
            setting.eosin_spread,
            _on_log_scale(seed, "eosin.gain", setting.eosin_gain),
        ),
        red_cell=_dye(
            seed,
            "red_cell",
            setting.red_cell,
            setting.eosin_spread,
            _on_log_scale(seed, "red.gain", setting.red_gain),
        ),
        white=(red, green, blue),
        flare=between("flare", setting.flare),
        blur=between("blur", setting.blur),
    )


def _dye(seed: int, name: str, mean: Colour, spread: Colour, gain: float) -> Colour:
    between = Dice(seed).between
    red, green, blue = (
        max(m + s * between(f"{name}.{c}", (-1.0, 1.0)), 0.02)
        for c, m, s in zip("rgb", mean, spread, strict=True)
    )
    length = math.sqrt(red * red + green * green + blue * blue)
    return gain * red / length, gain * green / length, gain * blue / length


def _on_log_scale(seed: int, name: str, bounds: tuple[float, float]) -> float:
    low, high = bounds
    return math.exp(Dice(seed).between(name, (math.log(low), math.log(high))))
