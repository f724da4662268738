"""Tumour: cytoplasm, borders between cells, lumina, the gap round a gland."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.ground import (
    Fields,
    Ground,
    band,
    chance_above,
    cover,
    evened_out,
    mixed,
)
from napari_histossl.phantom.hashing import Floats, Integers, lattice, stream
from napari_histossl.phantom.layout import Layout, Scene
from napari_histossl.phantom.noise import smooth
from napari_histossl.phantom.sites import site_places

_BORDERS_BELOW_UM = 1.5
"""Pixels below this show cell borders."""

_BORDER_GRID_UM = 1.0
"""Pitch of the grid on which cell borders are worked out."""

_HALF_BORDER_UM = 0.75
"""Half width of a cell border."""

_MEAN_BORDER = 0.106
"""Mean of the lines over a nest, which is drawn where they are too fine."""


def lay_epithelium(
    scene: Scene, layout: Layout, frame: Frame, fields: Fields, ground: Ground
) -> None:
    """Let glands and nests, with the gap round them, take over their place."""
    look, px_um = scene.look, frame.px_um
    big = smooth(stream(scene.seed, "retraction"), 55.0, frame.y_um, frame.x_um)
    apart = band(fields.wall, -1.5, 1.7, px_um)
    apart *= chance_above(big, 0.0, 0.4, 0.0)
    np.maximum(ground.gap, apart, out=ground.gap)
    share = cover(fields.wall, px_um)
    if not share.any():
        return
    uneven = mixed((0.16, fields.clump), (0.2, fields.grain))
    apical = np.clip((fields.lumen + 14) * (1 / 14.0), 0, 1)
    even = evened_out(look.tumour_eosin, uneven.hidden, look.stain.eosin[1])
    eosin = (1 + uneven.field - 0.2 * apical) * np.float32(look.tumour_eosin * even)
    haematoxylin = 1 + uneven.field - 0.4 * apical
    haematoxylin *= np.float32(look.tumour_haematoxylin)
    _add_borders(scene, layout, frame, eosin)
    empty = cover(fields.lumen + 1.2 * fields.clump.field, px_um)
    secretion = chance_above(
        big + 0.35 * fields.clump.field, 0.1, 0.7, 0.35 * fields.clump.hidden
    )
    eosin += empty * (0.4 - eosin)
    haematoxylin *= 1 - empty
    ground.blend(share, eosin, haematoxylin, empty * (1 - 0.55 * secretion))


def _add_borders(scene: Scene, layout: Layout, frame: Frame, eosin: Floats) -> None:
    """Draw the borders between the cells of solid nests into the eosin."""
    glands = layout.glands
    if not len(glands.table.sites):
        return
    is_solid = (glands.winner >= 0) & glands.table.is_solid[glands.winner]
    if not is_solid.any():
        return
    (solid,) = frame.to_pixels(is_solid.astype(np.float32))
    solid *= np.float32(scene.look.tumour_border)
    if frame.px_um < _BORDERS_BELOW_UM:
        eosin += solid * cell_borders(scene, frame)
    else:
        eosin += solid * np.float32(_MEAN_BORDER)


def cell_borders(scene: Scene, frame: Frame) -> Floats:
    """Return lines between the cells of nests.

    Returns
    -------
    ndarray of shape (H, W) and dtype float32
        1 on a border, 0 inside a cell.

    Notes
    -----
    A border is where the nearest and the second nearest nucleus of the nests' lattice
    are equally far (Worley noise). Distances vary slowly, so they are worked out on a
    grid of 1 um that is fixed to the glass.
    """
    fine = frame.with_grid(_BORDER_GRID_UM)
    nearest, second = _two_nearest(scene, fine.grid_y_um, fine.grid_x_um)
    line = second - nearest
    line *= np.float32(-0.5 / _HALF_BORDER_UM)
    line += 1
    (line,) = fine.to_pixels(line)
    return np.maximum(line, 0, out=line)


def _two_nearest(
    scene: Scene, y_um: NDArray[np.float64], x_um: NDArray[np.float64]
) -> tuple[Floats, Floats]:
    """Distance in um to the nearest and to the second nearest cell of the lattice."""
    tumour = scene.setting.tumour
    pitch = tumour.cell_pitch
    row = np.floor(y_um / pitch).astype(np.int64)
    column = np.floor(x_um / pitch).astype(np.int64)
    rows = np.arange(row[0] - 1, row[-1] + 2)
    columns = np.arange(column[0] - 2, column[-1] + 3)
    hashes = lattice(stream(scene.seed, "nests.cells"), rows[:, None], columns)
    cell_y, cell_x = site_places(hashes, rows, columns, pitch, tumour.cell_jitter)
    # Relative to the first row and column: single precision is then enough.
    base_y, base_x = rows[0] * pitch, columns[0] * pitch
    y = (y_um - base_y).astype(np.float32)[:, None]
    x = (x_um - base_x).astype(np.float32)
    places = (
        (cell_y - base_y).astype(np.float32),
        (cell_x - base_x).astype(np.float32),
    )
    nearest = np.full((len(y_um), len(x_um)), 1e6, np.float32)
    second = nearest.copy()
    for away in (-1, 0, 1):
        at_row = row + away - rows[0]
        # Odd rows are shifted by half a pitch.
        shifted = np.floor(x_um / pitch - 0.5).astype(np.int64)
        odd = ((row + away) & 1)[:, None] == 1
        at_column = np.where(odd, shifted, column) - columns[0]
        for aside in (-1, 0, 1):
            _keep_nearest(places, at_row, at_column + aside, y, x, nearest, second)
    return np.sqrt(nearest), np.sqrt(second)


def _keep_nearest(
    places: tuple[Floats, Floats],
    row: Integers,
    column: Integers,
    y: Floats,
    x: Floats,
    nearest: Floats,
    second: Floats,
) -> None:
    flat = row[:, None] * places[0].shape[1] + column
    down = places[0].ravel().take(flat)
    down -= y
    right = places[1].ravel().take(flat)
    right -= x
    down *= down
    right *= right
    down += right
    np.minimum(second, np.maximum(nearest, down), out=second)
    np.minimum(nearest, down, out=nearest)
