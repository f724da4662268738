"""What a file of weights says about itself, read without torch.

A file written by this package is a safetensors file whose header names the model, its
options, scale and normalisation, and how the weights were made: the file alone is
enough to run it. A published checkpoint says none of this; it is known by its hash, or
its model is told from its tensors' names and shapes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_histossl.errors import WeightsError
from napari_histossl.models._checkpoint import open_checkpoint
from napari_histossl.models._header import (
    is_safetensors,
    open_weights,
    provenance_of,
    read_header,
    spec_from_header,
)
from napari_histossl.models._layout import state_of
from napari_histossl.models._unpickling import Placeholder
from napari_histossl.models.published import published_with_hash
from napari_histossl.models.recognition import recognise
from napari_histossl.models.registry import ModelSpec

_OPTIONS = ("args", "hyper_parameters", "config")
"""Where training scripts keep their options: DINO, Lightning, others."""


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
        The model it is for; None where that cannot be told.
    provenance : mapping
        How the weights were made, as far as the file says; JSON values.
    notes : tuple of str
        What a person should know: what was taken for granted, or why the model cannot
        be told.
    """

    path: str
    sha256: str
    spec: ModelSpec | None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def examine_weights(path: str | Path, *, num_heads: int | None = None) -> WeightsRecord:
    """Hash a file of weights and tell which model it is for; no tensor is loaded.

    Parameters
    ----------
    path : str or Path
        A safetensors file or a PyTorch checkpoint. Nothing in it is run.
    num_heads : int, optional
        Heads of a transformer, which no file but those of this package tells; by
        default DINO's convention of 64 numbers a head.

    Returns
    -------
    WeightsRecord
        With a spec if the file says its model, is a published one, or has the tensors
        of an architecture that is known here.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, not safe, or holds no weights.
    """
    digest = hash_file(path)
    if is_safetensors(path):
        content, text = read_header(path)
        spec = spec_from_header(path, text)
        if spec is not None:
            return WeightsRecord(str(path), digest, spec, provenance_of(text))
        return _recognised(path, digest, content, num_heads)
    with open_checkpoint(path) as checkpoint:
        return _recognised(path, digest, checkpoint.content, num_heads)


def hash_file(path: str | Path) -> str:
    """Return the sha256 of a file, hexadecimal.

    Raises
    ------
    WeightsError
        If the file cannot be read.
    """
    with open_weights(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


# ---- Files that do not say ----


def _recognised(
    path: str | Path, digest: str, content: Any, num_heads: int | None
) -> WeightsRecord:
    """Return the record of a file that was made elsewhere."""
    state, options = state_of(content, path), _options(content)
    known = published_with_hash(digest)
    if known is not None:
        source = {
            "published": known.name,
            "origin": known.origin,
            "licence": known.licence,
        }
        return WeightsRecord(str(path), digest, known.spec, {**source, **options})
    try:
        shapes = {key: tuple(value.shape) for key, value in state.items()}
        spec = recognise(shapes, num_heads)
    except WeightsError as error:
        return WeightsRecord(str(path), digest, None, options, (str(error),))
    spec, note = _normalised(spec, options.get("options", {}))
    return WeightsRecord(str(path), digest, spec, options, (note,))


def _normalised(spec: ModelSpec, options: Mapping[str, Any]) -> tuple[ModelSpec, str]:
    """Return the spec with the normalisation of the options, and what was assumed."""
    mean, std = (_three_numbers(options.get(key)) for key in ("mean", "std"))
    scale = "the scale is not known" if spec.mpp is None else f"{spec.mpp:g} um/px"
    if mean is not None and std is not None:
        note = f"{scale}: of the model {spec.name}, the file does not say it"
        return replace(spec, mean=mean, std=std), note
    return spec, (
        f"the file says neither scale nor normalisation: taken are those of the model "
        f"{spec.name}, {scale}, mean {spec.mean}, deviation {spec.std}"
    )


def _options(content: Any) -> dict[str, Any]:
    """Return epoch and options of a training, as far as they are plain values."""
    if not isinstance(content, Mapping):
        return {}
    said: dict[str, Any] = {}
    for key in _OPTIONS:
        value = content.get(key)
        value = value.state if isinstance(value, Placeholder) else value
        if isinstance(value, Mapping):
            said.update({str(k): v for k, v in value.items() if _is_plain(v)})
    found: dict[str, Any] = {"options": said} if said else {}
    if isinstance(content.get("epoch"), int):
        found["epoch"] = content["epoch"]
    return found


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(item) for item in value)
    return value is None or isinstance(value, str | int | float | bool)


def _three_numbers(values: Any) -> tuple[float, float, float] | None:
    if not isinstance(values, list | tuple) or len(values) != 3:
        return None
    if not all(isinstance(value, int | float) for value in values):
        return None
    return float(values[0]), float(values[1]), float(values[2])
