"""The Slide page without a window: facts, lengths and colours in words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from napari_histossl.errors import SlideOpenError, SlideReadError
from napari_histossl.slide import Slide
from napari_histossl.slide.color import colour_transform
from napari_histossl.slide.panda import case_of_slide

_UM_AT_ONE_POWER = 10.0
"""Micrometres a pixel at 1 x: by convention 40 x is 0.25 um/px."""

_MM_FROM_UM = 1000.0
"""Lengths from here on are told in millimetres."""

PRIVATE_PICTURES = ("label", "macro")
"""Pictures of the glass, on which names are written."""


def magnification_zoom(power: float) -> float:
    """Return the screen pixels per micrometre of a magnification.

    Parameters
    ----------
    power : float
        Objective magnification that the picture should look like, above 0.

    Returns
    -------
    float
        Logical pixels of the screen, which have the same size for the eye on every
        screen: at a scaling of 200 % each is drawn by 2 x 2 pixels of the panel.

    Examples
    --------
    >>> magnification_zoom(20)
    2.0
    """
    return power / _UM_AT_ONE_POWER


def describe_zoom(zoom: float, pixel_ratio: float = 1.0) -> str:
    """Say how large a slide is shown.

    Parameters
    ----------
    zoom : float
        Logical screen pixels per micrometre, above 0.
    pixel_ratio : float
        Pixels of the panel along a logical pixel.

    Examples
    --------
    >>> describe_zoom(1.0)
    'Now 10× (1 µm per screen pixel)'
    >>> describe_zoom(1.0, 2.0)
    'Now 10× (1 µm per screen pixel, each 2 × 2 panel pixels)'
    """
    power = f"Now {zoom * _UM_AT_ONE_POWER:.3g}×"
    scale = f"{1 / zoom:.3g} µm per screen pixel"
    if pixel_ratio != 1:
        scale += f", each {pixel_ratio:g} × {pixel_ratio:g} panel pixels"
    return f"{power} ({scale})"


def describe_slide(slide: Slide, name: str | None = None) -> dict[str, str]:
    """Return what a person wants to know about a slide, in reading order.

    Parameters
    ----------
    slide : Slide
        An open slide.
    name : str, optional
        What to call it; its own name by default.
    """
    height, width = slide.levels[0].shape
    facts = {
        "Name": name or slide.source.name,
        "Size": f"{width:,} × {height:,} px",
    }
    if slide.mpp_yx is None:
        facts["Pixel"] = "unknown"
    else:
        mpp_y, mpp_x = slide.mpp_yx
        facts["Extent"] = f"{width * mpp_x / 1000:.2f} × {height * mpp_y / 1000:.2f} mm"
        same = abs(mpp_y - mpp_x) < 1e-4 * mpp_y
        facts["Pixel"] = (
            f"{mpp_y:.4g} µm" if same else f"{mpp_x:.4g} × {mpp_y:.4g} µm (x × y)"
        )
        facts["Power"] = f"about {_UM_AT_ONE_POWER / mpp_y:.3g}×"
    downsamples = ", ".join(f"{level.downsample:.4g}" for level in slide.levels)
    facts["Levels"] = f"{len(slide.levels)} (downsample {downsamples})"
    for key, title in (("openslide.vendor", "Scanner"), ("format", "Format")):
        if key in slide.properties:
            facts[title] = slide.properties[key]
    if facts["Name"] == slide.source.name:  # a slide without its name has no grade
        facts.update(_panda_facts(slide))
    return facts


def _panda_facts(slide: Slide) -> dict[str, str]:
    """Return what PANDA's table says of a slide, if it lies in PANDA's folders."""
    path = getattr(slide.source, "path", None)
    try:
        case = case_of_slide(path) if isinstance(path, Path) else None
    except SlideOpenError:
        return {}
    if case is None:
        return {}
    mask = "" if case.mask else ", no mask"
    return {"Grade": case.grade, "Hospital": f"{case.provider}{mask}"}


def describe_colours(slide: Slide) -> tuple[str, bool]:
    """Say what is known about the colours of a slide.

    Parameters
    ----------
    slide : Slide
        An open slide.

    Returns
    -------
    sentence : str
        For people.
    can_choose : bool
        Whether the profile changes what is seen, so that it can be left out.
    """
    try:
        transform = colour_transform(slide)
    except SlideReadError as error:
        return f"{str(error)[:1].upper()}{str(error)[1:]}.", False
    if transform is None:
        return "No colour profile; colours as scanned.", False
    if transform.is_srgb:
        return f"Colour profile: {transform.name}; nothing to convert.", False
    return f"Colour profile: {transform.name}", True


def private_pictures(slide: Slide) -> tuple[str, ...]:
    """Return the names of the pictures of a slide that may show a person's name."""
    return tuple(name for name in PRIVATE_PICTURES if name in slide.associated)


