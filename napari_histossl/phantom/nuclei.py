"""Which nuclei there are: place, outline, darkness and class of each.

Lymphocytes, fibroblasts, and what is left of cells in necrosis share one lattice; which
of them stands at a lattice point is read off the layout. Nests have a wider lattice,
glands have palisades, laid in polar coordinates about their centre.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats, Integers, draw, lattice, stream
from napari_histossl.phantom.layout import (
    LYMPHOCYTES,
    NECROSIS,
    STROMA,
    TUMOUR,
    Layout,
    Scene,
)
from napari_histossl.phantom.sites import scatter

_TWO_PI = 6.2831853
_EDGE = 0.005
"""Cells keep this far, in the tissue field's unit, from the border of the tissue."""


@dataclass(frozen=True, slots=True, eq=False)
class Nuclei:
    """Ellipses of chromatin, one row each.

    Attributes
    ----------
    y_um, x_um : ndarray of float64
        Centre.
    long_um, short_um : ndarray of float32
        Half axes.
    cos, sin : ndarray of float32
        Direction of the long axis: cosine along columns, sine along rows.
    darkness : ndarray of float32
        Haematoxylin at the rim.
    pallor : ndarray of float32
        Share by which the middle is paler than the rim.
    kind : ndarray of uint8
        Class of the cell; 0 for nuclear dust, which is drawn but is no nucleus.
    """

    y_um: NDArray[np.float64]
    x_um: NDArray[np.float64]
    long_um: Floats
    short_um: Floats
    cos: Floats
    sin: Floats
    darkness: Floats
    pallor: Floats
    kind: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.y_um)

    def where(self, keep: NDArray[np.bool_]) -> Nuclei:
        """Return the nuclei that are kept."""
        return Nuclei(*(getattr(self, f.name)[keep] for f in fields(self)))


def gather(*parts: Nuclei) -> Nuclei:
    """Put nuclei together, in order."""
    return Nuclei(
        *(
            np.concatenate([getattr(part, f.name) for part in parts])
            for f in fields(Nuclei)
        )
    )


def find_nuclei(scene: Scene, layout: Layout, frame: Frame) -> Nuclei:
    """Return all nuclei that may show in a frame."""
    parts = [_small_cells(scene, layout, frame)]
    table = layout.glands.table
    if len(table.sites):
        if table.is_solid.any():
            parts.append(_nest_cells(scene, layout, frame))
        if not table.is_solid.all():
            parts.append(_palisades(scene, layout, frame))
    return gather(*parts)


def _direction(
    layout: Layout, frame: Frame, y_um: NDArray[np.float64], x_um: NDArray[np.float64]
) -> tuple[Floats, Floats]:
    """Cosine and sine of the fibres' direction at places."""
    step = max(frame.grid_um, 4.0)
    across = layout.fibre_v.ravel()
    down = across[frame.nearest(y_um + step, x_um)]
    down -= across[frame.nearest(y_um - step, x_um)]
    right = across[frame.nearest(y_um, x_um + step)]
    right -= across[frame.nearest(y_um, x_um - step)]
    length = np.sqrt(down * down + right * right) + np.float32(1e-6)
    return down / length, -right / length


def _small_cells(scene: Scene, layout: Layout, frame: Frame) -> Nuclei:
    setting, look = scene.setting, scene.look
    sites = scatter(
        scene.seed, "cells", setting.cell_pitch, setting.cell_jitter, frame.reach_um
    )
    here = frame.nearest(sites.y_um, sites.x_um)
    tissue, necrosis = layout.tissue.ravel()[here], layout.necrosis.ravel()[here]
    wall, lumen = layout.glands.wall.ravel()[here], layout.glands.lumen.ravel()[here]
    vessel = layout.vessels.lumen.ravel()[here]
    lymphoid = layout.lymphoid.ravel()[here]
    lot, second = sites.draw(2), sites.draw(3)

    is_alive = tissue > _EDGE
    is_dead = is_alive & (necrosis > 0)
    is_free = is_alive & ~is_dead & (wall < -2.5) & (vessel < -0.5)
    share = np.where(lymphoid > 0.5, look.lymphocyte_density, 0.7 * lymphoid * lymphoid)
    is_lymphocyte = is_free & (lot < share)
    is_lymphocyte |= is_alive & ~is_dead & (wall > 2.5) & (lumen < -3) & (lot > 0.985)
    # Endothelium: flat nuclei line a vessel.
    lining = (vessel > -4.5) & (vessel < -0.5)
    spindles = look.stroma_cellularity + 0.04 * lymphoid + 0.5 * lining
    is_spindle = is_free & ~is_lymphocyte & (second < spindles)
    ghosts = look.necrosis_ghosts
    shrunken = ghosts + look.necrosis_shrunken
    dust = shrunken + look.necrosis_dust
    is_ghost = is_dead & (lot < ghosts)
    is_shrunken = is_dead & (lot >= ghosts) & (lot < shrunken)
    is_dust = is_dead & (lot >= shrunken) & (lot < dust)
    kinds = [is_lymphocyte, is_spindle, is_ghost, is_shrunken, is_dust]
    keep = np.logical_or.reduce(kinds)
    kinds = [kind[keep] for kind in kinds]
    sites = sites.where(keep)
    return _shape_small(scene, layout, frame, sites, kinds)


