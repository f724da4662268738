"""Stroma: collagen bundles with gaps between them, and vessels."""

from __future__ import annotations

import math
from dataclasses import dataclass

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
from napari_histossl.phantom.tissue_constants import Fibre

_COARSEST_PX = 0.9
"""Fibres are drawn while a pixel is below this share of their width."""


def lay_stroma(scene: Scene, frame: Frame, fields: Fields) -> Ground:
    """Return stroma over the whole frame; other tissue takes over its place later."""
    stroma, look = scene.setting.stroma, scene.look
    loose = octaves(
        scene.seed, "loose", stroma.loose, frame.y_um, frame.x_um, frame.px_um
    )
    fibres = _Fibres.over(scene, frame, fields)
    room = loose + np.float32(look.stroma_looseness + stroma.gap_width)
    room -= 0.3 * np.minimum(fields.lymphoid, 0.5)
    edge = stroma.gap_slope * min(frame.px_um, stroma.gap_slope_um)
    gap = fibres.gaps(room, math.hypot(stroma.gap_softness, edge))

    shade = fibres.shade
    shade *= np.float32(look.stroma_contrast)
    shade -= 0.35 * loose
    hidden = fibres.hidden_shade * look.stroma_contrast
    even = evened_out(look.stroma_eosin, hidden, look.stain.eosin[1])
    # Gaps open where fibres are thin, so what is left between them is dyed deeper.
    deeper = min(fibres.hidden_closed / 0.2, 1) * 0.18 * look.stroma_contrast
    eosin = shade + 1
    eosin += gap * np.float32(deeper)
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


@dataclass(slots=True, eq=False)
class _Fibres:
    """Noise along the fibres of a frame.

    Attributes
    ----------
    closed : ndarray of shape (H, W) and dtype float32
        Distance from a border between bundles, more where other fibres close it.
    shade : ndarray of shape (H, W) and dtype float32
        Relative change of the dye.
    hidden_closed, hidden_shade : float
        Standard deviation of what is too fine to draw of either.
    """

    closed: Floats
    shade: Floats
    hidden_closed: float
    hidden_shade: float

    @classmethod
    def over(cls, scene: Scene, frame: Frame, fields: Fields) -> _Fibres:
        """Draw all fibres that the pixels can show."""
        stroma = scene.setting.stroma
        closed, shade = np.zeros((2, *frame.shape), np.float32)
        fibres = cls(closed, shade, hidden_closed=0.0, hidden_shade=0.0)
        for fibre in stroma.fibres:
            noise = _along_fibres(scene, frame, fields, fibre)
            fibres._add(fibre, noise, noise, FLOWING_DEVIATION)
        noise = _along_fibres(scene, frame, fields, stroma.bundle)
        away = None if noise is None else np.abs(noise)
        mean, deviation = stroma.hidden_bundle
        fibres._add(stroma.bundle, away, noise, deviation)
        if away is None:
            fibres.closed += np.float32(stroma.bundle.in_gaps * mean)
        return fibres

    def _add(
        self,
        fibre: Fibre,
        in_gaps: Floats | None,
        in_shade: Floats | None,
        deviation: float,
    ) -> None:
        if in_gaps is None or in_shade is None:
            self.hidden_closed = math.hypot(
                self.hidden_closed, fibre.in_gaps * deviation
            )
            self.hidden_shade = math.hypot(
                self.hidden_shade, fibre.in_shade * FLOWING_DEVIATION
            )
            return
        self.closed += in_gaps * np.float32(fibre.in_gaps)
        self.shade += in_shade * np.float32(fibre.in_shade)

    def gaps(self, room: Floats, soft: float) -> Floats:
        """Share of each pixel that is a gap: where there is more room than needed."""
        room -= self.closed
        return chance_above(room, -0.5 * soft, 0.5 * soft, self.hidden_closed)


def _along_fibres(
    scene: Scene, frame: Frame, fields: Fields, fibre: Fibre
) -> Floats | None:
    """Noise of one width of fibres; None where a pixel is too coarse to show it."""
    if frame.px_um >= _COARSEST_PX * fibre.across:
        return None
    key = stream(scene.seed, fibre.name)
    return flowing(key, fibre.along, fibre.across, fields.fibre_u, fields.fibre_v)


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
