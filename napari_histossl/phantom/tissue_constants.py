"""Constants of how tissue looks: dyes, fibres, cells.

Lengths are micrometres. A pair of numbers that is called a range is drawn uniformly for
each slide, or for each nucleus. See `settings`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

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
    looseness: Range = (-0.26, 0.12)
    gap_softness: float = 0.10
    gap_slope: float = 0.20
    """What the noise changes by in a um, so that edges are as soft as a pixel."""
    gap_slope_um: float = 1.0
    """Pixels coarser than this soften edges no further."""
    eosin: Range = (0.32, 0.95)
    haematoxylin: Range = (0.02, 0.42)
    contrast: Range = (0.6, 1.2)
    cellularity: Range = (0.06, 0.27)
    nucleus: NucleusShape = NucleusShape(
        (4.0, 9.0), (0.18, 0.36), (0.85, 1.25), power=2.0
    )


@dataclass(frozen=True, slots=True)
class TumourSetting:
    """Cytoplasm, cell borders and nuclei of the tumour."""

    eosin: Range = (0.22, 0.85)
    haematoxylin: Range = (0.05, 0.42)
    border: Range = (0.14, 0.34)
    """Cell borders: eosin more, or on half of the slides less, than in the cell."""
    nucleus_size: Range = (0.9, 1.22)
    darkness: Range = (0.6, 1.15)
    pallor: Range = (0.1, 0.65)
    """How much the middle of a nucleus is paler than its rim."""
    nucleoli: Range = (0.1, 0.85)
    """Share of the nuclei in which a nucleolus shows."""
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
    nucleolus: NucleusShape = NucleusShape((0.65, 1.15), (0.8, 1.0), (1.1, 1.6))
    nucleoli_below: float = 0.8
    """Pixels below this show nucleoli, in um."""


@dataclass(frozen=True, slots=True)
class LymphocyteSetting:
    """Lymphocytes and the ground they lie on."""

    density: Range = (0.55, 0.95)
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
    eosin: Range = (0.25, 0.95)
    haematoxylin: Range = (0.02, 0.40)
    grain: Range = (0.7, 1.3)
    holes: Range = (-0.15, 0.5)
    """Threshold of the white gaps in the debris; higher means fewer."""
    ghosts: Range = (0.12, 0.36)
    shrunken: Range = (0.02, 0.26)
    """Share of cells with a small dark (pyknotic) nucleus."""
    dust: Range = (0.08, 0.36)
    darkness: Range = (0.5, 1.8)
    """Factor on the darkness of the ghosts."""
    ghost: NucleusShape = NucleusShape((3.2, 5.4), (0.7, 1.0), (0.12, 0.34))
    shrunken_nucleus: NucleusShape = NucleusShape((1.6, 2.9), (0.6, 1.0), (0.8, 1.3))
    speck: NucleusShape = NucleusShape((0.4, 1.3), (0.5, 1.0), (0.5, 1.1), power=2.0)
