"""What an OME-Zarr folder says about the picture in it: levels, axes, channels.

References
----------
Next-generation file formats, versions 0.4 and 0.5, https://ngff.openmicroscopy.org
(multiscales, omero, image-label).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from napari_histossl.errors import HistoSSLError, SlideOpenError
from napari_histossl.geometry import Level

_SAME_SHARE = 0.05
"""Stated and actual ratios of two levels may differ by so much: shapes are rounded."""


@dataclass(frozen=True, slots=True, eq=False)
class ZarrPicture:
    """A multiscale picture.

    Attributes
    ----------
    name : str
        Name of the folder.
    arrays : tuple of zarr.Array
        One per level, finest first.
    levels : tuple of Level
        Shapes along y and x, and downsamples.
    axes : tuple of str
        Name of each axis of the arrays, "y" and "x" among them.
    channel_names : tuple of str
        As far as they are known.
    is_label : bool
        True for labels.
    mpp_yx : tuple of float or None
        Micrometres per level-0 pixel, where the axes say micrometres.
    """

    name: str
    arrays: tuple[Any, ...]
    levels: tuple[Level, ...]
    axes: tuple[str, ...]
    channel_names: tuple[str, ...]
    is_label: bool
    mpp_yx: tuple[float, float] | None

    @property
    def channel_count(self) -> int:
        """Number of channels; 1 without such an axis."""
        return self.arrays[0].shape[self.axes.index("c")] if "c" in self.axes else 1

    @property
    def is_rgb(self) -> bool:
        """True if three channels of 8 bits are meant as one coloured picture."""
        return (
            not self.is_label
            and self.channel_count == 3
            and self.arrays[0].dtype == np.uint8
        )


def open_picture(address: str | Path) -> ZarrPicture:
    """Read what an OME-Zarr says about itself.

    Parameters
    ----------
    address : str or Path
        Folder, or http(s) address of one.

    Returns
    -------
    ZarrPicture
        Its arrays, scale and kind.

    Raises
    ------
    SlideOpenError
        If there is no OME-Zarr of version 0.4 or 0.5, or a damaged one.
    """
    group = _open_group(address)
    attributes = dict(group.attrs)
    facts = attributes.get("ome", attributes)
    try:
        return _picture(str(address), group, facts)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise SlideOpenError(
            f"{address} is a zarr folder, but not a picture in OME-Zarr 0.4 or 0.5 "
            f"({type(error).__name__}: {error}); expected multiscales with the axes y "
            f"and x"
        ) from error


def _open_group(address: str | Path) -> Any:
    import zarr

    store: Any = address
    if is_url(address):
        from napari_histossl.slide._tile_http import HttpStore

        store = HttpStore(str(address))
    elif not Path(address).is_dir():
        raise SlideOpenError(
            f"{address} is no folder; expected a folder in OME-Zarr format"
        )
    try:
        return zarr.open_group(store, mode="r")
    except HistoSSLError as error:
        raise SlideOpenError(str(error)) from error
    except (OSError, ValueError, KeyError) as error:
        raise SlideOpenError(
            f"{address} cannot be opened as a zarr folder ({error}); expected OME-Zarr "
            f"0.4 or 0.5"
        ) from error


def is_url(address: str | Path) -> bool:
    """Return True for an address on the web."""
    return str(address).startswith(("http://", "https://"))


def _picture(address: str, group: Any, facts: Mapping[str, Any]) -> ZarrPicture:
    multiscale = facts["multiscales"][0]
    axes = tuple(_axis_name(axis) for axis in multiscale["axes"])
    datasets = multiscale["datasets"]
    arrays = tuple(group[dataset["path"]] for dataset in datasets)
    y, x = axes.index("y"), axes.index("x")
    shapes = [(array.shape[y], array.shape[x]) for array in arrays]
    scales = [_scale(dataset, len(axes)) for dataset in datasets]
    levels = tuple(
        Level(shape, _downsample(shapes[0], shape, scales[0], scale, (y, x)))
        for shape, scale in zip(shapes, scales, strict=True)
    )
    return ZarrPicture(
        name=address.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1],
        arrays=arrays,
        levels=levels,
        axes=axes,
        channel_names=_channel_names(facts),
        is_label="image-label" in facts,
        mpp_yx=_mpp_yx(multiscale["axes"], scales[0], (y, x)),
    )


def _axis_name(axis: Any) -> str:
    return str(axis["name"] if isinstance(axis, Mapping) else axis)


def _scale(dataset: Mapping[str, Any], count: int) -> list[float]:
    for step in dataset.get("coordinateTransformations", ()):
        if step.get("type") == "scale" and len(step.get("scale", ())) == count:
            return [float(value) for value in step["scale"]]
    return [1.0] * count


def _downsample(
    shape0: tuple[int, int],
    shape: tuple[int, int],
    scale0: list[float],
    scale: list[float],
    yx: tuple[int, int],
) -> float:
    """Take what the file states where shapes bear it out: they are rounded."""
    actual = [shape0[i] / shape[i] for i in range(2)]
    stated = [scale[axis] / scale0[axis] for axis in yx]
    rounding = [actual[i] / shape[i] for i in range(2)]
    fits = all(
        abs(stated[i] - actual[i]) <= _SAME_SHARE * actual[i] + rounding[i]
        for i in range(2)
    )
    return max(1.0, sum(stated if fits else actual) / 2)


def _channel_names(facts: Mapping[str, Any]) -> tuple[str, ...]:
    channels = facts.get("omero", {}).get("channels", ())
    return tuple(str(channel.get("label", "")) for channel in channels)


def _mpp_yx(
    axes: Any, scale: list[float], yx: tuple[int, int]
) -> tuple[float, float] | None:
    units = [axes[i].get("unit") if isinstance(axes[i], Mapping) else None for i in yx]
    if units == ["micrometer", "micrometer"] and min(scale[i] for i in yx) > 0:
        return scale[yx[0]], scale[yx[1]]
    return None
