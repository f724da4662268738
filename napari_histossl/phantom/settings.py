"""Every constant of drawn tissue, by name: a frozen record for each setting.

A result that used drawn slides names the setting it used, so a setting never changes
once it is in the table; new ones are added beside it. Lengths are micrometres.
A pair of numbers that is called a range is drawn uniformly for each slide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from types import MappingProxyType

from napari_histossl.errors import GeometryError
from napari_histossl.phantom.noise import Octaves

Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class NucleusShape:
    """How large, how round and how dark one kind of nucleus is.

    Attributes
    ----------
    long : tuple of float
        Least and greatest long half axis in um, or a factor where the look has it.
    roundness : tuple of float
        Short half axis as a share of the long one.
    darkness : tuple of float
        Haematoxylin at the rim, or a factor where the look has it.
    power : float
        Above 1 makes large ones rare.
    """

    long: Range
    roundness: Range
    darkness: Range
    power: float = 1.0

    @property
    def mean_area(self) -> float:
        """Mean area in um^2, or in the square of the factor's unit."""
        low, step = self.long[0], self.long[1] - self.long[0]
        squared = low * low + 2 * low * step / (self.power + 1)
        squared += step * step / (2 * self.power + 1)
        return math.pi * squared * 0.5 * sum(self.roundness)

    @property
    def mean_darkness(self) -> float:
        """Mean darkness at the rim."""
        return 0.5 * sum(self.darkness)


@dataclass(frozen=True, slots=True)
class LayoutSetting:
    """Where is what: tissue on glass, tumour in tissue, necrosis in tumour."""

    tissue: Octaves = (
        (9000.0, 0.72),
        (3900.0, 0.46),
        (80.0, 0.035),
        (28.0, 0.018),
        (11.0, 0.007),
        (5.0, 0.004),
    )
    tissue_turned: Octaves = (
        (3100.0, 0.40),
        (1600.0, 0.42),
        (620.0, 0.28),
        (230.0, 0.10),
    )
    """Octaves on axes that are turned, so that no border follows rows or columns."""
    tissue_turn: tuple[float, ...] = (0.5, 1.1, 1.9, 2.7)
    """Angle of the axes of each turned octave, in radians."""
    tissue_threshold: Range = (-0.5, -0.3)
    piece_weight: float = 0.42
    piece_slope: float = 0.95
    piece_radius: float = 0.71
    """Radius of the piece of tissue where half the slide is 1."""

    tumour: Octaves = (
        (4600.0, 0.60),
        (2100.0, 0.45),
        (900.0, 0.32),
        (400.0, 0.16),
        (160.0, 0.07),
    )
    tumour_threshold: Range = (-0.2, 0.05)
    necrosis: Octaves = (
        (1700.0, 0.55),
        (520.0, 0.48),
        (130.0, 0.14),
        (36.0, 0.06),
        (12.0, 0.03),
    )
    necrosis_threshold: Range = (0.22, 0.42)
    necrosis_inside_tumour: float = 0.1
    """Necrosis keeps this far, in the field's unit, from the edge of the tumour."""
    necrosis_blend: tuple[float, float] = (-0.10, 0.06)
    """Where, in the field's unit, tumour fades into necrosis."""

    warp: Octaves = ((70.0, 9.0), (28.0, 3.2))
    """Displacement that makes outlines of glands and clusters irregular."""

    fibre_v: Octaves = (
        (900.0, 260.0),
        (330.0, 90.0),
        (120.0, 24.0),
        (46.0, 8.5),
        (21.0, 3.2),
        (9.0, 0.7),
    )
    fibre_u: Octaves = ((700.0, 120.0),)
    fibre_bend: float = 1.6
    """How far fibres give way to a gland, in um for each um of nearness."""


@dataclass(frozen=True, slots=True)
class GlandSetting:
    """Glands and solid nests, one at most at each lattice point."""

    pitch: float = 142.0
    jitter: float = 0.37
    probability: float = 0.55
    probability_in_depth: float = 1.5
    solid_octaves: Octaves = ((1700.0, 0.8), (500.0, 0.3))
    solid_threshold: float = 0.12
    solid_bias: Range = (-0.35, 0.45)
    solid_radius: Range = (62.0, 96.0)
    hollow_radius: Range = (30.0, 78.0)
    wall: Range = (15.0, 34.0)
    widest_lumen: float = 0.48
    """Radius of a lumen as a share of the gland's, at most."""
    outline: tuple[float, ...] = (0.5, 0.5, 1.3, 1.3, 0.8, 0.8)
    """Weight of the outline's harmonics: cosine and sine of one, two, three."""
    outline_solid: float = 0.22
    outline_hollow: float = 0.17
    lumen_wobble: Octaves = ((38.0, 7.0), (17.0, 2.2))
    hole_pitch: float = 42.0
    hole_threshold: float = 0.52
    hole_probability: float = 0.3
    """Share of solid nests with punched-out holes (cribriform growth)."""
    reach: float = 30.0
    """Outside distances are cut off here, so that no gland acts further away."""