# ---- Lengths ----


def readable_length(length: float, *, in_um: bool) -> str:
    """Return a length as people read it.

    Parameters
    ----------
    length : float
        In micrometres, or in pixels where the scale is unknown.
    in_um : bool
        Which of the two.

    Examples
    --------
    >>> readable_length(12.34, in_um=True), readable_length(2345, in_um=True)
    ('12.3 µm', '2.345 mm')
    >>> readable_length(2345.6, in_um=False)
    '2,346 px'
    """
    if not in_um:
        return f"{length:,.0f} px" if length >= 100 else f"{length:.1f} px"
    if length >= _MM_FROM_UM:
        return f"{length / 1000:.3f} mm"
    return f"{length:.0f} µm" if length >= 100 else f"{length:.1f} µm"


def readable_area(area: float, *, in_um: bool) -> str:
    """Return an area as people read it.

    Parameters
    ----------
    area : float
        In square micrometres, or in pixels where the scale is unknown.
    in_um : bool
        Which of the two.

    Examples
    --------
    >>> readable_area(5_000, in_um=True), readable_area(2.5e6, in_um=True)
    ('5,000 µm²', '2.500 mm²')
    """
    if not in_um:
        return f"{area:,.0f} px²"
    if area >= 1e5:
        return f"{area / 1e6:.3f} mm²"
    return f"{area:,.0f} µm²" if area >= 100 else f"{area:.1f} µm²"


def path_length(points: ArrayLike) -> float:
    """Return the length of a line through points, shape (N, 2)."""
    steps = np.diff(np.asarray(points, float), axis=0)
    return float(np.hypot(steps[:, 0], steps[:, 1]).sum())


def polygon_area(points: ArrayLike) -> float:
    """Return the area of a polygon with these corners, shape (N, 2); 0 for a line.

    Examples
    --------
    >>> polygon_area([(0, 0), (0, 4), (3, 4), (3, 0)])
    12.0
    """
    corners = np.asarray(points, float)
    rows, columns = (corners - corners.mean(0)).T
    crossed = rows * np.roll(columns, -1) - columns * np.roll(rows, -1)
    return abs(float(crossed.sum())) / 2


def ellipse_area(corners: ArrayLike) -> float:
    """Return the area of the ellipse in a rectangle given by its corners, (4, 2)."""
    return polygon_area(corners) * float(np.pi) / 4


def describe_position(
    px0: tuple[float, float],
    mpp_yx: tuple[float, float] | None,
    rgb: Sequence[int] | None,
) -> str:
    """Say where the mouse is on a slide and which colour the file has there.

    Parameters
    ----------
    px0 : tuple of float
        Row and column in level-0 pixels, counted from the outer edge.
    mpp_yx : tuple of float or None
        Micrometres per pixel, None where unknown.
    rgb : sequence of int or None
        The pixel as scanned; None while it is being read.

    Examples
    --------
    >>> describe_position((20.5, 10.5), (0.5, 0.5), (226, 160, 190))
    'x 5.2 · y 10.2 µm   pixel 10, 20   RGB 226 160 190'
    """
    row, column = px0
    pixel = f"pixel {int(np.floor(column)):,}, {int(np.floor(row)):,}"
    colour = "…" if rgb is None else " ".join(str(int(value)) for value in rgb)
    parts = [pixel, f"RGB {colour}"]
    if mpp_yx is not None:
        parts.insert(0, f"x {column * mpp_yx[1]:,.1f} · y {row * mpp_yx[0]:,.1f} µm")
    return "   ".join(parts)
