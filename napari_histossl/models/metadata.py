"""What a file of weights says about itself, read without torch.

A file written by this package is a safetensors file whose header names the model, its
options, scale and normalisation, and how the weights were made: the file alone is
enough to run it. A PyTorch checkpoint says none of this; its model must be named.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_histossl.errors import ModelError, WeightsError
from napari_histossl.models.registry import ModelSpec, model_spec

SAFE_SUFFIX = ".safetensors"
"""Suffix of files whose header can be read here; others are PyTorch checkpoints."""

_KEY = "histossl"
"""The only text entry written: the order of several is not fixed in the format's
library, and equal weights should make equal files."""

_LARGEST_HEADER_BYTES = 100_000_000
"""The limit of the safetensors format itself."""


@dataclass(frozen=True, slots=True)
class WeightsRecord:
    """A file of weights: where it is, what it holds.

    Attributes
    ----------
    path : str
        Where the file is.
    sha256 : str
        Hash of its content, hexadecimal.
    spec : ModelSpec or None
        The model it says it is for; None where the file does not say.
    provenance : mapping
        How the weights were made, as far as the file says; JSON values.
    """

    path: str
    sha256: str
    spec: ModelSpec | None
    provenance: Mapping[str, Any] = field(default_factory=dict)


def examine_weights(path: str | Path) -> WeightsRecord:
    """Hash a file of weights and read its header; tensors are not loaded.

    Parameters
    ----------
    path : str or Path
        A safetensors file or a PyTorch checkpoint.

    Returns
    -------
    WeightsRecord
        With a spec if the file was written by this package.

    Raises
    ------
    WeightsError
        If the file is missing or its header is damaged.
    """
    digest = hash_file(path)
    header = read_header(path) if Path(path).suffix == SAFE_SUFFIX else {}
    return WeightsRecord(
        str(path), digest, spec_from_header(path, header), _provenance(header)
    )


def hash_file(path: str | Path) -> str:
    """Return the sha256 of a file, hexadecimal.

    Raises
    ------
    WeightsError
        If the file cannot be read.
    """
    try:
        with Path(path).open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise WeightsError(
            f"weights {path} cannot be read ({error.strerror}); give the path of a "
            f".safetensors file or of a PyTorch checkpoint"
        ) from error


def read_header(path: str | Path) -> dict[str, str]:
    """Return the text metadata of a safetensors file.

    Raises
    ------
    WeightsError
        If the file is not a safetensors file.
    """
    try:
        with Path(path).open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(min(length, _LARGEST_HEADER_BYTES)))
        return dict(header.get("__metadata__", {}))
    except (struct.error, ValueError, AttributeError, TypeError) as error:
        raise WeightsError(
            f"{path} is not a safetensors file, or is damaged ({error}); fetch it again"
        ) from error


def spec_from_header(path: str | Path, header: Mapping[str, str]) -> ModelSpec | None:
    """Return the model that a header names, or None where it names none.

    Raises
    ------
    WeightsError
        If it names a model that this version does not have.
    """
    if _KEY not in header:
        return None
    try:
        said = json.loads(header[_KEY])["model"]
        spec = model_spec(said["name"], **said["config"])
        return replace(
            spec,
            tile_px=int(said["tile_px"]),
            mpp=None if said["mpp"] is None else float(said["mpp"]),
            mean=_three(said["mean"]),
            std=_three(said["std"]),
        )
    except (ValueError, KeyError, TypeError, ModelError) as error:
        raise WeightsError(
            f"{path} names a model that this version cannot build: {error}"
        ) from error


def header_of(spec: ModelSpec, provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return the text metadata that `spec_from_header` reads."""
    said = {
        "name": spec.name,
        "config": dict(spec.config),
        "tile_px": spec.tile_px,
        "mpp": spec.mpp,
        "mean": spec.mean,
        "std": spec.std,
    }
    return {_KEY: json.dumps({"model": said, "provenance": dict(provenance)})}


def _provenance(header: Mapping[str, str]) -> dict[str, Any]:
    try:
        return dict(json.loads(header[_KEY])["provenance"])
    except (ValueError, TypeError, KeyError):
        return {}


def _three(values: Any) -> tuple[float, float, float]:
    first, second, third = values
    return float(first), float(second), float(third)