def _shape_small(scene, layout, frame, sites, kinds):  # type: ignore[no-untyped-def]
    look, cells = scene.look, scene.setting.lymphocytes
    u4, u5, u6, u7 = (sites.draw(n) for n in (4, 5, 6, 7))
    is_spindle = kinds[1]
    turn = np.where(is_spindle, 0.5 * (u4 - 0.5), _TWO_PI * u4).astype(np.float32)
    fibre_cos, fibre_sin = _direction(layout, frame, sites.y_um, sites.x_um)
    fibre_cos = np.where(is_spindle, fibre_cos, np.float32(1))
    fibre_sin = np.where(is_spindle, fibre_sin, np.float32(0))
    cos, sin = np.cos(turn), np.sin(turn)
    lymph = look.lymphocyte_radius + cells.radius_spread * (2 * u5 - 1) + 1.1 * u5**8
    long_um = np.select(
        kinds,
        [
            lymph,
            4.0 + 5.2 * u5 * u5,
            3.2 + 2.2 * u5,
            1.6 + 1.3 * u5,
            0.4 + 0.9 * u5 * u5,
        ],
    ).astype(np.float32)
    short_um = np.select(
        kinds,
        [
            long_um * (0.78 + 0.22 * u6),
            1.0 + 0.9 * u6,
            long_um * (0.7 + 0.3 * u6),
            long_um * (0.6 + 0.4 * u6),
            long_um * (0.5 + 0.5 * u6),
        ],
    ).astype(np.float32)
    darkness = np.select(
        kinds,
        [
            look.lymphocyte_darkness * (0.75 + 0.4 * u7),
            0.85 + 0.4 * u7,
            0.12 + 0.22 * u7,
            0.8 + 0.5 * u7,
            0.5 + 0.6 * u7,
        ],
    ).astype(np.float32)
    kind = np.select(kinds, [LYMPHOCYTES, STROMA, NECROSIS, NECROSIS, 0])
    return Nuclei(
        sites.y_um,
        sites.x_um,
        long_um,
        short_um,
        fibre_cos * cos - fibre_sin * sin,
        fibre_sin * cos + fibre_cos * sin,
        darkness,
        np.full(len(sites), 0.12, np.float32),
        kind.astype(np.uint8),
    )


def _living_tumour(
    layout: Layout, here: Integers, deeper_than: float
) -> NDArray[np.bool_]:
    keep = layout.glands.wall.ravel()[here] > deeper_than
    keep &= layout.glands.lumen.ravel()[here] < -2.0
    keep &= layout.necrosis.ravel()[here] <= 0
    keep &= layout.tissue.ravel()[here] > _EDGE
    return keep


def _dying(layout: Layout, here: Integers) -> Floats:
    """1 in sound tumour, falling towards the border of necrosis."""
    return np.clip(0.35 - 6.5 * layout.necrosis.ravel()[here], 0.35, 1).astype(
        np.float32
    )


def _nest_cells(scene: Scene, layout: Layout, frame: Frame) -> Nuclei:
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
    keep &= (sites.draw(2) < look.tumour_fill) & _living_tumour(layout, here, 3.0)
    sites, here = sites.where(keep), here[keep]
    long_um = (3.5 + 2.6 * sites.draw(3) ** 2) * look.tumour_nucleus_size
    short_um = long_um * (0.68 + 0.3 * sites.draw(4))
    angle = _TWO_PI * sites.draw(5)
    darkness = look.tumour_darkness * (0.75 + 0.6 * sites.draw(6) ** 2)
    pallor = np.clip(look.tumour_pallor + 0.3 * (sites.draw(7) - 0.5), 0, 0.8)
    return Nuclei(
        sites.y_um,
        sites.x_um,
        long_um.astype(np.float32),
        short_um.astype(np.float32),
        np.cos(angle),
        np.sin(angle),
        (darkness * _dying(layout, here)).astype(np.float32),
        pallor.astype(np.float32),
        np.full(len(sites), TUMOUR, np.uint8),
    )


