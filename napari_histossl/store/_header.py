"""What a pyramid knows about itself beside its pixels, to and from zarr attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from napari_histossl.classes import ClassTable
from napari_histossl.errors import StoreError
from napari_histossl.store import _ngff

_OURS = "histossl"
"""Attribute of the group that holds what OME-Zarr has no place for."""

_AXES = (("y", "x"), ("c", "y", "x"))
"""Axes that a pyramid may have."""


@dataclass(frozen=True, slots=True)
class Header:
    """Facts of a pyramid; `Pyramid.create` says what each means."""

    axes: tuple[str, ...]
    pixel_um_yx: tuple[float, float] | None = None
    pixel_px0_yx: tuple[float, float] | None = None
    origin_um_yx: tuple[float, float] = (0.0, 0.0)
    channel_names: tuple[str, ...] = ()
    reducer: str = "mean"
    provenance: Mapping[str, Any] = field(default_factory=dict)
    is_label: bool = False
    classes: ClassTable | None = None

    def refuse_misfit(self, shape: Sequence[int]) -> None:
        """Refuse axes, shapes and names that do not fit one another.

        Raises
        ------
        StoreError
            If they do not.
        """
        if self.axes not in _AXES or len(shape) != len(self.axes) or min(shape) < 1:
            raise StoreError(
                f"a pyramid has axes y, x or c, y, x and a shape of at least one pixel "
                f"to match; got axes {self.axes} and shape {tuple(shape)}"
            )
        names = len(self.channel_names)
        if names and (len(shape) < 3 or names != shape[0]):
            raise StoreError(
                f"a pyramid has one name per channel; got {names} names for shape "
                f"{tuple(shape)}"
            )

    def first_centre(self) -> tuple[float, float]:
        """Return the centre of the first pixel where that of the slide's is at 0.

        Without knowing how many slide pixels a pixel is, they are taken for equal.
        """
        size_yx = self.pixel_um_yx or self.pixel_px0_yx or (1.0, 1.0)
        pixels0_yx = self.pixel_px0_yx or (1.0, 1.0)
        y, x = (
            start + (size - size / pixels0) / 2
            for start, size, pixels0 in zip(
                self.origin_um_yx, size_yx, pixels0_yx, strict=True
            )
        )
        return y, x

    def to_attributes(self, name: str, level_count: int) -> dict[str, Any]:
        """Return the attributes of the group."""
        own: dict[str, Any] = {
            "provenance": dict(self.provenance),
            "origin_um_yx": list(self.origin_um_yx),
            "reducer": self.reducer,
            "is_label": self.is_label,
        }
        if self.classes is not None:
            own["classes"] = self.classes.to_json()
        if self.pixel_px0_yx is not None:
            own["pixel_px0_yx"] = list(self.pixel_px0_yx)
        ome = _ngff.attributes(
            name=name,
            axes=self.axes,
            downsamples=[2**level for level in range(level_count)],
            pixel_um_yx=self.pixel_um_yx or self.pixel_px0_yx,
            is_in_um=self.pixel_um_yx is not None,
            translation_yx=self.first_centre(),
            method=self.reducer,
            channel_names=self.channel_names,
            classes=self.classes,
            is_label=self.is_label,
        )
        return {"ome": ome, _OURS: own}

    @classmethod
    def from_attributes(cls, path: Path, attributes: Mapping[str, Any]) -> Header:
        """Read the attributes of a group, also those that others wrote.

        Raises
        ------
        StoreError
            If they are of a newer version, or not those of a pyramid with axes y, x or
            c, y, x.
        """
        version = _ngff.newer_version(attributes)
        if version is not None:
            raise StoreError(
                f"{path} is an OME-Zarr of version {version}, this program knows 0.4 "
                f"and 0.5; open it with a newer napari-histossl"
            )
        found = _ngff.multiscale(attributes)
        axes = tuple(axis.get("name") for axis in found["axes"]) if found else ()
        if found is None or axes not in _AXES:
            raise StoreError(
                f"{path} is not a pyramid that can be shown (axes {axes}); expected an "
                f"OME-Zarr with axes y, x or c, y, x"
            )
        own: Mapping[str, Any] = attributes.get(_OURS, {})
        classes = own.get("classes")
        return cls(
            axes=axes,
            pixel_um_yx=_ngff.pixel_um_yx(found),
            pixel_px0_yx=_pair(own.get("pixel_px0_yx")),
            origin_um_yx=_pair(own.get("origin_um_yx")) or (0.0, 0.0),
            channel_names=_ngff.channel_names(attributes),
            reducer=str(own.get("reducer", "callable")),
            provenance=dict(own.get("provenance", {})),
            is_label=bool(own.get("is_label", _ngff.is_label(attributes))),
            classes=None if classes is None else ClassTable.from_json(classes),
        )


def _pair(values: Sequence[float] | None) -> tuple[float, float] | None:
    return None if values is None else (float(values[0]), float(values[1]))
