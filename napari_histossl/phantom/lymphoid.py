"""Clusters of lymphocytes: soft, ragged blots."""

from __future__ import annotations

import math

import numpy as np

from napari_histossl.phantom.frame import Frame
from napari_histossl.phantom.hashing import Floats
from napari_histossl.phantom.layout_constants import LymphoidSetting
from napari_histossl.phantom.look import Look
from napari_histossl.phantom.noise import octaves, octaves_at
from napari_histossl.phantom.settings import Setting
from napari_histossl.phantom.sites import Sites, scatter

_SUPPORT = math.sqrt(2.0)
"""Membership reaches 0 at this multiple of the radius."""


def lay_lymphoid(
    seed: int,
    setting: Setting,
    look: Look,
    frame: Frame,
    warp_y: Floats,
    warp_x: Floats,
) -> Floats:
    """Return the membership of lymphocyte clusters on the grid of a frame.

    Returns
    -------
    ndarray of float32
        0 far away, 0.5 at the border, 1 in the middle of a cluster.
    """
    lymphoid = setting.lymphoid
    sites = _clusters(seed, setting, look, frame)
    members = np.zeros(frame.grid_shape, np.float32)
    radii = _radii(sites, lymphoid)
    elongations = 1 + (lymphoid.elongation - 1) * sites.draw(4)
    angles = np.pi * sites.draw(5)
    warp = (warp_y * lymphoid.warp_gain, warp_x * lymphoid.warp_gain)
    for number in range(len(sites)):
        _blot(
            members,
            frame,
            (float(sites.y_um[number]), float(sites.x_um[number])),
            (float(radii[number]), float(elongations[number]), float(angles[number])),
            warp,
        )
    if len(sites):
        y_um, x_um = frame.grid_y_um, frame.grid_x_um
        ragged = octaves(seed, "ragged", lymphoid.ragged, y_um, x_um, frame.px_um)
        # Only where a blot is: 0 stays 0.
        members += 0.5 * ragged * np.minimum(4 * members, 1)
        np.clip(members, 0, 1, out=members)
    return members


def _radii(sites: Sites, lymphoid: LymphoidSetting) -> Floats:
    small, large = lymphoid.radius
    return (small * (large / small) ** (sites.draw(3) ** 1.4)).astype(np.float32)


def _clusters(seed: int, setting: Setting, look: Look, frame: Frame) -> Sites:
    lymphoid = setting.lymphoid
    warp = 1.8 * lymphoid.warp_gain * sum(a for _, a in setting.layout.warp)
    outreach = lymphoid.radius[1] * lymphoid.elongation * _SUPPORT + warp
    y_um, x_um = frame.grid_y_um, frame.grid_x_um
    sites = scatter(
        seed,
        "lymphoid.sites",
        lymphoid.pitch,
        lymphoid.jitter,
        (
            y_um[0] - outreach,
            y_um[-1] + outreach,
            x_um[0] - outreach,
            x_um[-1] + outreach,
        ),
    )
    depth = octaves_at(seed, "tumour", setting.layout.tumour, sites.y_um, sites.x_um)
    depth -= np.float32(look.tumour_threshold + 0.02)
    near_margin = np.maximum(1 - np.square(depth * lymphoid.margin_sharpness), 0)
    probability = lymphoid.away_from_margin + 1.2 * near_margin
    return sites.where(sites.draw(2) < look.lymphoid_probability * probability)


def _blot(
    members: Floats,
    frame: Frame,
    centre_um: tuple[float, float],
    outline: tuple[float, float, float],
    warp: tuple[Floats, Floats],
) -> None:
    radius, elongation, angle = outline
    outreach = radius * elongation * _SUPPORT + 80
    y_um, x_um = frame.grid_y_um, frame.grid_x_um
    y0, y1 = np.searchsorted(y_um, (centre_um[0] - outreach, centre_um[0] + outreach))
    x0, x1 = np.searchsorted(x_um, (centre_um[1] - outreach, centre_um[1] + outreach))
    if y1 <= y0 or x1 <= x0:
        return
    here = np.s_[y0:y1, x0:x1]
    y = (y_um[y0:y1] - centre_um[0]).astype(np.float32)[:, None] + warp[0][here]
    x = (x_um[x0:x1] - centre_um[1]).astype(np.float32) + warp[1][here]
    cos, sin = math.cos(angle), math.sin(angle)
    along = (x * cos + y * sin) * (1 / (radius * elongation))
    across = (y * cos - x * sin) * (1 / radius)
    membership = 1 - 0.5 * (along * along + across * across)
    np.maximum(members[here], membership, out=members[here])
