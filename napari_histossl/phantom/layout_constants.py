"""Constants of where is what: tissue, tumour, glands, clusters, vessels.

Lengths are micrometres. A pair of numbers that is called a range is drawn uniformly for
each slide, or for each gland, cluster or vessel. See `settings`.
"""

from __future__ import annotations

from dataclasses import dataclass

from napari_histossl.phantom.noise import Octaves

Range = tuple[float, float]


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
    widest_lumen: float = 0.56
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
