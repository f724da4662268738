"""How much of each dye the ground takes up: stroma, epithelium, debris, blood.

Dye is optical density before the gains of the slide. White gaps are kept apart as a
covered share of the pixel, because light is averaged and density is not: half a pixel
of empty glass is far brighter than half the dye.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats, stream
from napari_histossl.phantom.layout import Layout, Scene
from napari_histossl.phantom.noise import ease, flowing, octaves, smooth


@dataclass(slots=True, eq=False)
class Ground:
    """Dye in each pixel; textures change it in place.

    Attributes
    ----------
    eosin, haematoxylin : ndarray of shape (H, W) and dtype float32
        Dye, at least 0, about 1 at most.
    gap : ndarray of shape (H, W) and dtype float32
        Share of the pixel that is empty, 0 to 1.
    """

    eosin: Floats
    haematoxylin: Floats
    gap: Floats

    def blend(
        self,
        share: Floats,
        eosin: Floats | float,
        haematoxylin: Floats | float,
        gap: Floats | float,
    ) -> None:
        """Let another ground take over a share of each pixel."""
        self.eosin += share * (eosin - self.eosin)
        self.haematoxylin += share * (haematoxylin - self.haematoxylin)
        self.gap += share * (gap - self.gap)


@dataclass(frozen=True, slots=True, eq=False)
class Fields:
    """Slow fields at the pixels, and the noises that several textures share."""

    tissue: Floats
    necrosis: Floats
    wall: Floats
    lumen: Floats
    lymphoid: Floats
    fibre_u: Floats
    fibre_v: Floats
    clump: Floats | float
    """Noise of the pitch of a nucleus; 0 where a pixel is too coarse to show it."""
    grain: Floats | float
    """Noise of the pitch of chromatin."""

    @classmethod
    def of(cls, scene: Scene, layout: Layout, frame: Frame) -> Fields:
        """Interpolate the layout at the pixels of a frame."""
        slow = frame.to_pixels(
            layout.tissue,
            layout.necrosis,
            layout.glands.wall,
            layout.glands.lumen,
            layout.lymphoid,
            layout.fibre_u,
            layout.fibre_v,
        )
        return cls(
            *slow,
            clump=noise_if_seen(scene, "clump", 5.0, frame),
            grain=noise_if_seen(scene, "grain", 1.8, frame),
        )


def noise_if_seen(
    scene: Scene, name: str, pitch: float, frame: Frame
) -> Floats | float:
    """Return smooth noise, or 0 where the pixel is too coarse to show it."""
    if frame.px_um > 0.8 * pitch:
        return 0.0
    return smooth(stream(scene.seed, name), pitch, frame.y_um, frame.x_um)


def cover(distance_um: Floats, px_um: float) -> Floats:
    """Share of a pixel that lies inside a border at a signed distance."""
    share = distance_um * np.float32(1 / px_um)
    share += 0.5
    return np.clip(share, 0, 1, out=share)


def band(distance_um: Floats, centre: float, width: float, px_um: float) -> Floats:
    """Share of a pixel that lies in a thin band along a border; area is kept."""
    half = max(width, px_um)
    share = np.abs(distance_um - np.float32(centre))
    share *= np.float32(-1 / half)
    share += 1
    np.maximum(share, 0, out=share)
    if half > width:
        share *= np.float32(width / half)
    return share


def lay_stroma(scene: Scene, frame: Frame, fields: Fields) -> Ground:
    """Return collagen bundles with gaps between them, over the whole frame."""
    stroma, look, seed = scene.setting.stroma, scene.look, scene.seed
    px_um = frame.px_um
    loose = octaves(seed, "loose", stroma.loose, frame.y_um, frame.x_um, px_um)
    fibre = np.zeros(frame.shape, np.float32)
    shade = np.zeros(frame.shape, np.float32)
    for name, (along, across), in_gap, in_shade, finest in (
        ("bundle", stroma.bundle, 1.0, 0.16, 0.9),
        ("strand", stroma.strand, 0.55, 0.24, 0.9),
        ("fibril", stroma.fibril, 0.12, 0.22, 0.9),
    ):
        if px_um < finest * across:
            key = stream(seed, name)
            noise = flowing(key, along, across, fields.fibre_u, fields.fibre_v)
            fibre += in_gap * noise
            shade += in_shade * noise
    crowd = np.minimum(fields.lymphoid, 0.5)
    width = loose + np.float32(look.stroma_looseness + 0.12)
    width -= 0.3 * crowd
    gap = _gaps(stroma, fibre, width, px_um)
    shade *= np.float32(look.stroma_contrast)
    shade -= 0.35 * loose
    eosin = (1 + shade) * np.float32(look.stroma_eosin)
    haematoxylin = (1 + 0.5 * shade) * np.float32(look.stroma_haematoxylin)
    crowd = np.clip(fields.lymphoid * 2.2 - 0.4, 0, 1)
    eosin *= 1 - crowd * np.float32(1 - look.lymphoid_eosin_left)
    haematoxylin += crowd * np.float32(look.lymphoid_haematoxylin)
    return Ground(eosin, haematoxylin, gap)


def _gaps(stroma, fibre, width, px_um):  # type: ignore[no-untyped-def]
    soft = stroma.gap_softness
    if px_um >= 0.9 * stroma.bundle[1]:
        return np.clip(width * 1.15, 0, 0.9)
    if px_um >= 0.9 * stroma.strand[1]:
        soft = soft + 0.35
        width = width * 0.88
    ridge = np.abs(fibre, out=fibre)
    width -= ridge
    width *= np.float32(1 / soft)
    width += 0.5
    return np.clip(width, 0, 1, out=width)


def lay_epithelium(
    scene: Scene, layout: Layout, frame: Frame, fields: Fields, ground: Ground
) -> None:
    """Let glands and nests, with the gap round them, take over their place."""
    look, px_um = scene.look, frame.px_um
    big = octaves(
        scene.seed, "retraction", ((55.0, 1.0),), frame.y_um, frame.x_um, px_um
    )
    apart = band(fields.wall, -1.5, 1.7, px_um)
    apart *= ease(big, 0.0, 0.4)
    np.maximum(ground.gap, apart, out=ground.gap)

    apical = np.clip((fields.lumen + 14) * (1 / 14.0), 0, 1)
    uneven = 1 + 0.16 * fields.clump + 0.2 * fields.grain
    eosin = (uneven - 0.2 * apical) * np.float32(look.tumour_eosin)
    haematoxylin = (uneven - 0.4 * apical) * np.float32(look.tumour_haematoxylin)
    border = _cell_borders(scene, layout, frame)
    if border is not None:
        eosin += border * np.float32(look.tumour_border)
    share = cover(fields.wall, px_um)
    empty = cover(fields.lumen + 1.2 * fields.clump, px_um)
    secretion = ease(big + 0.35 * fields.clump, 0.1, 0.7)
    gap = empty * (1 - 0.7 * secretion)
    eosin = eosin + empty * (0.3 * secretion - eosin)
    haematoxylin = haematoxylin * (1 - empty)
    ground.blend(share, eosin, haematoxylin, gap)


def _cell_borders(scene: Scene, layout: Layout, frame: Frame) -> Floats | None:
    return None


def lay_necrosis(scene: Scene, frame: Frame, fields: Fields, ground: Ground) -> None:
    """Let granular debris take over its place."""
    look, low_high = scene.look, scene.setting.layout.necrosis_blend
    share = ease(fields.necrosis, *low_high)
    if not share.any():
        return
    cloud = noise_if_seen(scene, "debris.cloud", 13.0, frame)
    fine = noise_if_seen(scene, "debris.fine", 1.3, frame)
    grain = look.necrosis_grain * (
        0.35 * fields.grain + 0.3 * fine + 0.15 * fields.clump
    )
    eosin = (1 + grain + 0.2 * cloud) * np.float32(look.necrosis_eosin)
    haematoxylin = (1 + 0.8 * grain) * np.float32(look.necrosis_haematoxylin)
    holes = np.zeros(frame.shape, np.float32)
    holes += 0.6 * cloud + 0.6 * fields.grain + 0.4 * fields.clump
    gap = 0.85 * ease(holes, look.necrosis_holes, look.necrosis_holes + 0.2)
    ground.blend(share, eosin, haematoxylin, gap)


def lay_vessel_walls(frame: Frame, layout: Layout, ground: Ground) -> None:
    """Draw walls and empty lumina of vessels."""
    lumen, wall = frame.to_pixels(layout.vessels.lumen, layout.vessels.wall)
    inside = cover(lumen, frame.px_um)
    ring = cover(lumen + wall, frame.px_um)
    ring *= wall > 0
    ground.blend(
        ring,
        np.full(frame.shape, 0.8, np.float32),
        np.full(frame.shape, 0.12, np.float32),
        0.0,
    )
    np.maximum(ground.gap, inside, out=ground.gap)


def tissue_edge(tissue: Floats, px_um: float) -> NDArray[np.float32]:
    """Share of a pixel that is tissue, from the tissue field."""
    share = tissue * np.float32(1100 * min(1.0, 1 / px_um))
    share += 0.5
    return np.clip(share, 0, 1, out=share)
