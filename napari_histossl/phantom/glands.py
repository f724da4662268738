"""Glands and solid nests of the tumour: star-shaped outlines round lattice points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats, Integers, stream
from napari_histossl.phantom.layout_constants import GlandSetting
from napari_histossl.phantom.look import Look
from napari_histossl.phantom.noise import octaves, octaves_at, smooth
from napari_histossl.phantom.settings import Setting
from napari_histossl.phantom.sites import Sites, Windows, scatter


@dataclass(frozen=True, slots=True, eq=False)
class GlandTable:
    """The glands whose outline may touch a frame, one row each.

    Attributes
    ----------
    sites : Sites
        Their centres.
    radius : ndarray of float32
        Mean radius in um.
    harmonics : ndarray of float32, shape (6, N)
        Cosine and sine of one, two and three, as shares of the radius.
    lumen : ndarray of float32
        Radius of the lumen as a share of the outline's; negative without a lumen.
    is_solid : ndarray of bool
        A nest without a central lumen and without a palisade.
    has_holes : ndarray of bool
        A nest with punched-out holes.
    """

    sites: Sites
    radius: Floats
    harmonics: Floats
    lumen: Floats
    is_solid: NDArray[np.bool_]
    has_holes: NDArray[np.bool_]

    @property
    def crowd(self) -> Floats:
        """How crowded each gland's wall is, 0 to 1."""
        return self.sites.draw(10)

    @property
    def swing(self) -> Floats:
        """Largest share by which each outline may exceed its mean radius."""
        swing: Floats = np.abs(self.harmonics).sum(axis=0)
        return swing

    def outline(self, which: Integers, y: Floats, x: Floats) -> Floats:
        """Return the radius of gland `which` in the direction of a unit vector."""
        two_cos, two_sin = x * x - y * y, 2 * x * y
        three_cos, three_sin = x * two_cos - y * two_sin, x * two_sin + y * two_cos
        waves = (x, y, two_cos, two_sin, three_cos, three_sin)
        grown = np.ones(which.shape, np.float32)
        for share, wave in zip(self.harmonics, waves, strict=True):
            grown += share[which] * wave
        return self.radius[which] * grown


@dataclass(frozen=True, slots=True, eq=False)
class Glands:
    """Signed distances to glands on the grid of a frame, in um, inside positive.

    Attributes
    ----------
    wall : ndarray of float32
        To the outer border; not below minus the setting's reach.
    lumen : ndarray of float32
        To the border of the lumen.
    winner : ndarray of int32
        Row of the table of the gland that lies here; -1 for none.
    table : GlandTable
        The glands.
    """

    wall: Floats
    lumen: Floats
    winner: NDArray[np.int32]
    table: GlandTable


def find_glands(
    seed: int, setting: Setting, look: Look, frame: Frame, extent_um: float
) -> GlandTable:
    """Return the glands that may reach within `extent_um` of the grid."""
    glands = setting.glands
    y_um, x_um = frame.grid_y_um, frame.grid_x_um
    sites = scatter(
        seed,
        "glands.sites",
        glands.pitch,
        glands.jitter,
        (
            y_um[0] - extent_um,
            y_um[-1] + extent_um,
            x_um[0] - extent_um,
            x_um[-1] + extent_um,
        ),
    )
    depth = octaves_at(seed, "tumour", setting.layout.tumour, sites.y_um, sites.x_um)
    depth -= look.tumour_threshold
    keep = depth > 0
    keep &= sites.draw(2) < glands.probability + glands.probability_in_depth * depth
    return _table(seed, glands, look, sites.where(keep), depth[keep])


def _table(
    seed: int, glands: GlandSetting, look: Look, sites: Sites, depth: Floats
) -> GlandTable:
    bias = octaves_at(seed, "solid", glands.solid_octaves, sites.y_um, sites.x_um)
    is_solid = bias + look.solid_bias > glands.solid_threshold
    radius = np.where(
        is_solid,
        sites.between(3, glands.solid_radius),
        sites.between(3, glands.hollow_radius),
    ).astype(np.float32)
    radius *= np.clip(0.7 + 2 * depth, 0.7, 1.0)
    amplitude = np.where(is_solid, glands.outline_solid, glands.outline_hollow)
    harmonics = np.stack(
        [
            (2 * sites.draw(4 + number) - 1) * amplitude.astype(np.float32) * weight
            for number, weight in enumerate(glands.outline)
        ]
    )
    thin, thick = glands.wall
    wall = thin + (thick - thin) * sites.draw(10) ** 2
    wall = np.maximum(wall, radius * (1 - glands.widest_lumen))
    lumen = 1 - wall / radius
    lumen = np.where(is_solid | (lumen < 0.12), -1.0, lumen).astype(np.float32)
    has_holes = is_solid & (sites.draw(11) < glands.hole_probability)
    return GlandTable(sites, radius, harmonics, lumen, is_solid, has_holes)


