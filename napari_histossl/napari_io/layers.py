"""Slides, overlays and masks as napari layer data: plain tuples, no Qt, no napari.

napari puts the centre of a layer's first pixel at its ``translate``. The slide's first
pixel centre is the origin of the world, so the edge of the glass lies half a level-0
pixel before it; everything that shares that edge is placed accordingly.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.classes import UNLABELLED, ClassTable
from napari_histossl.slide import Slide, lazy_pyramid
from napari_histossl.slide.base import SlideSource
from napari_histossl.slide.color import colour_managed
from napari_histossl.store import Pyramid

LayerTuple = tuple[Any, dict[str, Any], str]
"""Data, options and type of a napari layer."""

METADATA_KEY = "histossl"
"""Where ``layer.metadata`` tells what a layer of ours shows: ``kind``, and where they
are known ``source`` (record of the slide), ``path`` (folder of the result), ``facts``
(what the slide's file says about itself), ``alias`` (what to call it instead of its
name) and ``tiles`` (the slide from which a window may draw tile by tile what the
layer's data show)."""

_TRANSPARENT = (0.0, 0.0, 0.0, 0.0)

LIT = {
    "name": "lit",
    "colors": (
        (0.27, 0.00, 0.33, 0.00),
        (0.23, 0.32, 0.55, 0.35),
        (0.13, 0.57, 0.55, 0.75),
        (0.37, 0.79, 0.38, 0.90),
        (0.99, 0.91, 0.14, 1.00),
    ),
}
"""Colours of attention: viridis, clear where there is none, so that the tissue is seen
through it."""

_LIMIT_QUANTILE = 0.995
"""Values above this quantile saturate, so that one token does not darken the rest."""


def slide_layer(
    slide: Slide, *, as_scanned: bool = False, alias: str | None = None
) -> LayerTuple:
    """Return a slide as a multiscale image.

    Parameters
    ----------
    slide : Slide
        Stays open as long as the layer reads from it.
    as_scanned : bool
        Leave the colours as they are in the file; by default they are converted to
        sRGB where the slide has a colour profile.
    alias : str, optional
        What people are to call it where its own name is hidden from them.

    Returns
    -------
    tuple
        Dask pyramid of (H, W, 3) uint8, options, ``"image"``; in micrometres, or in
        pixels where the slide does not say how large a pixel is.
    """
    shown = slide if as_scanned else colour_managed(slide)
    options = {
        "name": alias or slide.source.name,
        "multiscale": True,
        "rgb": True,
        "scale": slide.mpp_yx or (1.0, 1.0),
        "units": _units(slide.mpp_yx is not None),
        "metadata": {
            METADATA_KEY: {
                "kind": "slide",
                "source": slide.source,
                "alias": alias,
                "facts": dict(slide.properties),
                "tiles": shown,
            }
        },
    }
    return lazy_pyramid(shown), options, "image"


def overlay_layer(
    pyramid: Pyramid, slide: Slide | None = None, name: str | None = None
) -> LayerTuple:
    """Return an overlay as one multiscale image with a slider over its channels.

    Parameters
    ----------
    pyramid : Pyramid
        Axes (c, y, x), or (y, x) for a single map.
    slide : Slide, optional
        The slide on which it lies; needed to place it to half a pixel.
    name : str, optional
        Name of the layer; that of the folder by default.

    Returns
    -------
    tuple
        Dask arrays of float, options, ``"image"``. Pixels are shown as the footprints
        that were computed (nearest neighbour); what was not computed is transparent.
    """
    scale, translate = _place(pyramid, slide)
    others = len(pyramid.axes) - 2
    options = {
        "name": name or _title(pyramid),
        "multiscale": True,
        "rgb": False,
        "scale": (1.0,) * others + scale,
        "translate": (0.0,) * others + translate,
        "units": ("pixel",) * others + _units(pyramid.pixel_um_yx is not None),
        "axis_labels": ("head",) * others + ("y", "x"),
        "colormap": LIT,
        "opacity": 0.9,
        "contrast_limits": contrast_limits(pyramid),
        "interpolation2d": "nearest",
        "metadata": _metadata("overlay", pyramid.path, slide),
    }
    return pyramid.lazy(), options, "image"


def mask_layer(pyramid: Pyramid, slide: Slide | None = None) -> LayerTuple:
    """Return a mask as multiscale labels to look at; they cannot be edited.

    Parameters
    ----------
    pyramid : Pyramid
        Labels, axes (y, x).
    slide : Slide, optional
        The slide on which it lies.

    Returns
    -------
    tuple
        Dask arrays of uint8, options, ``"labels"``. A single array where there is one
        level only: napari does not take labels of one level as multiscale.
    """
    scale, translate = _place(pyramid, slide)
    levels = pyramid.lazy()
    is_multiscale = len(levels) > 1
    options = {
        "name": _title(pyramid),
        "multiscale": is_multiscale,
        "scale": scale,
        "translate": translate,
        "units": _units(pyramid.pixel_um_yx is not None),
        "opacity": 0.5,
        "colormap": colours(pyramid.classes),
        "metadata": _metadata("mask", pyramid.path, slide),
    }
    return levels if is_multiscale else levels[0], options, "labels"


def tissue_layer(
    labels: NDArray[np.uint8],
    downsample: float,
    classes: ClassTable,
    slide: Slide,
    path: Path,
) -> LayerTuple:
    """Return a tissue map as labels that can be edited.

    Parameters
    ----------
    labels : ndarray of shape (H, W) and dtype uint8
        Class indices at low power; the layer edits this array.
    downsample : float
        Level-0 pixels of the slide per pixel.
    classes : ClassTable
        What the indices mean; glass is not drawn.
    slide : Slide
        The slide on which it lies.
    path : Path
        Where it is saved.

    Returns
    -------
    tuple
        The array, options, ``"labels"``.
    """
    slide_yx = slide.mpp_yx or (1.0, 1.0)
    glass = classes.named("glass").index
    options = {
        "name": "tissue",
        "scale": tuple(mpp * downsample for mpp in slide_yx),
        "translate": tuple((downsample - 1) / 2 * mpp for mpp in slide_yx),
        "units": _units(slide.mpp_yx is not None),
        "opacity": 0.3,
        "colormap": {**(colours(classes) or {}), glass: _TRANSPARENT},
        "metadata": _metadata("tissue", path, slide),
    }
    return labels, options, "labels"


def colours(classes: ClassTable | None) -> dict[int | None, Any] | None:
    """Return napari's label colours for a table; unlabelled is transparent.

    Parameters
    ----------
    classes : ClassTable or None
        None leaves the colours to napari.

    Returns
    -------
    dict or None
        RGBA from 0 to 1 by index; None stands for every other index.
    """
    if classes is None:
        return None
    table: dict[int | None, Any] = {None: _TRANSPARENT, UNLABELLED: _TRANSPARENT}
    for info in classes:
        table[info.index] = (*(value / 255 for value in info.colour), 1.0)
    return table


def contrast_limits(pyramid: Pyramid) -> tuple[float, float]:
    """Return colour limits from the coarsest level: 0 to a high quantile."""
    coarsest = pyramid.levels[-1].box
    values = pyramid.read(coarsest, len(pyramid.levels) - 1)
    values = values[np.isfinite(values)]
    high = float(np.quantile(values, _LIMIT_QUANTILE)) if values.size else 1.0
    return 0.0, high if high > 0 else 1.0


def _place(
    pyramid: Pyramid, slide: Slide | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return scale and translation in world units along rows and columns."""
    pixel = pyramid.pixel_um_yx or pyramid.pixel_px0_yx or (1.0, 1.0)
    slide_pixel = _slide_pixel(pyramid, slide)
    y, x = (
        origin + (own - of_slide) / 2
        for origin, own, of_slide in zip(
            pyramid.origin_um_yx, pixel, slide_pixel, strict=True
        )
    )
    return pixel, (y, x)


def _slide_pixel(pyramid: Pyramid, slide: Slide | None) -> tuple[float, float]:
    """Return the size of the slide's level-0 pixel in the units of the pyramid."""
    if pyramid.pixel_um_yx is None:
        return 1.0, 1.0
    if slide is not None and slide.mpp_yx is not None:
        return slide.mpp_yx
    if pyramid.pixel_px0_yx is None:  # as large as the pyramid's own, or unknown
        return pyramid.pixel_um_yx
    y, x = (
        um / px0
        for um, px0 in zip(pyramid.pixel_um_yx, pyramid.pixel_px0_yx, strict=True)
    )
    return y, x


def _units(in_um: bool) -> tuple[str, str]:
    return ("um", "um") if in_um else ("pixel", "pixel")


def _title(pyramid: Pyramid) -> str:
    return pyramid.path.name.removesuffix(".ome.zarr")


def _metadata(kind: str, path: Path, slide: Slide | None) -> dict[str, Any]:
    source: SlideSource | None = slide.source if slide else None
    return {METADATA_KEY: {"kind": kind, "path": str(path), "source": source}}
