"""The header of a safetensors file: tensors by name, and which model they are for."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import Any

from napari_histossl.classes import ClassTable
from napari_histossl.errors import ClassTableError, ModelError, WeightsError
from napari_histossl.models._unpickling import Shape
from napari_histossl.models.registry import ModelSpec, model_spec

SAFE_SUFFIX = ".safetensors"
"""Suffix of files that hold tensors and text alone; others are PyTorch checkpoints."""

_KEY = "histossl"
"""The only text entry written: the order of several is not fixed in the format's
library, and equal weights should make equal files."""

_LARGEST_HEADER_BYTES = 100_000_000
"""The limit of the safetensors format itself."""


def is_safetensors(path: str | Path) -> bool:
    """Return whether a file is one of tensors and text alone, by its name."""
    return Path(path).suffix == SAFE_SUFFIX


@contextmanager
def open_weights(path: str | Path) -> Iterator[BufferedReader]:
    """Open a file of weights to read its bytes.

    Raises
    ------
    WeightsError
        If the file cannot be read.
    """
    try:
        with Path(path).open("rb") as stream:
            yield stream
    except OSError as error:
        raise WeightsError(
            f"weights {path} cannot be read ({error.strerror}); give the path of a "
            f".safetensors file or of a PyTorch checkpoint"
        ) from error


def read_header(path: str | Path) -> tuple[dict[str, Shape], dict[str, str]]:
    """Return the shapes and the text of a safetensors file.

    Raises
    ------
    WeightsError
        If the file is not a safetensors file, or not the whole of one.
    """
    try:
        with open_weights(path) as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            header = json.loads(stream.read(min(length, _LARGEST_HEADER_BYTES)))
        text = dict(header.pop("__metadata__", {}))
        shapes = {key: Shape(tuple(said["shape"])) for key, said in header.items()}
        end = max((said["data_offsets"][1] for said in header.values()), default=0)
    except WeightsError:
        raise
    except (struct.error, ValueError, AttributeError, TypeError, LookupError) as error:
        raise WeightsError(
            f"{path} is not a safetensors file, or is damaged ({error}); fetch it again"
        ) from error
    missing = 8 + length + end - Path(path).stat().st_size
    if missing > 0:
        raise WeightsError(
            f"{path} is only a part of a safetensors file: {missing:,} bytes are "
            f"missing; fetch it again"
        )
    return shapes, text


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
            classes=_classes(said.get("classes"), spec),
            recipe=str(said.get("recipe", "")),
            tile_px=int(said["tile_px"]),
            mpp=None if said["mpp"] is None else float(said["mpp"]),
            mean=_three(said["mean"]),
            std=_three(said["std"]),
        )
    except (ValueError, KeyError, TypeError, ModelError, ClassTableError) as error:
        raise WeightsError(
            f"{path} names a model that this version cannot build: {error}"
        ) from error


def header_of(spec: ModelSpec, provenance: Mapping[str, Any]) -> dict[str, str]:
    """Return the text that `spec_from_header` reads."""
    said: dict[str, Any] = {
        "name": spec.name,
        "config": dict(spec.config),
        "tile_px": spec.tile_px,
        "mpp": spec.mpp,
        "mean": spec.mean,
        "std": spec.std,
    }
    if spec.classes is not None:
        said["classes"] = spec.classes.to_json()
    if spec.recipe:
        said["recipe"] = spec.recipe
    return {_KEY: json.dumps({"model": said, "provenance": dict(provenance)})}


def provenance_of(header: Mapping[str, str]) -> dict[str, Any]:
    """Return how the weights were made, as far as the text says."""
    try:
        return dict(json.loads(header[_KEY])["provenance"])
    except (ValueError, TypeError, KeyError):
        return {}


def _classes(rows: Any, spec: ModelSpec) -> ClassTable | None:
    """Return the classes of the logits, as many as there are."""
    if rows is None:
        return None
    classes = ClassTable.from_json(rows)
    if len(classes) != spec.n_classes:
        raise ModelError(
            f"it has {spec.n_classes} logits and names {len(classes)} classes"
        )
    return classes


def _three(values: Any) -> tuple[float, float, float]:
    first, second, third = values
    return float(first), float(second), float(third)
