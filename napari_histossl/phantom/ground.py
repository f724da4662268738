"""The ground that cells lie on: dye and empty gaps in each pixel.

Dye is optical density before the gains of the slide. Empty gaps are kept apart as a
covered share of the pixel, because light is averaged and density is not: half a pixel
of empty glass is far brighter than half the dye.

A noise too fine for the pixels is left out, but not its effect: where it made gaps, the
chance of a gap is drawn; where it changed the dye, the mean light is kept
(`evened_out`). So a coarse level has the colour of the averaged fine one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats, stream
from napari_histossl.phantom.layout import Layout, Scene
from napari_histossl.phantom.noise import SMOOTH_DEVIATION, smooth

CLUMP_UM = 5.0
"""Pitch of the noise that makes outlines and cytoplasm uneven."""

GRAIN_UM = 1.8
"""Pitch of the noise of chromatin and debris."""

_FINEST_PITCH_PX = 1.25
"""A noise is drawn when its pitch is at least this many pixels."""


@dataclass(slots=True, eq=False)
class Ground:
    """Dye and gaps of each pixel; textures change them in place.

    Attributes
    ----------
    eosin, haematoxylin : ndarray of shape (H, W) and dtype float32
        Dye, about 0 to 1.
    gap : ndarray of shape (H, W) and dtype float32
        Share of the pixel that is empty, 0 to 1.
    """

    eosin: Floats
    haematoxylin: Floats
    gap: Floats

    def blend(
        self,
        share: Floats,
        eosin: Floats | float,
        haematoxylin: Floats | float,
        gap: Floats | float,
    ) -> None:
        """Let another ground take over a share of each pixel."""
        self.eosin += share * (eosin - self.eosin)
        self.haematoxylin += share * (haematoxylin - self.haematoxylin)
        self.gap += share * (gap - self.gap)


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """Slow fields at the pixels, and the noises that several textures share.

    Attributes
    ----------
    tissue, necrosis, wall, lumen, lymphoid, fibre_u, fibre_v : ndarray of float32
        As in `Layout`, at the pixels.
    clump, grain : Noise
        Noises of the pitch of a nucleus and of chromatin.
    """

    tissue: Floats
    necrosis: Floats
    wall: Floats
    lumen: Floats
    lymphoid: Floats
    fibre_u: Floats
    fibre_v: Floats
    clump: Noise
    grain: Noise

    @classmethod
    def of(cls, scene: Scene, layout: Layout, frame: Frame) -> Fields:
        """Interpolate the layout at the pixels of a frame."""
        tissue, necrosis, wall, lumen, lymphoid, fibre_u, fibre_v = frame.to_pixels(
            layout.tissue,
            layout.necrosis,
            layout.glands.wall,
            layout.glands.lumen,
            layout.lymphoid,
            layout.fibre_u,
            layout.fibre_v,
        )
        return cls(
            tissue=tissue,
            necrosis=necrosis,
            wall=wall,
            lumen=lumen,
            lymphoid=lymphoid,
            fibre_u=fibre_u,
            fibre_v=fibre_v,
            clump=Noise.of(scene, "clump", CLUMP_UM, frame),
            grain=Noise.of(scene, "grain", GRAIN_UM, frame),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Noise:
    """Smooth noise where the pixels show it, else only how strong it would be.

    Attributes
    ----------
    field : ndarray of shape (H, W) and dtype float32, or 0.0
        The noise, 0 where it is hidden.
    hidden : float
        Standard deviation of what is left out.
    """

    field: Floats | float
    hidden: float

    @classmethod
    def of(cls, scene: Scene, name: str, pitch: float, frame: Frame) -> Noise:
        """Draw the noise of a name, or leave it out on coarse levels."""
        if pitch < _FINEST_PITCH_PX * frame.px_um:
            return cls(0.0, SMOOTH_DEVIATION)
        key = stream(scene.seed, name)
        return cls(smooth(key, pitch, frame.y_um, frame.x_um), 0.0)


def mixed(*parts: tuple[float, Noise]) -> Noise:
    """Return a weighted sum of independent noises."""
    field: Floats | float = 0.0
    for weight, noise in parts:
        field = field + weight * noise.field
    hidden = math.sqrt(sum((weight * noise.hidden) ** 2 for weight, noise in parts))
    return Noise(field, hidden)


def evened_out(dye: float, deviation: float, density: float) -> float:
    """Return the factor on a dye that stands for hidden relative changes of it.

    The mean of exp(-x) exceeds exp(-mean of x), to second order by half the variance.

    Parameters
    ----------
    dye : float
        Mean dye.
    deviation : float
        Standard deviation of the hidden changes, relative to the mean.
    density : float
        Optical density of one unit of dye, where it matters most (green).
    """
    return 1 - 0.5 * dye * density * deviation**2


def cover(distance_um: Floats, px_um: float) -> Floats:
    """Share of a pixel that lies inside a border at a signed distance."""
    share = distance_um * np.float32(1 / px_um)
    share += 0.5
    return np.clip(share, 0, 1, out=share)


def band(distance_um: Floats, centre: float, width: float, px_um: float) -> Floats:
    """Share of a pixel that lies in a thin band along a border; its area is kept."""
    half = max(width, px_um)
    share = distance_um - np.float32(centre)
    np.abs(share, out=share)
    share *= np.float32(-1 / half)
    share += 1
    np.maximum(share, 0, out=share)
    if half > width:
        share *= np.float32(width / half)
    return share


def chance_above(field: Floats, low: float, high: float, hidden: float) -> Floats:
    """Smooth step, made as much softer as hidden noise makes it.

    Notes
    -----
    The slope of a smooth step of half width w is a density of variance w^2 / 5, so
    hidden noise of deviation s widens it to sqrt(w^2 + 5 s^2).
    """
    middle, half = 0.5 * (low + high), 0.5 * (high - low)
    half = math.sqrt(half * half + 5 * hidden * hidden)
    part = field - np.float32(middle - half)
    part *= np.float32(0.5 / half)
    np.clip(part, 0, 1, out=part)
    rise = part * -2
    rise += 3
    rise *= part
    rise *= part
    return rise


def tissue_edge(tissue: Floats, px_um: float) -> Floats:
    """Share of a pixel that is tissue, from the tissue field."""
    share = tissue * np.float32(1100 * min(1.0, 1 / px_um))
    share += 0.5
    return np.clip(share, 0, 1, out=share)
