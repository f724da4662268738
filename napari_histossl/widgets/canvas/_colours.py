"""Colours of a napari layer, as the atlas wants them."""

from __future__ import annotations

from typing import Any

import numpy as np

_STEPS = 1024
"""Entries of a table that stands for a continuous colour map."""


def set_colours(atlas: Any, layer: Any) -> None:
    """Colour an atlas as napari would colour the layer.

    Parameters
    ----------
    atlas : TileAtlas
        Drawn in place of the layer's picture.
    layer : napari.layers.Image or napari.layers.Labels
        Its limits, gamma, colour map or colour table are taken over.
    """
    if atlas.kind == "labels":
        atlas.set_table(np.asarray(layer.colormap.map(np.arange(256, dtype=np.uint8))))
        return
    unit = 1.0 if atlas.as_floats else 255.0
    low, high = layer.contrast_limits
    atlas.set_colours((low / unit, high / unit), float(layer.gamma))
    if atlas.kind == "values":
        _set_colour_map(atlas, layer.colormap)


def _set_colour_map(atlas: Any, colour_map: Any) -> None:
    table = np.asarray(colour_map.map(np.linspace(0, 1, _STEPS)), np.float32)
    below = getattr(colour_map, "low_color", None)
    above = getattr(colour_map, "high_color", None)
    atlas.set_table(table)
    atlas.set_odd_colours(
        colour_map.nan_color,
        table[0] if below is None else below,
        table[-1] if above is None else above,
    )


def is_smooth(layer: Any, kind: str, px0_per_pixel: float) -> bool:
    """Return True where neighbouring pixels are to be mixed.

    Labels never are, values only where the layer asks for it. A picture that is drawn
    smaller than its level is always mixed, or thin structures would flicker.
    """
    if kind == "labels":
        return False
    asked = str(layer.interpolation2d) != "nearest"
    return asked or (kind == "image" and px0_per_pixel > 1.0)
