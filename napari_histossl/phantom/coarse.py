"""Nuclei on levels too coarse for outlines: the area they cover, the light they take.

Below a pixel of `PLACES_BELOW_UM` every nucleus is still placed and spread over the
pixels it lies in; above it only its mean density is drawn.
"""

from __future__ import annotations

import math

import numpy as np

from napari_histossl.phantom.cells import CLEARANCE_UM
from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.ground import Fields, chance_above, cover
from napari_histossl.phantom.hashing import Floats, stream
from napari_histossl.phantom.layout import (
    LYMPHOCYTES,
    NECROSIS,
    STROMA,
    TUMOUR,
    Layout,
    Scene,
)
from napari_histossl.phantom.noise import smooth
from napari_histossl.phantom.nuclei import Nuclei
from napari_histossl.phantom.stamp import splat
from napari_histossl.phantom.tumour_cells import vigour

PLACES_BELOW_UM = 6.5
"""Pixels below this still place every nucleus."""

EOSIN_UNDER_NUCLEI = 0.65
"""Share of the ground's eosin that is left where a nucleus lies."""

_NEST_SHARE = 0.96
"""Share of a nest's lattice that is not cut off at its border."""

_PALISADE_UM = 22.0
"""Depth of the nuclei along the wall of a gland."""

_PALISADE_ROWS = 1.6
"""Nuclei for each place along the wall."""

_MIDDLE = 0.435
"""Mean over a disc of how much the paler middle weighs."""


def place_cells(
    scene: Scene, nuclei: Nuclei, frame: Frame
) -> tuple[list[Floats], Floats, Floats]:
    """Return light taken in each colour, area of nuclei, and area of all ellipses."""
    dark = nuclei.darkness * (1 - _MIDDLE * nuclei.pallor)
    eosin = _eosin_table(scene)[nuclei.kind]
    weights = [w.astype(np.float64) for w in _taken(scene, dark, eosin)]
    weights.append((nuclei.kind > 0).astype(np.float64))
    weights.append(np.ones(len(nuclei)))
    pictures = splat(nuclei, frame, weights)
    *taken, area, solid = pictures
    # No pixel is covered more than once, however nuclei overlap in it.
    left: Floats = np.reciprocal(np.maximum(solid, np.float32(1)))
    for light in taken:
        light *= left
    return taken, area * left, solid * left


def _taken(scene: Scene, dark: Floats, eosin: Floats | np.float32) -> list[Floats]:
    """Share of the light that a nucleus takes, beyond what the ground takes there."""
    stain = scene.look.stain
    spared = (1 - EOSIN_UNDER_NUCLEI) * eosin
    return [
        1 - np.exp(spared * np.float32(e) - dark * np.float32(h))
        for h, e in zip(stain.haematoxylin, stain.eosin, strict=True)
    ]


def _eosin_table(scene: Scene) -> Floats:
    """Mean eosin of the ground under each kind of nucleus."""
    look = scene.look
    table = np.full(6, look.necrosis_eosin, np.float32)
    table[TUMOUR] = look.tumour_eosin
    table[STROMA] = look.stroma_eosin
    table[LYMPHOCYTES] = look.stroma_eosin * look.lymphoid_eosin_left
    table[NECROSIS] = look.necrosis_eosin
    return table


def spread_cells(
    scene: Scene, layout: Layout, frame: Frame, fields: Fields
) -> tuple[list[Floats], Floats]:
    """Return light taken in each colour, and area covered, from mean densities."""
    look, table = scene.look, _eosin_table(scene)
    area = _cover_of_kinds(scene, layout, frame, fields)
    middle = 1 - _MIDDLE * look.tumour_pallor
    setting = scene.setting
    dark = {
        TUMOUR: look.tumour_darkness
        * middle
        * setting.tumour.nest_nucleus.mean_darkness,
        STROMA: setting.stroma.nucleus.mean_darkness,
        LYMPHOCYTES: look.lymphocyte_darkness
        * setting.lymphocytes.nucleus.mean_darkness,
        NECROSIS: _dead_darkness(scene),
    }
    uneven = _uneven(scene, frame)
    taken = [np.zeros(frame.shape, np.float32) for _ in range(3)]
    covered = np.zeros(frame.shape, np.float32)
    for kind, share in area.items():
        share *= uneven
        covered += share
        if kind == TUMOUR:
            share *= vigour(fields.necrosis)
        weights = _taken(scene, np.array([dark[kind]], np.float32), table[kind])
        for light, weight in zip(taken, weights, strict=True):
            light += share * weight
    left = _overlap(covered)
    for light in taken:
        light *= left
    covered *= left
    return taken, covered


