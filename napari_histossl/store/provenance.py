"""What made an array: the record that every written pyramid carries."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Protocol

from napari_histossl.store.paths import NamedSource

_VERSIONED = ("napari-histossl", "numpy", "zarr", "openslide-python", "tifffile")
"""Packages whose versions are written down; torch where it is in use."""


class _Fingerprinted(NamedSource, Protocol):
    @property
    def fingerprint(self) -> str: ...


class DescribedSlide(Protocol):
    """What is asked of a slide here."""

    @property
    def source(self) -> _Fingerprinted:
        """Record with a name and a fingerprint."""

    @property
    def mpp_yx(self) -> tuple[float, float] | None:
        """Micrometres per level-0 pixel."""


def describe(
    slide: DescribedSlide | None = None,
    *,
    model: str | None = None,
    weights_sha256: str | None = None,
    parameters: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Describe how a result came about.

    Parameters
    ----------
    slide : Slide, optional
        From what it was made: name, fingerprint and scale are written down.
    model : str, optional
        Name of the model, or of the method.
    weights_sha256 : str, optional
        Hash of the weights.
    parameters : mapping, optional
        All choices, as JSON can hold them.

    Returns
    -------
    dict
        slide, model, weights_sha256, parameters, versions and date (UTC, ISO 8601).
    """
    return {
        "slide": None if slide is None else _slide(slide),
        "model": model,
        "weights_sha256": weights_sha256,
        "parameters": dict(parameters or {}),
        "versions": _versions(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _slide(slide: DescribedSlide) -> dict[str, Any]:
    return {
        "name": slide.source.name,
        "fingerprint": slide.source.fingerprint,
        "mpp_yx": None if slide.mpp_yx is None else list(slide.mpp_yx),
    }


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    names = [*_VERSIONED, *(["torch"] if "torch" in sys.modules else [])]
    for name in names:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:  # run from a source tree
            versions[name] = "unknown"
    return versions
