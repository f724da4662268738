"""Vessels of the stroma in cross section: a lumen, a wall, red cells in it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats
from napari_histossl.phantom.look import Look
from napari_histossl.phantom.noise import octaves_at
from napari_histossl.phantom.settings import Setting
from napari_histossl.phantom.sites import Sites, scatter

NOWHERE_UM = -40.0
"""Signed distance where no vessel is near."""


@dataclass(frozen=True, slots=True, eq=False)
class Vessels:
    """Vessels on the grid of a frame.

    Attributes
    ----------
    lumen : ndarray of float32
        Signed distance to the lumen's border in um, inside positive, not below -40.
    wall : ndarray of float32
        Thickness of the wall in um of the vessel that lies nearest.
    filled : ndarray of float32
        Share of the lumen that red cells fill.
    any_here : bool
        False spares the drawing.
    """

    lumen: Floats
    wall: Floats
    filled: Floats
    any_here: bool


def lay_vessels(
    seed: int,
    setting: Setting,
    look: Look,
    frame: Frame,
    warp_y: Floats,
    warp_x: Floats,
) -> Vessels:
    """Lay vessels on the grid of a frame; glands are not yet respected."""
    lumen = np.full(frame.grid_shape, NOWHERE_UM, np.float32)
    wall = np.zeros(frame.grid_shape, np.float32)
    filled = np.zeros(frame.grid_shape, np.float32)
    sites = _centres(seed, setting, look, frame)
    vessels = setting.vessels
    small, large = vessels.radius
    radii = small * (large / small) ** (sites.draw(3) ** 1.5)
    walls = vessels.wall[0] + (vessels.wall[1] - vessels.wall[0]) * sites.draw(6) ** 4
    shares = np.minimum(look.vessel_filled * 1.6 * sites.draw(7), 1)
    elongations = 1 + (vessels.elongation - 1) * sites.draw(4)
    angles = np.pi * sites.draw(5)
    for number in range(len(sites)):
        radius = float(radii[number])
        distance, here = _distance(
            frame,
            (float(sites.y_um[number]), float(sites.x_um[number])),
            (radius, float(elongations[number]), float(angles[number])),
            (warp_y, warp_x),
        )
        nearer = distance > lumen[here]
        lumen[here][nearer] = distance[nearer]
        wall[here][nearer] = walls[number]
        filled[here][nearer] = shares[number]
    return Vessels(lumen, wall, filled, len(sites) > 0)


def _centres(seed: int, setting: Setting, look: Look, frame: Frame) -> Sites:
    vessels = setting.vessels
    warp = 1.8 * sum(amplitude for _, amplitude in setting.layout.warp)
    outreach = vessels.radius[1] * vessels.elongation - NOWHERE_UM + warp
    y_um, x_um = frame.grid_y_um, frame.grid_x_um
    sites = scatter(
        seed,
        "vessels.sites",
        vessels.pitch,
        vessels.jitter,
        (
            y_um[0] - outreach,
            y_um[-1] + outreach,
            x_um[0] - outreach,
            x_um[-1] + outreach,
        ),
    )
    sites = sites.where(sites.draw(2) < look.vessel_probability)
    depth = octaves_at(seed, "tumour", setting.layout.tumour, sites.y_um, sites.x_um)
    return sites.where(depth < look.tumour_threshold + vessels.outside_tumour)


def _distance(
    frame: Frame,
    centre_um: tuple[float, float],
    outline: tuple[float, float, float],
    warp: tuple[Floats, Floats],
) -> tuple[Floats, tuple[slice, slice]]:
    radius, elongation, angle = outline
    outreach = radius * elongation - NOWHERE_UM + 25
    y_um, x_um = frame.grid_y_um, frame.grid_x_um
    y0, y1 = np.searchsorted(y_um, (centre_um[0] - outreach, centre_um[0] + outreach))
    x0, x1 = np.searchsorted(x_um, (centre_um[1] - outreach, centre_um[1] + outreach))
    here = (slice(int(y0), int(y1)), slice(int(x0), int(x1)))
    y = (y_um[here[0]] - centre_um[0]).astype(np.float32)[:, None] + 0.4 * warp[0][here]
    x = (x_um[here[1]] - centre_um[1]).astype(np.float32) + 0.4 * warp[1][here]
    cos, sin = math.cos(angle), math.sin(angle)
    along = (x * cos + y * sin) * (1 / elongation)
    across = y * cos - x * sin
    distance = radius - np.sqrt(along * along + across * across)
    return np.maximum(distance, NOWHERE_UM), here
