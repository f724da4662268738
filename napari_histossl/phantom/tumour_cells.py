"""Cells of the tumour: a wide lattice in nests, palisades along the walls of glands."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats, Integers, draw, lattice, stream
from napari_histossl.phantom.layout import EDGE, TUMOUR, Layout, Scene
from napari_histossl.phantom.nuclei import TWO_PI, Cells, Nuclei
from napari_histossl.phantom.sites import scatter

_HAS_NUCLEOLUS, _NUCLEOLUS_AWAY = 30, 31
"""Which uniform number of a cell decides on its nucleolus."""

_OF_NUCLEOLI = 0x5BD1E995
"""Turns the hash of a cell into that of its nucleolus."""

_UPRIGHT_TILT = 0.7
"""Range of the angle between a nucleus and the gland's radius, in radians."""


def find_tumour_cells(scene: Scene, layout: Layout, frame: Frame) -> list[Nuclei]:
    """Return the nuclei of nests and of glands."""
    table = layout.glands.table
    parts: list[Nuclei] = []
    if len(table.sites) and table.is_solid.any():
        parts += _nests(scene, layout, frame)
    if len(table.sites) and not table.is_solid.all():
        parts += _palisades(scene, layout, frame)
    return parts


def _living(layout: Layout, here: Integers, deeper_than: float) -> NDArray[np.bool_]:
    keep = layout.glands.wall.ravel()[here] > deeper_than
    keep &= layout.glands.lumen.ravel()[here] < -2.0
    keep &= layout.necrosis.ravel()[here] <= 0
    keep &= layout.tissue.ravel()[here] > EDGE
    return keep


def vigour(necrosis: Floats) -> Floats:
    """Factor on the darkness of nuclei, falling from 1 towards the border of necrosis.

    Parameters
    ----------
    necrosis : ndarray of float32
        Field of the layout, negative outside necrosis.
    """
    near: Floats = np.float32(0.35) - np.float32(6.5) * necrosis
    return np.clip(near, 0.35, 1, out=near)


def _nests(scene: Scene, layout: Layout, frame: Frame) -> list[Nuclei]:
    look, tumour = scene.look, scene.setting.tumour
    sites = scatter(
        scene.seed,
        "nests.cells",
        tumour.cell_pitch,
        tumour.cell_jitter,
        frame.reach_um,
    )
    here = frame.nearest(sites.y_um, sites.x_um)
    winner = layout.glands.winner.ravel()[here]
    keep = (winner >= 0) & layout.glands.table.is_solid[winner]
    keep &= (sites.draw(2) < look.tumour_fill) & _living(layout, here, 3.0)
    sites = sites.where(keep)
    cells = Cells(sites.hashes, sites.y_um, sites.x_um, TUMOUR)
    nuclei = cells.shaped(
        tumour.nest_nucleus,
        scale=look.tumour_nucleus_size,
        darkness=look.tumour_darkness * vigour(layout.necrosis.ravel()[here[keep]]),
        pallor=(look.tumour_pallor, tumour.pallor_spread),
    )
    return [nuclei, _nucleoli(scene, frame, cells, nuclei)]