@dataclass(frozen=True, slots=True)
class LymphoidSetting:
    """Clusters of lymphocytes: soft blots, more of them at the tumour's margin."""

    pitch: float = 430.0
    jitter: float = 0.45
    probability: Range = (0.35, 0.75)
    away_from_margin: float = 0.12
    margin_sharpness: float = 4.0
    radius: Range = (38.0, 230.0)
    elongation: float = 1.6
    ragged: Octaves = ((170.0, 0.55), (64.0, 0.40), (26.0, 0.20))
    warp_gain: float = 2.0


@dataclass(frozen=True, slots=True)
class VesselSetting:
    """Vessels of the stroma, seen in cross section, with red cells."""

    pitch: float = 210.0
    jitter: float = 0.46
    probability: Range = (0.25, 0.6)
    outside_tumour: float = 0.18
    """A vessel's centre keeps outside this level of the tumour's field."""
    radius: Range = (5.0, 26.0)
    elongation: float = 1.8
    wall: Range = (2.0, 9.0)
    gland_gap: float = 6.0
    filled: Range = (0.2, 1.0)
    """Share of the lumen that red cells fill."""
    wall_eosin: float = 0.8
    wall_haematoxylin: float = 0.12
    red_as_eosin: float = 1.0
    """Blood as eosin, on levels too coarse for red cells."""
    red_cover: float = 0.75
    red_drawn_below: float = 2.6
    """Pixels below this show red cells."""
    red_pitch: float = 6.1
    red_radius: Range = (2.7, 3.5)


@dataclass(frozen=True, slots=True)
class StainSetting:
    """Dyes, light and camera of a slide."""

    haematoxylin: tuple[float, float, float] = (0.62, 0.70, 0.34)
    haematoxylin_spread: tuple[float, float, float] = (0.12, 0.06, 0.10)
    eosin: tuple[float, float, float] = (0.14, 0.84, 0.44)
    eosin_spread: tuple[float, float, float] = (0.09, 0.08, 0.13)
    red_cell: tuple[float, float, float] = (0.10, 0.72, 0.62)
    haematoxylin_gain: Range = (0.95, 2.1)
    eosin_gain: Range = (0.7, 1.8)
    red_gain: Range = (0.9, 1.6)
    white: Range = (226.0, 250.0)
    white_tint: float = 4.5
    flare: Range = (0.0, 0.07)
    """Share of stray light, which greys the darkest places."""
    thickness: Octaves = ((1300.0, 0.09), (240.0, 0.05))
    """Relative change of both dyes over the slide."""
    blur: Range = (0.04, 0.12)
    sensor_noise: float = 0.11


@dataclass(frozen=True, slots=True)
class Fibre:
    """One width of fibres.

    Attributes
    ----------
    name : str
        Name of its stream.
    along, across : float
        Pitch of the noise along and across the fibres.
    in_gaps, in_shade : float
        Weight in the noise that opens gaps, and in that of the dye.
    """

    name: str
    along: float
    across: float
    in_gaps: float
    in_shade: float


@dataclass(frozen=True, slots=True)
class StromaSetting:
    """Collagen bundles, gaps between them, and what dyes them."""

    fibres: tuple[Fibre, ...] = (
        Fibre("fascicle", 170.0, 30.0, in_gaps=0.28, in_shade=0.20),
        Fibre("strand", 30.0, 4.0, in_gaps=0.50, in_shade=0.26),
        Fibre("fibril", 10.0, 1.25, in_gaps=0.14, in_shade=0.24),
    )
    bundle: Fibre = Fibre("bundle", 44.0, 9.0, in_gaps=1.0, in_shade=0.22)
    """Gaps run along the borders of bundles, where the other fibres leave room."""
    hidden_bundle: tuple[float, float] = (0.355, 0.21)
    """Mean and deviation of the distance from a bundle's border, in its unit."""
    gap_width: float = 0.03
    loose: Octaves = ((900.0, 0.22), (240.0, 0.2), (55.0, 0.16))
    looseness: Range = (-0.16, 0.14)
    gap_softness: float = 0.10
    eosin: Range = (0.42, 0.92)
    haematoxylin: Range = (0.02, 0.32)
    contrast: Range = (0.6, 1.2)
    cellularity: Range = (0.06, 0.20)
    nucleus: NucleusShape = NucleusShape(
        (4.0, 9.0), (0.18, 0.36), (0.85, 1.25), power=2.0
    )


