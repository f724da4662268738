"""A box of a drawn slide: colours, classes, nuclei."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box
from napari_histossl.phantom.cells import find_red_cells, find_small_cells
from napari_histossl.phantom.coarse import (
    EOSIN_UNDER_NUCLEI,
    PLACES_BELOW_UM,
    place_cells,
    spread_cells,
)
from napari_histossl.phantom.epithelium import lay_epithelium
from napari_histossl.phantom.frame import MARGIN_PX, Frame
from napari_histossl.phantom.ground import Fields, Ground, tissue_edge
from napari_histossl.phantom.hashing import Floats, lattice, stream
from napari_histossl.phantom.layout import Layout, Scene, classify, lay_out
from napari_histossl.phantom.necrosis import lay_necrosis
from napari_histossl.phantom.noise import octaves
from napari_histossl.phantom.nuclei import Nuclei, gather
from napari_histossl.phantom.stamp import stamp
from napari_histossl.phantom.stroma import lay_stroma, lay_vessels
from napari_histossl.phantom.tumour_cells import find_tumour_cells

OUTLINES_BELOW_UM = 2.6
"""Pixels below this show outlines of nuclei; coarser ones the area they cover."""

_BLUR_BELOW_UM = 3.0
"""Pixels below this are blurred by the optics."""

_NEAR_TISSUE = -0.05
"""Where the tissue field is below this, there is only glass."""


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """One box, drawn.

    Attributes
    ----------
    rgb : ndarray of shape (H, W, 3) and dtype uint8
        The picture.
    truth : ndarray of shape (H, W) and dtype uint8
        Class of each pixel.
    nuclei : ndarray of shape (H, W) and dtype bool
        True where nuclei cover more than half of the pixel.
    """

    rgb: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    nuclei: NDArray[np.bool_]


def draw_truth(scene: Scene, box: Box, px_um: float) -> NDArray[np.uint8]:
    """Return the class of the pixels of a box, without drawing them."""
    frame = Frame.around(box, px_um)
    layout = lay_out(scene, frame)
    slow = frame.to_pixels(
        layout.tissue, layout.necrosis, layout.glands.wall, layout.lymphoid
    )
    return frame.inner(classify(*slow)).copy()


def draw_box(scene: Scene, box: Box, px_um: float) -> Drawing:
    """Return colours, classes and nuclei of a box of pixels of `px_um`."""
    frame = Frame.around(box, px_um)
    layout = lay_out(scene, frame)
    fields = Fields.of(scene, layout, frame)
    truth = classify(fields.tissue, fields.necrosis, fields.wall, fields.lymphoid)
    if (fields.tissue > _NEAR_TISSUE).any():
        light, nuclei = _tissue(scene, layout, frame, fields)
    else:
        light = [np.ones(box.shape, np.float32)] * 3
        nuclei = np.zeros(frame.shape, np.bool_)
    rgb = _expose(scene, frame, light)
    return Drawing(rgb, frame.inner(truth).copy(), frame.inner(nuclei).copy())


def find_nuclei(scene: Scene, layout: Layout, frame: Frame) -> Nuclei:
    """Return all nuclei, and specks, that may show in a frame."""
    small = find_small_cells(scene, layout, frame)
    return gather([small, *find_tumour_cells(scene, layout, frame)])


def _tissue(
    scene: Scene, layout: Layout, frame: Frame, fields: Fields
) -> tuple[list[Floats], NDArray[np.bool_]]:
    """Light let through for red, green and blue, and where nuclei are."""
    ground = lay_stroma(scene, frame, fields)
    if layout.vessels.any_here:
        lay_vessels(scene, frame, layout, ground)
    lay_epithelium(scene, layout, frame, fields, ground)
    lay_necrosis(scene, frame, fields, ground)
    np.maximum(ground.eosin, 0, out=ground.eosin)
    np.maximum(ground.haematoxylin, 0, out=ground.haematoxylin)
    thick = _thickness(scene, frame)
    ground.eosin *= thick
    ground.haematoxylin *= thick
    blood: Floats | None = None
    taken: list[Floats] | None = None
    if frame.px_um < OUTLINES_BELOW_UM:
        covered = _stamp_cells(scene, layout, frame, fields, ground)
        blood = _stamp_blood(scene, layout, frame, fields, ground)
    elif frame.px_um < PLACES_BELOW_UM:
        nuclei = find_nuclei(scene, layout, frame)
        taken, covered, solid = place_cells(scene, nuclei, frame)
        ground.gap *= 1 - solid
    else:
        taken, covered = spread_cells(scene, layout, frame, fields)
        ground.gap *= 1 - covered
    edge = tissue_edge(fields.tissue, frame.px_um)
    ground.gap += (1 - edge) * (1 - ground.gap)
    light = _light(scene, frame, ground, blood, taken)
    return light, covered * edge > 0.5


def _thickness(scene: Scene, frame: Frame) -> Floats:
    spec = scene.setting.stain.thickness
    thick = octaves(scene.seed, "thick", spec, frame.y_um, frame.x_um, frame.px_um)
    thick += 1
    return thick


def _wobble(fields: Fields) -> Floats | float:
    return 0.16 * fields.clump.field + 0.08 * fields.grain.field


def _stamp_cells(
    scene: Scene, layout: Layout, frame: Frame, fields: Fields, ground: Ground
) -> Floats:
    """Draw nuclei into the ground; return the share of each pixel they cover."""
    nuclei = find_nuclei(scene, layout, frame)
    is_nucleus = nuclei.kind > 0
    dark, covered = np.zeros((2, *frame.shape), np.float32)
    density = max(scene.look.stain.haematoxylin)
    wobble = _wobble(fields)
    stamp(nuclei.where(is_nucleus), frame, wobble, dark, covered, density)
    if not is_nucleus.all():
        specks = np.zeros(frame.shape, np.float32)
        stamp(nuclei.where(~is_nucleus), frame, wobble, dark, specks, density)
        ground.gap *= 1 - specks
    dark *= 1 + scene.setting.chromatin_grain * fields.grain.field
    ground.haematoxylin += dark
    ground.eosin *= 1 - (1 - EOSIN_UNDER_NUCLEI) * covered
    ground.gap *= 1 - covered
    return covered


def _stamp_blood(
    scene: Scene, layout: Layout, frame: Frame, fields: Fields, ground: Ground
) -> Floats | None:
    """Return the dye of red cells, or None where there are none."""
    if not layout.vessels.any_here:
        return None
    cells = find_red_cells(scene, layout, frame)
    if not len(cells):
        return None
    blood, covered = np.zeros((2, *frame.shape), np.float32)
    density = max(scene.look.stain.red_cell)
    stamp(cells, frame, _wobble(fields), blood, covered, density)
    ground.gap *= 1 - covered
    return blood


def _light(
    scene: Scene,
    frame: Frame,
    ground: Ground,
    blood: Floats | None,
    taken: list[Floats] | None,
) -> list[Floats]:
    """Light let through by dye, gaps, and nuclei that are not in the ground."""
    stain = scene.look.stain
    eosin, haematoxylin = _optics(scene, frame, ground.eosin, ground.haematoxylin)
    (gap,) = _optics(scene, frame, ground.gap)
    light = []
    for channel in range(3):
        density = haematoxylin * np.float32(-stain.haematoxylin[channel])
        density -= eosin * np.float32(stain.eosin[channel])
        if blood is not None:
            (red,) = _optics(scene, frame, blood)
            density -= red * np.float32(stain.red_cell[channel])
        through = np.exp(density, out=density)
        if taken is not None:
            through *= 1 - frame.inner(taken[channel])
        through += gap * (1 - through)
        light.append(through)
    return light


def _optics(scene: Scene, frame: Frame, *fields: Floats) -> list[Floats]:
    """Blur fields where pixels are fine, and cut the margin off."""
    if frame.px_um >= _BLUR_BELOW_UM:
        return [frame.inner(field) for field in fields]
    weight = scene.look.stain.blur
    return [frame.inner(_blur(field, weight)) for field in fields]


def _blur(field: Floats, weight: float) -> Floats:
    """Mix each pixel with its four neighbours; the frame's border is left."""
    down = field.copy()
    down[1:-1] += weight * (field[:-2] + field[2:] - 2 * field[1:-1])
    both = down.copy()
    both[:, 1:-1] += weight * (down[:, :-2] + down[:, 2:] - 2 * down[:, 1:-1])
    return both


def _expose(scene: Scene, frame: Frame, light: list[Floats]) -> NDArray[np.uint8]:
    """Turn light into grey levels, with the noise of the sensor."""
    stain, noise = scene.look.stain, scene.setting.stain.sensor_noise
    inner = slice(MARGIN_PX, -MARGIN_PX)
    rows, columns = frame.rows[inner], frame.columns[inner]
    key = stream(scene.seed, f"sensor.{frame.px_um:.6g}")
    hashes = lattice(key, rows[:, None], columns)
    rgb = np.empty((len(rows), len(columns), 3), np.uint8)
    for channel in range(3):
        level = light[channel] * np.float32(1 - stain.flare)
        level += np.float32(stain.flare)
        level *= np.float32(stain.white[channel])
        bits = hashes >> np.uint32(10 * channel)
        shot = (bits & np.uint32(31)) + ((bits >> np.uint32(5)) & np.uint32(31))
        level += shot.astype(np.float32) * np.float32(noise)
        level += np.float32(0.5 - 31 * noise)
        rgb[..., channel] = np.clip(level, 0, 255, out=level)
    return rgb