def _palisades(scene: Scene, layout: Layout, frame: Frame) -> list[Nuclei]:
    """Two rows of upright nuclei along the wall of every gland near the frame."""
    look, tumour, table = scene.look, scene.setting.tumour, layout.glands.table
    gland, number, angle_step = _stations(scene, layout, frame)
    key = stream(scene.seed, "palisades")
    hashes = lattice(key, table.sites.hashes[gland].astype(np.int64), number)
    row = number % 2
    around = number // 2 + 0.5 * row + 0.5 * (draw(hashes, 0) - 0.5)
    angle = (around * angle_step).astype(np.float32)
    y, x = np.sin(angle), np.cos(angle)
    crowd = table.crowd[gland]
    depth = np.where(
        row == 0, 5.2 + 2.6 * draw(hashes, 1), 10.5 + (3 + 10 * crowd) * draw(hashes, 1)
    )
    away = table.outline(gland, y, x) - depth.astype(np.float32)
    keep = draw(hashes, 2) < np.where(row == 0, 0.95, 0.25 + 0.6 * crowd)
    keep &= away > 3
    gland, hashes, y, x, away = gland[keep], hashes[keep], y[keep], x[keep], away[keep]
    y_um, x_um = _unwarp(
        layout,
        frame,
        table.sites.y_um[gland] + away * y,
        table.sites.x_um[gland] + away * x,
    )
    here = frame.nearest(y_um, x_um)
    keep = _living(layout, here, 1.5)
    keep &= layout.glands.winner.ravel()[here] == gland
    cells = Cells(hashes[keep], y_um[keep], x_um[keep], TUMOUR)
    nuclei = cells.shaped(
        tumour.palisade_nucleus,
        scale=look.tumour_nucleus_size,
        darkness=look.tumour_darkness * vigour(layout.necrosis.ravel()[here[keep]]),
        pallor=(look.tumour_pallor, tumour.pallor_spread),
        axis=(x[keep], y[keep]),
        tilt=_UPRIGHT_TILT,
    )
    return [nuclei, _nucleoli(scene, frame, cells, nuclei)]


def _nucleoli(scene: Scene, frame: Frame, cells: Cells, nuclei: Nuclei) -> Nuclei:
    """Return a dark dot, off the middle, in some nuclei; none on coarse levels."""
    look, tumour = scene.look, scene.setting.tumour
    keep = draw(cells.hashes, _HAS_NUCLEOLUS) < look.tumour_nucleoli
    keep &= frame.px_um < tumour.nucleoli_below
    away = 0.5 * nuclei.short_um * (draw(cells.hashes, _NUCLEOLUS_AWAY) - 0.5)
    dots = Cells(
        cells.hashes[keep] ^ np.uint32(_OF_NUCLEOLI),
        (cells.y_um + away * nuclei.cos)[keep],
        (cells.x_um - away * nuclei.sin)[keep],
        0,
    )
    return dots.shaped(
        tumour.nucleolus,
        scale=look.tumour_nucleus_size,
        darkness=look.tumour_darkness,
        pallor=(0.0, 0.0),
    )


def _stations(
    scene: Scene, layout: Layout, frame: Frame
) -> tuple[Integers, Integers, NDArray[np.float64]]:
    """Gland, number along the wall, and angle between numbers, for each station."""
    table, tumour = layout.glands.table, scene.setting.tumour
    glands = _glands_near(layout, frame)
    count = np.rint(table.radius[glands] * (TWO_PI / tumour.palisade_pitch))
    count = count.astype(np.int64)
    gland = np.repeat(glands, 2 * count)
    first = np.repeat(np.cumsum(2 * count) - 2 * count, 2 * count)
    number = np.arange(len(gland)) - first
    return gland, number, TWO_PI / np.repeat(count, 2 * count)


def _glands_near(layout: Layout, frame: Frame) -> Integers:
    table = layout.glands.table
    first_y, last_y, first_x, last_x = frame.reach_um
    outreach = table.radius * (1 + table.swing) + 25
    y_um, x_um = table.sites.y_um, table.sites.x_um
    keep = ~table.is_solid
    keep &= (y_um > first_y - outreach) & (y_um < last_y + outreach)
    keep &= (x_um > first_x - outreach) & (x_um < last_x + outreach)
    return np.nonzero(keep)[0]


def _unwarp(
    layout: Layout, frame: Frame, y_um: NDArray[np.float64], x_um: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return where a place of the unwarped gland ended up, by fixed-point steps."""
    moved_y, moved_x = y_um, x_um
    for _ in range(2):
        here = frame.nearest(moved_y, moved_x)
        moved_y = y_um - layout.warp_y.ravel()[here]
        moved_x = x_um - layout.warp_x.ravel()[here]
    return moved_y, moved_x
