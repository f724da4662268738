"""What is where on the glass: slow fields on the grid, and the classes they give.

Classes are read off signed fields in a fixed order of precedence: glass over necrosis
over tumour over lymphocytes over stroma. A gland's lumen belongs to the tumour; gaps
between fibres, the gap round a gland, and vessels with their blood belong to what they
lie in (nearly always the stroma); a lake of empty glass in the tissue is glass.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import DEFAULT_CLASSES
from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.glands import Glands, lay_glands
from napari_histossl.phantom.hashing import Floats, stream
from napari_histossl.phantom.layout_constants import LayoutSetting
from napari_histossl.phantom.look import Look
from napari_histossl.phantom.lymphoid import lay_lymphoid
from napari_histossl.phantom.noise import flowing, octaves
from napari_histossl.phantom.settings import Setting
from napari_histossl.phantom.vessels import Vessels, lay_vessels

TUMOUR = DEFAULT_CLASSES.named("tumour").index
STROMA = DEFAULT_CLASSES.named("stroma").index
LYMPHOCYTES = DEFAULT_CLASSES.named("lymphocytes").index
NECROSIS = DEFAULT_CLASSES.named("necrosis").index
GLASS = DEFAULT_CLASSES.named("glass").index

EDGE = 0.005
"""Cells keep this far, in the tissue field's unit, from the border of the tissue."""


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """All that decides how one slide looks.

    Attributes
    ----------
    seed : int
        What makes slides differ.
    setting : Setting
        The constants.
    look : Look
        What holds for the whole slide; follows from seed and setting.
    extent_um : tuple of float
        Height and width of the glass.
    """

    seed: int
    setting: Setting
    look: Look
    extent_um: tuple[float, float]

    @classmethod
    def of(cls, seed: int, setting: Setting, extent_um: tuple[float, float]) -> Scene:
        """Return the scene of a seed."""
        return cls(seed, setting, Look.of(seed, setting), extent_um)


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Slow fields on the grid of a frame.

    Attributes
    ----------
    tissue, tumour, necrosis : ndarray of float32
        Positive inside; no unit.
    lymphoid : ndarray of float32
        Membership of lymphocyte clusters, 0.5 at their border.
    glands : Glands
        Signed distances in um.
    vessels : Vessels
        Signed distances in um.
    fibre_u, fibre_v : ndarray of float32
        Coordinates in um along and across the fibres.
    warp_y, warp_x : ndarray of float32
        Displacement in um under which glands were laid.
    """

    tissue: Floats
    necrosis: Floats
    lymphoid: Floats
    glands: Glands
    vessels: Vessels
    fibre_u: Floats
    fibre_v: Floats
    warp_y: Floats
    warp_x: Floats


def lay_out(scene: Scene, frame: Frame) -> Layout:
    """Work out the slow fields on the grid of a frame."""
    setting, look, seed = scene.setting, scene.look, scene.seed
    layout = setting.layout
    y_um, x_um, px_um = frame.grid_y_um, frame.grid_x_um, frame.px_um
    warp_y = octaves(seed, "warp.y", layout.warp, y_um, x_um, px_um)
    warp_x = octaves(seed, "warp.x", layout.warp, y_um, x_um, px_um)
    tumour = octaves(seed, "tumour", layout.tumour, y_um, x_um, px_um)
    tumour -= look.tumour_threshold
    necrosis = octaves(seed, "necrosis", layout.necrosis, y_um, x_um, px_um)
    necrosis -= look.necrosis_threshold
    np.minimum(necrosis, tumour - layout.necrosis_inside_tumour, out=necrosis)
    glands = lay_glands(seed, setting, look, frame, warp_y, warp_x)
    lymphoid = lay_lymphoid(seed, setting, look, frame, warp_y, warp_x)
    vessels = lay_vessels(seed, setting, look, frame, warp_y, warp_x)
    if vessels.any_here:
        gap = setting.vessels.gland_gap
        np.minimum(vessels.lumen, -glands.wall - gap, out=vessels.lumen)
        np.minimum(vessels.lumen, -60 * necrosis - 4, out=vessels.lumen)
    fibre_u, fibre_v = _fibres(scene, frame, glands.wall, vessels.lumen)
    return Layout(
        tissue=_tissue(scene, frame),
        necrosis=necrosis,
        lymphoid=lymphoid,
        glands=glands,
        vessels=vessels,
        fibre_u=fibre_u,
        fibre_v=fibre_v,
        warp_y=warp_y,
        warp_x=warp_x,
    )


def classify(
    tissue: Floats, necrosis: Floats, wall: Floats, lymphoid: Floats
) -> NDArray[np.uint8]:
    """Return the class of each pixel from the fields there."""
    classes = np.full(tissue.shape, STROMA, np.uint8)
    classes[lymphoid > 0.5] = LYMPHOCYTES
    classes[wall > 0] = TUMOUR
    classes[necrosis > 0] = NECROSIS
    classes[tissue <= 0] = GLASS
    return classes


def _tissue(scene: Scene, frame: Frame) -> Floats:
    layout, seed = scene.setting.layout, scene.seed
    y_um, x_um = frame.grid_y_um, frame.grid_x_um
    field = octaves(seed, "tissue", layout.tissue, y_um, x_um, frame.px_um)
    for number, ((pitch, amplitude), angle) in enumerate(
        zip(layout.tissue_turned, layout.tissue_turn, strict=True)
    ):
        v, u = _turned(frame, scene.look.fibre_angle + angle)
        key = stream(seed, f"tissue.turned.{number}")
        field += flowing(key, pitch, pitch, u, v) * amplitude
    field -= scene.look.tissue_threshold
    return _piece(layout, frame, scene.extent_um, field)


def _piece(
    layout: LayoutSetting,
    frame: Frame,
    extent_um: tuple[float, float],
    field: Floats,
) -> Floats:
    """Let tissue give way to glass towards the edges of the slide."""
    y = 2 * frame.grid_y_um / extent_um[0] - 1
    x = 2 * frame.grid_x_um / extent_um[1] - 1
    away = np.sqrt(np.square(y)[:, None] + np.square(x)).astype(np.float32)
    field *= layout.piece_weight
    field += layout.piece_slope * (layout.piece_radius - away)
    return field


def _turned(frame: Frame, angle: float) -> tuple[Floats, Floats]:
    """Coordinates in um across and along a direction, on the grid."""
    cos, sin = np.cos(angle), np.sin(angle)
    y, x = frame.grid_y_um[:, None], frame.grid_x_um
    return (y * cos - x * sin).astype(np.float32), (y * sin + x * cos).astype(
        np.float32
    )


def _fibres(
    scene: Scene, frame: Frame, wall: Floats, vessel: Floats
) -> tuple[Floats, Floats]:
    """Coordinates across and along wavy fibres that give way to glands and vessels."""
    layout, seed = scene.setting.layout, scene.seed
    y_um, x_um, px_um = frame.grid_y_um, frame.grid_x_um, frame.px_um
    across, along = _turned(frame, scene.look.fibre_angle)
    across += octaves(seed, "fibre.v", layout.fibre_v, y_um, x_um, px_um)
    along += octaves(seed, "fibre.u", layout.fibre_u, y_um, x_um, px_um)
    reach = scene.setting.glands.reach
    outside = np.clip(np.maximum(wall, vessel), -reach, 0)
    nearness = 1 + outside * (1 / reach)
    across += layout.fibre_bend * outside * nearness * nearness
    return along, across