def _palisades(scene: Scene, layout: Layout, frame: Frame) -> Nuclei:
    """Two rows of upright nuclei along the wall of every gland near the frame."""
    table, tumour = layout.glands.table, scene.setting.tumour
    which = _glands_near(layout, frame)
    count = np.rint(table.radius[which] * (_TWO_PI / tumour.palisade_pitch))
    count = count.astype(np.int64)
    gland = np.repeat(which, 2 * count)
    number = np.arange(len(gland)) - np.repeat(
        np.cumsum(2 * count) - 2 * count, 2 * count
    )
    key = stream(scene.seed, "palisades")
    hashes = lattice(key, table.sites.hashes[gland].astype(np.int64), number)
    row = number % 2
    around = number // 2 + 0.5 * row + 0.5 * (draw(hashes, 0) - 0.5)
    angle = (around / np.repeat(count, 2 * count) * _TWO_PI).astype(np.float32)
    y, x = np.sin(angle), np.cos(angle)
    crowd = table.sites.draw(10)[gland]
    deep = np.where(
        row == 0, 5.2 + 2.6 * draw(hashes, 1), 10.5 + (3 + 10 * crowd) * draw(hashes, 1)
    )
    away = table.outline(gland, y, x) - deep.astype(np.float32)
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
    keep = _living_tumour(layout, here, 1.5)
    keep &= layout.glands.winner.ravel()[here] == gland
    return _upright(
        scene,
        layout,
        here[keep],
        hashes[keep],
        (y_um[keep], x_um[keep]),
        (y[keep], x[keep]),
    )


def _glands_near(layout: Layout, frame: Frame) -> Integers:
    table = layout.glands.table
    first_y, last_y, first_x, last_x = frame.reach_um
    outreach = table.radius * 1.6 + 25
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


def _upright(scene, layout, here, hashes, place_um, radial):  # type: ignore[no-untyped-def]
    look = scene.look
    y, x = radial
    tilt = (draw(hashes, 3) - 0.5) * 0.7
    cos, sin = np.cos(tilt), np.sin(tilt)
    size = look.tumour_nucleus_size
    darkness = look.tumour_darkness * (0.9 + 0.4 * draw(hashes, 6))
    pallor = np.clip(look.tumour_pallor + 0.3 * (draw(hashes, 4) - 0.5), 0, 0.8)
    return Nuclei(
        place_um[0],
        place_um[1],
        ((3.9 + 1.9 * draw(hashes, 4)) * size).astype(np.float32),
        ((2.6 + 1.0 * draw(hashes, 5)) * size).astype(np.float32),
        x * cos - y * sin,
        y * cos + x * sin,
        (darkness * _dying(layout, here)).astype(np.float32),
        pallor.astype(np.float32),
        np.full(len(here), TUMOUR, np.uint8),
    )


def find_red_cells(scene: Scene, layout: Layout, frame: Frame) -> Nuclei:
    """Return red cells in the vessels, as pale-centred discs; they are no nuclei."""
    vessels = scene.setting.vessels
    sites = scatter(scene.seed, "red_cells", vessels.red_pitch, 0.4, frame.reach_um)
    here = frame.nearest(sites.y_um, sites.x_um)
    keep = layout.vessels.lumen.ravel()[here] > 1.2
    keep &= sites.draw(2) < layout.vessels.filled.ravel()[here]
    keep &= layout.tissue.ravel()[here] > _EDGE
    sites = sites.where(keep)
    small, large = vessels.red_radius
    radius = small + (large - small) * sites.draw(3)
    angle = _TWO_PI * sites.draw(5)
    return Nuclei(
        sites.y_um,
        sites.x_um,
        radius,
        radius * (0.7 + 0.3 * sites.draw(4)),
        np.cos(angle),
        np.sin(angle),
        0.55 + 0.35 * sites.draw(6),
        np.full(len(sites), 0.35, np.float32),
        np.zeros(len(sites), np.uint8),
    )