@dataclass(frozen=True, slots=True)
class TumourSetting:
    """Cytoplasm, cell borders and nuclei of the tumour."""

    eosin: Range = (0.22, 0.75)
    haematoxylin: Range = (0.08, 0.42)
    border: Range = (0.14, 0.34)
    """Cell borders: eosin more, or on half of the slides less, than in the cell."""
    nucleus_size: Range = (0.9, 1.22)
    darkness: Range = (0.6, 1.15)
    pallor: Range = (0.1, 0.65)
    """How much the middle of a nucleus is paler than its rim."""
    nucleoli: Range = (0.1, 0.85)
    fill: Range = (0.74, 0.95)
    """Share of the cells of a solid nest whose nucleus is in the section."""
    cell_pitch: float = 11.6
    cell_jitter: float = 0.34
    palisade_pitch: float = 6.3
    nest_nucleus: NucleusShape = NucleusShape(
        (3.5, 6.1), (0.68, 0.98), (0.78, 1.25), power=2.0
    )
    palisade_nucleus: NucleusShape = NucleusShape((3.9, 5.8), (0.55, 0.78), (0.9, 1.3))
    pallor_spread: float = 0.15


@dataclass(frozen=True, slots=True)
class LymphocyteSetting:
    """Lymphocytes and the ground they lie on."""

    density: Range = (0.66, 0.95)
    in_epithelium: float = 0.015
    radius: Range = (2.5, 3.7)
    darkness: Range = (0.85, 1.4)
    eosin_left: Range = (0.35, 0.85)
    """Share of the stroma's eosin left between the lymphocytes."""
    haematoxylin_added: Range = (0.0, 0.2)
    nucleus: NucleusShape = NucleusShape(
        (0.82, 1.42), (0.78, 1.0), (0.75, 1.15), power=2.5
    )
    """Factors on the slide's radius and darkness."""


@dataclass(frozen=True, slots=True)
class NecrosisSetting:
    """Debris, ghosts of cells, nuclear dust."""

    cloud_pitch: float = 13.0
    fine_pitch: float = 1.3
    hole_depth: float = 0.75
    hole_softness: float = 0.7
    eosin: Range = (0.3, 0.85)
    haematoxylin: Range = (0.05, 0.36)
    grain: Range = (0.7, 1.3)
    holes: Range = (0.1, 0.5)
    """Threshold of the white gaps in the debris; higher means fewer."""
    ghosts: Range = (0.12, 0.32)
    shrunken: Range = (0.02, 0.12)
    """Share of cells with a small dark (pyknotic) nucleus."""
    dust: Range = (0.08, 0.45)
    ghost: NucleusShape = NucleusShape((3.2, 5.4), (0.7, 1.0), (0.12, 0.34))
    shrunken_nucleus: NucleusShape = NucleusShape((1.6, 2.9), (0.6, 1.0), (0.8, 1.3))
    speck: NucleusShape = NucleusShape((0.4, 1.3), (0.5, 1.0), (0.5, 1.1), power=2.0)


@dataclass(frozen=True, slots=True)
class Setting:
    """All constants of a way to draw tissue.

    Attributes
    ----------
    name : str
        By what results call it.
    """

    name: str
    layout: LayoutSetting = field(default_factory=LayoutSetting)
    glands: GlandSetting = field(default_factory=GlandSetting)
    lymphoid: LymphoidSetting = field(default_factory=LymphoidSetting)
    vessels: VesselSetting = field(default_factory=VesselSetting)
    stain: StainSetting = field(default_factory=StainSetting)
    stroma: StromaSetting = field(default_factory=StromaSetting)
    tumour: TumourSetting = field(default_factory=TumourSetting)
    lymphocytes: LymphocyteSetting = field(default_factory=LymphocyteSetting)
    necrosis: NecrosisSetting = field(default_factory=NecrosisSetting)
    cell_pitch: float = 8.4
    """Lattice of all cells but those of the tumour."""
    cell_jitter: float = 0.38
    chromatin_grain: float = 0.42


SETTINGS = MappingProxyType({"v1": Setting("v1")})
"""The settings by name. ``"v1"`` is what the defaults above say; it is frozen."""


def setting_named(name: str) -> Setting:
    """Return a setting.

    Raises
    ------
    GeometryError
        If there is no setting of that name.
    """
    try:
        return SETTINGS[name]
    except KeyError:
        raise GeometryError(
            f"drawn tissue has no setting {name!r}; known: {', '.join(SETTINGS)}"
        ) from None