def _uneven(scene: Scene, frame: Frame) -> Floats:
    """Relative change of the density, as chance would have it in such pixels."""
    uneven = np.ones(frame.shape, np.float32)
    for pixels, strength in ((1.25, 0.28), (3.0, 0.2)):
        key = stream(scene.seed, f"uneven.{pixels}")
        noise = smooth(key, pixels * frame.px_um, frame.y_um, frame.x_um)
        uneven += noise * np.float32(strength)
    return uneven


def _cover_of_kinds(
    scene: Scene, layout: Layout, frame: Frame, fields: Fields
) -> dict[int, Floats]:
    """Mean share of each pixel that nuclei of each kind cover."""
    look, setting = scene.look, scene.setting
    per_um2 = 1 / setting.cell_pitch**2
    in_tumour = cover(fields.wall, frame.px_um)
    alive = 1 - chance_above(fields.necrosis, -0.01, 0.01, 0.0)
    free = 1 - cover(fields.wall + CLEARANCE_UM, frame.px_um)
    free *= alive
    one = look.lymphocyte_radius**2 * setting.lymphocytes.nucleus.mean_area * per_um2
    members = np.clip(fields.lymphoid, 0, 1)
    inside = chance_above(members, 0.42, 0.58, 0.0)
    share = inside * look.lymphocyte_density
    share += (1 - inside) * 0.7 * members * members
    share *= free
    fibroblasts = setting.stroma.nucleus.mean_area * per_um2 * look.stroma_cellularity
    return {
        STROMA: free * np.float32(fibroblasts) - share * np.float32(fibroblasts),
        LYMPHOCYTES: share * np.float32(one),
        TUMOUR: in_tumour * alive * _tumour_cover(scene, layout, frame, fields),
        NECROSIS: (1 - alive) * np.float32(_dead_cover(scene)),
    }


def _overlap(area: Floats) -> Floats:
    """Factor from the summed area of nuclei to the share of a pixel they cover.

    Nuclei keep apart, so that few overlap until they fill the pixel.
    """
    factor: Floats = np.reciprocal(np.cbrt(1 + area * area * area))
    return factor


def _tumour_cover(scene: Scene, layout: Layout, frame: Frame, fields: Fields) -> Floats:
    look, tumour = scene.look, scene.setting.tumour
    size = look.tumour_nucleus_size**2
    nest = tumour.nest_nucleus.mean_area * look.tumour_fill / tumour.cell_pitch**2
    nest *= _NEST_SHARE
    band = tumour.palisade_pitch * _PALISADE_UM
    row = tumour.palisade_nucleus.mean_area * _PALISADE_ROWS / band
    glands = layout.glands
    if len(glands.table.sites):
        is_solid = (glands.winner >= 0) & glands.table.is_solid[glands.winner]
        (solid,) = frame.to_pixels(is_solid.astype(np.float32))
    else:
        solid = np.zeros(frame.shape, np.float32)
    palisade = 1 - cover(fields.wall - _PALISADE_UM, frame.px_um)
    share = palisade * (1 - solid) * np.float32(row * size)
    share += solid * np.float32(nest * size)
    share *= 1 - cover(fields.lumen, frame.px_um)
    return share


def _dead_cover(scene: Scene) -> float:
    look, necrosis = scene.look, scene.setting.necrosis
    area = look.necrosis_ghosts * necrosis.ghost.mean_area
    area += look.necrosis_shrunken * necrosis.shrunken_nucleus.mean_area
    area += look.necrosis_dust * necrosis.speck.mean_area
    return area / scene.setting.cell_pitch**2


def _dead_darkness(scene: Scene) -> float:
    """Darkness of the remains, weighted by the light that each takes."""
    look, necrosis = scene.look, scene.setting.necrosis
    ghost = necrosis.ghost.mean_darkness * look.necrosis_darkness
    shrunken, speck = necrosis.shrunken_nucleus, necrosis.speck
    parts = (
        (look.necrosis_ghosts * necrosis.ghost.mean_area, ghost),
        (look.necrosis_shrunken * shrunken.mean_area, shrunken.mean_darkness),
        (look.necrosis_dust * speck.mean_area, speck.mean_darkness),
    )
    green = look.stain.haematoxylin[1]
    area = sum(share for share, _ in parts)
    taken = sum(share * (1 - math.exp(-green * dark)) for share, dark in parts)
    return -math.log(1 - taken / area) / green
