"""How large a pixel is, from what files say; never guessed."""

from __future__ import annotations

import math
from typing import Any

from napari_histossl.errors import GeometryError

LARGEST_TAG_MPP = 20.0
"""Resolution tags above this many micrometres per pixel speak of screens or paper.

72, 96, 150, 300 and 600 dots per inch are 353, 265, 169, 85 and 42 um: defaults of
picture programs. No microscope's overview is that coarse.
"""

UNITS_UM = {
    "m": 1e6,
    "cm": 1e4,
    "mm": 1e3,
    "\N{MICRO SIGN}m": 1.0,
    "\N{GREEK SMALL LETTER MU}m": 1.0,
    "um": 1.0,
    "micron": 1.0,
    "micrometer": 1.0,
    "nm": 1e-3,
    "inch": 25400.0,
}
"""Micrometres in one unit, by the names that OME and ImageJ write."""


def pair_of_mpp(mpp: float | tuple[float, float]) -> tuple[float, float]:
    """Return a scale that a person gave as (along rows, along columns).

    Raises
    ------
    GeometryError
        If it is not one or two positive numbers.
    """
    try:
        mpp_y, mpp_x = mpp if isinstance(mpp, tuple | list) else (mpp, mpp)
        pair = checked_mpp(float(mpp_y), float(mpp_x))
    except (TypeError, ValueError):
        pair = None
    if pair is None:
        raise GeometryError(
            f"micrometres per pixel are one positive number or two (rows, columns); "
            f"got {mpp!r}"
        )
    return pair


def checked_mpp(mpp_y: float | None, mpp_x: float | None) -> tuple[float, float] | None:
    """Return the pair where both are positive numbers, else None."""
    if mpp_y is None or mpp_x is None:
        return None
    if not all(math.isfinite(value) and value > 0 for value in (mpp_y, mpp_x)):
        return None
    return mpp_y, mpp_x


def from_text(text: str | None) -> float | None:
    """Return the number in a property, or None where there is none."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def from_ome(xml: str) -> tuple[float, float] | None:
    """Return the scale that OME-XML states in its first Pixels element.

    Parameters
    ----------
    xml : str
        The description of the first page of an OME-TIFF.

    Returns
    -------
    tuple of float or None
        Micrometres per pixel (rows, columns).
    """
    from xml.etree import ElementTree

    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        return None  # OME-XML has neither; entities are how XML bombs are made
    try:
        root = ElementTree.fromstring(xml)  # noqa: S314
    except ElementTree.ParseError:
        return None
    pixels = next(
        (e for e in root.iter() if e.tag.rpartition("}")[2] == "Pixels"), None
    )
    if pixels is None:
        return None
    sizes = []
    for axis in ("Y", "X"):
        number = from_text(pixels.get(f"PhysicalSize{axis}"))
        unit = UNITS_UM.get(pixels.get(f"PhysicalSize{axis}Unit", "um"))
        sizes.append(None if number is None or unit is None else number * unit)
    return checked_mpp(*sizes)


def from_resolution(page: Any) -> tuple[float, float] | None:
    """Return the scale of a TIFF page's resolution tags.

    Parameters
    ----------
    page : tifffile.TiffPage
        A page with XResolution, YResolution and ResolutionUnit, or without.

    Returns
    -------
    tuple of float or None
        Micrometres per pixel (rows, columns); None where the tags are missing, have
        no unit, or speak of a screen or paper.
    """
    tags = page.tags
    unit = tags.valueof("ResolutionUnit", 2)
    um = {2: 25400.0, 3: 1e4}.get(int(unit))
    sizes: list[float | None] = []
    for name in ("YResolution", "XResolution"):
        value = tags.valueof(name)
        if um is None or value is None or value[0] == 0 or value[1] == 0:
            return None
        sizes.append(um * value[1] / value[0])
    pair = checked_mpp(*sizes)
    return pair if pair is not None and max(pair) <= LARGEST_TAG_MPP else None
