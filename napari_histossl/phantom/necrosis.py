"""Necrosis: granular debris with small white gaps, fading in from the tumour."""

from __future__ import annotations

import numpy as np

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.ground import (
    Fields,
    Ground,
    Noise,
    chance_above,
    evened_out,
    mixed,
)
from napari_histossl.phantom.layout import Scene


def lay_necrosis(scene: Scene, frame: Frame, fields: Fields, ground: Ground) -> None:
    """Let granular debris take over its place."""
    look, setting = scene.look, scene.setting.necrosis
    share = chance_above(fields.necrosis, *scene.setting.layout.necrosis_blend, 0.0)
    if not share.any():
        return
    cloud = Noise.of(scene, "debris.cloud", setting.cloud_pitch, frame)
    fine = Noise.of(scene, "debris.fine", setting.fine_pitch, frame)
    strength = look.necrosis_grain
    grain = mixed(
        (0.32 * strength, fields.grain),
        (0.26 * strength, fine),
        (0.15 * strength, fields.clump),
        (0.2, cloud),
    )
    even = evened_out(look.necrosis_eosin, grain.hidden, look.stain.eosin[1])
    eosin = np.full(frame.shape, look.necrosis_eosin * even, np.float32)
    eosin *= 1 + grain.field
    haematoxylin = np.full(frame.shape, look.necrosis_haematoxylin, np.float32)
    haematoxylin *= 1 + 0.8 * grain.field
    holes = mixed((0.55, cloud), (0.3, fields.grain), (0.4, fields.clump))
    field = np.zeros(frame.shape, np.float32)
    field += holes.field
    gap = chance_above(
        field,
        look.necrosis_holes,
        look.necrosis_holes + setting.hole_softness,
        holes.hidden,
    )
    gap *= setting.hole_depth
    ground.blend(share, eosin, haematoxylin, gap)
