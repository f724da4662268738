"""A box of a drawn slide: colours, classes, nuclei."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.geometry import Box
from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats, lattice, stream
from napari_histossl.phantom.layout import Layout, Scene, classify, lay_out
from napari_histossl.phantom.look import Look
from napari_histossl.phantom.noise import ease, octaves, smooth
from napari_histossl.phantom.nuclei import find_nuclei, find_red_cells
from napari_histossl.phantom.stamp import splat, stamp
from napari_histossl.phantom.texture import (
    Fields,
    Ground,
    lay_epithelium,
    lay_necrosis,
    lay_stroma,
    lay_vessel_walls,
    tissue_edge,
)

OUTLINES_BELOW_UM = 2.6
"""Pixels below this show outlines of nuclei; coarser ones the area they cover."""

PLACES_BELOW_UM = 6.5
"""Pixels below this still place every nucleus; coarser ones use their mean density."""

_OVERLAP = 0.94
"""Share of the nuclei's summed area that is left where they overlap."""


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
    if (fields.tissue > -0.05).any():
        light, nuclei = _tissue(scene, layout, frame, fields)
    else:
        light = [np.ones(box.shape, np.float32)] * 3
        nuclei = np.zeros(frame.shape, np.bool_)
    rgb = _expose(scene, frame, light)
    return Drawing(rgb, frame.inner(truth).copy(), frame.inner(nuclei).copy())


def _tissue(
    scene: Scene, layout: Layout, frame: Frame, fields: Fields
) -> tuple[list[Floats], NDArray[np.bool_]]:
    """Light let through for red, green and blue, and where nuclei are."""
    ground = lay_stroma(scene, frame, fields)
    if layout.vessels.any_here:
        lay_vessel_walls(frame, layout, ground)
    lay_epithelium(scene, layout, frame, fields, ground)
    lay_necrosis(scene, frame, fields, ground)
    edge = tissue_edge(fields.tissue, frame.px_um)
    thick = _thickness(scene, frame)
    red = np.zeros(frame.shape, np.float32)
    covered = np.zeros(frame.shape, np.float32)
    lost: list[Floats] | None = None
    if frame.px_um < OUTLINES_BELOW_UM:
        _stamp_cells(scene, layout, frame, fields, ground, red, covered)
    else:
        lost, covered = _coarse_cells(scene, layout, frame, fields, edge)
    ground.gap += (1 - edge) * (1 - ground.gap)
    light = _light(scene, frame, ground, red, thick, lost)
    return light, covered * edge > 0.5


def _thickness(scene: Scene, frame: Frame) -> Floats:
    spec = scene.setting.stain.thickness
    thick = octaves(scene.seed, "thick", spec, frame.y_um, frame.x_um, frame.px_um)
    thick += 1
    return thick


def _stamp_cells(
    scene: Scene,
    layout: Layout,
    frame: Frame,
    fields: Fields,
    ground: Ground,
    red: Floats,
    covered: Floats,
) -> None:
    nuclei = find_nuclei(scene, layout, frame)
    dark = np.zeros(frame.shape, np.float32)
    wobble = 0.16 * fields.clump + 0.08 * fields.grain
    real = nuclei.kind > 0
    stamp(nuclei.where(real), frame, wobble, dark, covered)
    if not real.all():
        stamp(nuclei.where(~real), frame, wobble, dark, np.zeros_like(covered))
    dark *= 1 + 0.32 * fields.grain
    ground.haematoxylin += dark
    ground.eosin *= 1 - 0.35 * covered
    ground.gap *= 1 - covered
    if layout.vessels.any_here:
        solid = np.zeros(frame.shape, np.float32)
        cells = find_red_cells(scene, layout, frame)
        if len(cells):
            stamp(cells, frame, wobble, red, solid)
            ground.gap *= 1 - solid


def _coarse_cells(
    scene: Scene, layout: Layout, frame: Frame, fields: Fields, edge: Floats
) -> tuple[list[Floats], Floats]:
    """Light that nuclei take away in each colour, and the area they cover."""
    dye = scene.look.stain.haematoxylin
    if frame.px_um < PLACES_BELOW_UM:
        nuclei = find_nuclei(scene, layout, frame)
        dark = nuclei.darkness * (1 - 0.4 * nuclei.pallor)
        weights = [(1 - np.exp(-dark * h)).astype(np.float64) for h in dye]
        weights.append(np.where(nuclei.kind > 0, 1.0, 0.0))
        pictures = splat(nuclei, frame, weights)
        *lost, covered = (np.minimum(p * _OVERLAP, 0.97) for p in pictures)
        return lost, covered
    density, dark = _density(scene, frame, fields)
    lost = [density * (1 - np.exp(-dark * np.float32(h))) for h in dye]
    return lost, density


def _density(scene: Scene, frame: Frame, fields: Fields) -> tuple[Floats, Floats]:
    """Mean area that nuclei cover, and their mean darkness, for coarse pixels."""
    look = scene.look
    wall = np.clip(fields.wall / frame.px_um + 0.5, 0, 1)
    lumen = np.clip(fields.lumen / frame.px_um + 0.5, 0, 1)
    dead = ease(fields.necrosis, -0.03, 0.03)
    cluster = look.lymphocyte_density * ease(fields.lymphoid, 0.4, 0.6)
    cluster *= 3.0 * look.lymphocyte_radius**2 / 70.0
    free = look.stroma_cellularity * 0.42 + cluster
    tumour = 0.33 * look.tumour_fill * look.tumour_nucleus_size**2 * (1 - lumen)
    density = free + wall * (tumour - free)
    density += dead * (0.10 - density)
    dark = np.float32(look.lymphocyte_darkness * 0.95) + wall * np.float32(
        0.95 * look.tumour_darkness - look.lymphocyte_darkness * 0.95
    )
    dark += dead * (0.3 - dark)
    rough = smooth(
        stream(scene.seed, "density"), 2.5 * frame.px_um, frame.y_um, frame.x_um
    )
    density *= 1 + 0.3 * rough
    return np.clip(density, 0, 0.95), dark


def _light(
    scene: Scene,
    frame: Frame,
    ground: Ground,
    red: Floats,
    thick: Floats,
    lost: list[Floats] | None,
) -> list[Floats]:
    look: Look = scene.look
    stain = look.stain
    eosin = np.maximum(ground.eosin, 0)
    haematoxylin = np.maximum(ground.haematoxylin, 0)
    eosin *= thick
    haematoxylin *= thick
    fields = [eosin, haematoxylin, ground.gap, red]
    if frame.px_um < 3:
        fields = [_blur(field, stain.blur) for field in fields]
    eosin, haematoxylin, gap, red = (frame.inner(field) for field in fields)
    blood = bool(red.any())
    light = []
    for channel in range(3):
        density = haematoxylin * np.float32(stain.haematoxylin[channel])
        density += eosin * np.float32(stain.eosin[channel])
        if blood:
            density += red * np.float32(stain.red_cell[channel])
        np.negative(density, out=density)
        through = np.exp(density, out=density)
        if lost is not None:
            through *= 1 - frame.inner(lost[channel])
        through += gap * (1 - through)
        light.append(through)
    return light


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
    rows, columns = frame.rows[2:-2], frame.columns[2:-2]
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
