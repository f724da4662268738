"""Metadata of OME-Zarr 0.5: what a pyramid says about itself, and how to read it.

References
----------
Next-generation file formats, version 0.5, https://ngff.openmicroscopy.org/0.5/
(multiscales, omero, image-label).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from napari_histossl.classes import ClassTable

VERSION = "0.5"

_READ = ("0.4", "0.5")
"""Versions that are understood; what comes after 0.5 places its axes in other ways."""

_HEAD_COLOUR = "FF8C00"
"""Colour of a channel in programs that show channels added up."""


def attributes(
    *,
    name: str,
    axes: Sequence[str],
    downsamples: Sequence[int],
    pixel_um_yx: tuple[float, float] | None,
    is_in_um: bool,
    translation_yx: tuple[float, float],
    method: str,
    channel_names: Sequence[str],
    classes: ClassTable | None,
    is_label: bool,
) -> dict[str, Any]:
    """Return the ``ome`` attribute of a pyramid's group.

    Parameters
    ----------
    name : str
        Name of the picture.
    axes : sequence of str
        "c", "y", "x" or "y", "x".
    downsamples : sequence of int
        Level-0 pixels per pixel of each level.
    pixel_um_yx : tuple of float or None
        Size of a level-0 pixel in micrometres, or in slide pixels; None for 1.
    is_in_um : bool
        True if sizes are micrometres: then the axes say so.
    translation_yx : tuple of float
        Centre of the first level-0 pixel, in the same unit.
    method : str
        How coarser levels are made.
    channel_names : sequence of str
        One per channel, or none.
    classes : ClassTable or None
        Colours and names of labels.
    is_label : bool
        True for labels.

    Returns
    -------
    dict
        As the specification wants it.
    """
    datasets = [
        {
            "path": str(level),
            "coordinateTransformations": _transformations(
                axes, downsample, pixel_um_yx or (1.0, 1.0), translation_yx
            ),
        }
        for level, downsample in enumerate(downsamples)
    ]
    ome: dict[str, Any] = {
        "version": VERSION,
        "multiscales": [
            {
                "name": name,
                "axes": [_axis(axis, is_in_um) for axis in axes],
                "datasets": datasets,
                "type": method,
            }
        ],
    }
    if channel_names:
        ome["omero"] = {"channels": [_channel(label) for label in channel_names]}
    if is_label:
        ome["image-label"] = _image_label(classes)
    return ome


def _transformations(
    axes: Sequence[str],
    downsample: int,
    pixel_um_yx: tuple[float, float],
    first_um_yx: tuple[float, float],
) -> list[dict[str, Any]]:
    others = [1.0] * (len(axes) - 2)
    scale = [pixel * downsample for pixel in pixel_um_yx]
    # a coarse pixel's centre lies in the middle of the pixels that it covers
    translation = [
        first + (downsample - 1) / 2 * pixel
        for first, pixel in zip(first_um_yx, pixel_um_yx, strict=True)
    ]
    return [
        {"type": "scale", "scale": [*others, *scale]},
        {"type": "translation", "translation": [0.0] * len(others) + translation},
    ]


def _axis(name: str, in_um: bool) -> dict[str, str]:
    if name == "c":
        return {"name": "c", "type": "channel"}
    axis = {"name": name, "type": "space"}
    return {**axis, "unit": "micrometer"} if in_um else axis


def _channel(label: str) -> dict[str, Any]:
    window = {"min": 0.0, "max": 1.0, "start": 0.0, "end": 1.0}
    return {"label": label, "color": _HEAD_COLOUR, "window": window, "active": True}


def _image_label(classes: ClassTable | None) -> dict[str, Any]:
    colours = [
        {"label-value": info.index, "rgba": [*info.colour, 255]}
        for info in classes or ()
    ]
    names = [{"label-value": info.index, "class": info.name} for info in classes or ()]
    return {"colors": colours, "properties": names} if classes else {}


def multiscale(group_attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the first multiscale of a group, of OME-Zarr 0.5 or 0.4, or None."""
    ome = group_attributes.get("ome", group_attributes)
    found = ome.get("multiscales") if isinstance(ome, Mapping) else None
    return found[0] if isinstance(found, list) and found else None


def newer_version(group_attributes: Mapping[str, Any]) -> str | None:
    """Return the version of a group that is not understood here, else None."""
    ome = group_attributes.get("ome")
    version = str(ome.get("version", VERSION)) if isinstance(ome, Mapping) else VERSION
    return None if version in _READ else version


def pixel_um_yx(found: Mapping[str, Any]) -> tuple[float, float] | None:
    """Return the size of a level-0 pixel, or None where its unit is not known."""
    axes = found["axes"][-2:]
    if any(axis.get("unit") != "micrometer" for axis in axes):
        return None
    for transformation in found["datasets"][0]["coordinateTransformations"]:
        if transformation["type"] == "scale":
            height, width = transformation["scale"][-2:]
            return float(height), float(width)
    return None


def is_label(group_attributes: Mapping[str, Any]) -> bool:
    """Tell whether a group says that its pixels are labels."""
    ome = group_attributes.get("ome", group_attributes)
    return "image-label" in ome


def channel_names(group_attributes: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the labels of the channels, or none."""
    ome = group_attributes.get("ome", group_attributes)
    channels = ome.get("omero", {}).get("channels", [])
    return tuple(str(channel.get("label", "")) for channel in channels)
