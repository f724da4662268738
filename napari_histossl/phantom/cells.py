"""Cells outside the tumour: lymphocytes, fibroblasts, debris of dead cells, blood.

All but blood share one lattice; which of them stands at a lattice point, if any, is
read off the layout.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats
from napari_histossl.phantom.layout import (
    EDGE,
    LYMPHOCYTES,
    NECROSIS,
    STROMA,
    Layout,
    Scene,
)
from napari_histossl.phantom.nuclei import Cells, Nuclei, gather
from napari_histossl.phantom.sites import Sites, scatter

CLEARANCE_UM = 2.5
"""Cells keep this far from the wall of a gland."""

_SPINDLE_TILT = 0.5
"""Range of the angle between a fibroblast and its fibre, in radians."""


def find_small_cells(scene: Scene, layout: Layout, frame: Frame) -> Nuclei:
    """Return lymphocytes, fibroblasts, ghosts, shrunken nuclei and specks."""
    setting = scene.setting
    sites = scatter(
        scene.seed, "cells", setting.cell_pitch, setting.cell_jitter, frame.reach_um
    )
    here = frame.nearest(sites.y_um, sites.x_um)
    alive = layout.tissue.ravel()[here] > EDGE
    sites, here = sites.where(alive), here[alive]
    dead = layout.necrosis.ravel()[here] > 0
    living = _living(scene, layout, frame, sites.where(~dead), here[~dead])
    return gather(living + _remains(scene, sites.where(dead)))


def _living(
    scene: Scene,
    layout: Layout,
    frame: Frame,
    sites: Sites,
    here: NDArray[np.int64],
) -> list[Nuclei]:
    look, setting = scene.look, scene.setting
    wall, lumen = layout.glands.wall.ravel()[here], layout.glands.lumen.ravel()[here]
    vessel, lymphoid = layout.vessels.lumen.ravel()[here], layout.lymphoid.ravel()[here]
    free = (wall < -CLEARANCE_UM) & (vessel < -0.5)
    lot = sites.draw(2)
    lymphocyte = free & (lot < lymphocyte_share(scene, lymphoid))
    # A few wander into the epithelium.
    wandering = (wall > CLEARANCE_UM) & (lumen < -3)
    lymphocyte |= wandering & (lot > 1 - setting.lymphocytes.in_epithelium)
    lining = (vessel > -4.5) & free
    spindle = free & ~lymphocyte
    spindle &= sites.draw(3) < look.stroma_cellularity + 0.04 * lymphoid + 0.5 * lining
    fibroblasts = _cells(sites.where(spindle), STROMA)
    return [
        _cells(sites.where(lymphocyte), LYMPHOCYTES).shaped(
            setting.lymphocytes.nucleus,
            scale=look.lymphocyte_radius,
            darkness=look.lymphocyte_darkness,
        ),
        fibroblasts.shaped(
            setting.stroma.nucleus,
            axis=_along_fibres(layout, frame, fibroblasts),
            tilt=_SPINDLE_TILT,
        ),
    ]


def lymphocyte_share(scene: Scene, lymphoid: Floats) -> Floats:
    """Return the share of lattice points that lymphocytes take."""
    density = scene.look.lymphocyte_density
    return np.where(lymphoid > 0.5, density, 0.7 * lymphoid * lymphoid).astype(
        np.float32
    )


def _remains(scene: Scene, sites: Sites) -> list[Nuclei]:
    look, setting = scene.look, scene.setting.necrosis
    lot = sites.draw(2)
    ghost = lot < look.necrosis_ghosts
    shrunken = ~ghost & (lot < look.necrosis_ghosts + look.necrosis_shrunken)
    speck = lot > 1 - look.necrosis_dust
    return [
        _cells(sites.where(ghost), NECROSIS).shaped(
            setting.ghost, darkness=look.necrosis_darkness
        ),
        _cells(sites.where(shrunken), NECROSIS).shaped(setting.shrunken_nucleus),
        _cells(sites.where(speck), 0).shaped(setting.speck),
    ]


def _cells(sites: Sites, kind: int) -> Cells:
    return Cells(sites.hashes, sites.y_um, sites.x_um, kind)


def _along_fibres(layout: Layout, frame: Frame, cells: Cells) -> tuple[Floats, Floats]:
    """Cosine and sine of the fibres' direction at cells."""
    step = max(frame.grid_um, 4.0)
    across, y_um, x_um = layout.fibre_v.ravel(), cells.y_um, cells.x_um
    down = across[frame.nearest(y_um + step, x_um)]
    down -= across[frame.nearest(y_um - step, x_um)]
    right = across[frame.nearest(y_um, x_um + step)]
    right -= across[frame.nearest(y_um, x_um - step)]
    length = np.sqrt(down * down + right * right) + np.float32(1e-6)
    return down / length, -right / length


def find_red_cells(scene: Scene, layout: Layout, frame: Frame) -> Nuclei:
    """Return the red cells in the vessels."""
    vessels = scene.setting.vessels
    sites = scatter(scene.seed, "red_cells", vessels.red_pitch, 0.4, frame.reach_um)
    here = frame.nearest(sites.y_um, sites.x_um)
    keep = layout.vessels.lumen.ravel()[here] > 1.2
    keep &= sites.draw(2) < layout.vessels.filled.ravel()[here]
    keep &= layout.tissue.ravel()[here] > EDGE
    return _cells(sites.where(keep), 0).shaped(
        scene.setting.red_cell, pallor=(0.35, 0.0)
    )