def largest_outline(glands: GlandSetting) -> float:
    """Return the largest radius in um that an outline can have."""
    harmonics = sum(glands.outline) * max(glands.outline_solid, glands.outline_hollow)
    largest = max(glands.solid_radius[1], glands.hollow_radius[1])
    return largest * (1 + 0.75 * harmonics)


def lay_glands(
    seed: int,
    setting: Setting,
    look: Look,
    frame: Frame,
    warp_y: Floats,
    warp_x: Floats,
) -> Glands:
    """Lay glands and nests on the grid of a frame.

    Notes
    -----
    Where two overlap, the one in which the place lies deeper wins.
    """
    reach = setting.glands.reach
    margin = 1.8 * sum(amplitude for _, amplitude in setting.layout.warp) + reach
    outreach = largest_outline(setting.glands) + margin
    table = find_glands(seed, setting, look, frame, outreach)
    wall = np.full(frame.grid_shape, -reach, np.float32)
    lumen = np.full(frame.grid_shape, -reach, np.float32)
    winner = np.full(frame.grid_shape, -1, np.int32)
    if len(table.sites):
        _lay(frame, table, margin, warp_y, warp_x, wall, lumen, winner)
        _shape_lumina(seed, setting.glands, frame, table, wall, lumen, winner)
    return Glands(wall, lumen, winner, table)


def _lay(
    frame: Frame,
    table: GlandTable,
    margin: float,
    warp_y: Floats,
    warp_x: Floats,
    wall: Floats,
    lumen: Floats,
    winner: NDArray[np.int32],
) -> None:
    largest = table.radius * (1 + table.swing) + np.float32(margin)
    half = np.ceil(largest / frame.grid_um).astype(np.int64) + 1
    centre_rows = np.rint(table.sites.y_um / frame.grid_um).astype(np.int64)
    centre_columns = np.rint(table.sites.x_um / frame.grid_um).astype(np.int64)
    windows = Windows.about(
        centre_rows - frame.grid_rows[0],
        centre_columns - frame.grid_columns[0],
        (half, half),
        frame.grid_shape,
    )
    which, flat = windows.site, windows.flat
    y = (frame.grid_y_um[windows.rows] - table.sites.y_um[which]).astype(np.float32)
    x = (frame.grid_x_um[windows.columns] - table.sites.x_um[which]).astype(np.float32)
    y += warp_y.ravel()[flat]
    x += warp_x.ravel()[flat]
    away = np.sqrt(y * y + x * x) + np.float32(1e-3)
    outline = table.outline(which, y / away, x / away)
    inside = outline - away
    np.maximum.at(wall.ravel(), flat, inside)
    wins = inside == wall.ravel()[flat]
    winner.ravel()[flat[wins]] = which[wins]
    lumen.ravel()[flat[wins]] = (table.lumen[which] * outline - away)[wins]


def _shape_lumina(
    seed: int,
    glands: GlandSetting,
    frame: Frame,
    table: GlandTable,
    wall: Floats,
    lumen: Floats,
    winner: NDArray[np.int32],
) -> None:
    y_um, x_um = frame.grid_y_um, frame.grid_x_um
    wobble = octaves(seed, "glands.lumen", glands.lumen_wobble, y_um, x_um, frame.px_um)
    lumen += wobble
    if table.has_holes.any():
        pattern = smooth(stream(seed, "glands.holes"), glands.hole_pitch, y_um, x_um)
        hole = (pattern - glands.hole_threshold) * np.float32(0.4 * glands.hole_pitch)
        hole = np.minimum(hole, wall - 16)
        here = (winner >= 0) & table.has_holes[winner]
        lumen[here] = np.maximum(lumen, hole)[here]
    # A lumen keeps a cell's width of epithelium around it.
    np.minimum(lumen, wall - 9, out=lumen)
    np.clip(lumen, -glands.reach, None, out=lumen)
