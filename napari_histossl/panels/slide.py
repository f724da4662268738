"""The Slide page without a window: facts in words, magnifications as zooms."""

from __future__ import annotations

from napari_histossl.slide import Slide

_UM_AT_ONE_POWER = 10.0
"""Micrometres a pixel at 1 x: by convention 40 x is 0.25 um/px."""


def magnification_zoom(power: float) -> float:
    """Return the screen pixels per micrometre of a magnification.

    Parameters
    ----------
    power : float
        Objective magnification that the picture should look like, above 0.

    Examples
    --------
    >>> magnification_zoom(20)
    2.0
    """
    return power / _UM_AT_ONE_POWER


def describe_slide(slide: Slide) -> dict[str, str]:
    """Return what a person wants to know about a slide, in reading order."""
    height, width = slide.levels[0].shape
    facts = {"Name": slide.source.name, "Size": f"{width:,} × {height:,} px"}
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
    for key, name in (("openslide.vendor", "Scanner"), ("format", "Format")):
        if key in slide.properties:
            facts[name] = slide.properties[key]
    return facts
