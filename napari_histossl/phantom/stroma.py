"""Stroma: collagen bundles with gaps between them, and vessels."""

from __future__ import annotations

import math

import numpy as np

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.ground import (
    Fields,
    Ground,
    chance_above,
    cover,
    evened_out,
)
from napari_histossl.phantom.hashing import Floats, stream
from napari_histossl.phantom.layout import Layout, Scene
from napari_histossl.phantom.noise import FLOWING_DEVIATION, flowing, octaves

_COARSEST_PX = 0.9
"""Fibres are drawn while a pixel is below this share of their width."""


def lay_stroma(scene: Scene, frame: Frame, fields: Fields) -> Ground:
    """Return stroma over the whole frame; other tissue takes over its place later."""
    stroma, look = scene.setting.stroma, scene.look
    loose = octaves(
        scene.seed, "loose", stroma.loose, frame.y_um, frame.x_um, frame.px_um
    )
    ridge, shade, hidden_ridge, hidden_shade = _fibres(scene, frame, fields)
    width = loose + np.float32(look.stroma_looseness + stroma.gap_width)
    width -= 0.3 * np.minimum(fields.lymphoid, 0.5)
    gap = _gaps(ridge, width, stroma.gap_softness, hidden_ridge)

    shade *= np.float32(look.stroma_contrast)
    shade -= 0.35 * loose
    green = look.stain.eosin[1]
    even = evened_out(look.stroma_eosin, hidden_shade * look.stroma_contrast, green)
    eosin = shade + 1
    eosin *= np.float32(look.stroma_eosin * even)
    shade *= 0.5
    shade += 1
    haematoxylin = shade * np.float32(look.stroma_haematoxylin)
    crowd = np.clip(fields.lymphoid * 2.2 - 0.4, 0, 1)
    haematoxylin += crowd * np.float32(look.lymphoid_haematoxylin)
    crowd *= np.float32(look.lymphoid_eosin_left - 1)
    crowd += 1
    eosin *= crowd
    return Ground(eosin, haematoxylin, gap)


def _fibres(
    scene: Scene, frame: Frame, fields: Fields
) -> tuple[Floats, Floats, float, float]:
    """Noise whose zero lines are gaps, noise of the dye, and what is hidden of both."""
    ridge = np.zeros(frame.shape, np.float32)
    shade = np.zeros(frame.shape, np.float32)
    hidden_ridge = hidden_shade = 0.0
    for fibre in scene.setting.stroma.fibres:
        if frame.px_um < _COARSEST_PX * fibre.across:
            noise = flowing(
                stream(scene.seed, fibre.name),
                fibre.along,
                fibre.across,
                fields.fibre_u,
                fields.fibre_v,
            )
            ridge += fibre.in_gaps * noise
            noise *= fibre.in_shade
            shade += noise
        else:
            hidden_ridge += (fibre.in_gaps * FLOWING_DEVIATION) ** 2
            hidden_shade += (fibre.in_shade * FLOWING_DEVIATION) ** 2
    return ridge, shade, math.sqrt(hidden_ridge), math.sqrt(hidden_shade)


def _gaps(ridge: Floats, width: Floats, soft: float, hidden: float) -> Floats:
    """Share of each pixel where the ridge noise lies within `width` of zero."""
    if hidden == 0:
        np.abs(ridge, out=ridge)
        width -= ridge
        width *= np.float32(1 / soft)
        width += 0.5
        return np.clip(width, 0, 1, out=width)
    half = 0.5 * soft
    gap = chance_above(width + ridge, -half, half, hidden)
    gap += chance_above(width - ridge, -half, half, hidden)
    gap -= 1
    return np.maximum(gap, 0, out=gap)


def lay_vessels(scene: Scene, frame: Frame, layout: Layout, ground: Ground) -> None:
    """Draw walls and lumina of vessels; lumina stay empty where no blood is drawn."""
    vessels = scene.setting.vessels
    lumen, wall, filled = frame.to_pixels(
        layout.vessels.lumen, layout.vessels.wall, layout.vessels.filled
    )
    ring = cover(lumen + wall, frame.px_um)
    ring *= wall > 0
    if not ring.any():
        return
    ground.blend(ring, vessels.wall_eosin, vessels.wall_haematoxylin, 0.0)
    inside = cover(lumen, frame.px_um)
    if frame.px_um >= vessels.red_drawn_below:
        share = inside * filled
        share *= vessels.red_cover
        ground.blend(share, vessels.red_as_eosin, 0.0, 0.0)
        inside *= 1 - filled * vessels.red_cover
    np.maximum(ground.gap, inside, out=ground.gap)
