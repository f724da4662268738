"""Tensors out of files, without running anything that is in them."""

from __future__ import annotations

import argparse
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from napari_histossl.errors import WeightsError
from napari_histossl.models.metadata import SAFE_SUFFIX, hash_file

_STATE_KEYS = ("teacher", "state_dict", "model", "student")
"""Where checkpoints keep their tensors, the one that is used first: DINO's teacher."""

_PREFIXES = ("module.", "backbone.")
"""Written by data-parallel training and by DINO's multi-crop wrapper."""


def read_tensors(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, prefixes taken off.

    Raises
    ------
    WeightsError
        If the file cannot be read, is not a file of weights, or is not safe.
    """
    hash_file(path)
    if Path(path).suffix == SAFE_SUFFIX:
        found = _read_safetensors(path)
    else:
        found = _state_dict(_read_checkpoint(path), path)
    return {_without_prefixes(key): value for key, value in found.items()}


def _read_safetensors(path: str | Path) -> dict[str, Tensor]:
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise WeightsError(
            f"{path} is not a safetensors file, or only a part of one ({error}); "
            f"fetch it again"
        ) from error
    return tensors


def _read_checkpoint(path: str | Path) -> Any:
    try:
        with torch.serialization.safe_globals([argparse.Namespace]):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsError(
            f"{path} is not a checkpoint of weights alone, and was not run: "
            f"{_first_sentence(error)}; ask for a .safetensors file or a plain state "
            f"dict"
        ) from error
    except (
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        OSError,
        zipfile.BadZipFile,
    ) as error:
        raise WeightsError(
            f"{path} is not a PyTorch checkpoint, or only a part of one "
            f"({_first_sentence(error)}); fetch it again"
        ) from error


def _first_sentence(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text.split(". ")[0][:160] or type(error).__name__


def _state_dict(checkpoint: Any, path: str | Path) -> dict[str, Tensor]:
    """Return the state dict that a checkpoint is or holds."""
    candidates = [checkpoint]
    if isinstance(checkpoint, Mapping):
        candidates = [checkpoint[k] for k in _STATE_KEYS if k in checkpoint]
        candidates.append(checkpoint)
    for candidate in candidates:
        if _is_state_dict(candidate):
            return dict(candidate)
    raise WeightsError(
        f"{path} holds no state dict: got {type(checkpoint).__name__}, expected "
        f"tensors by name, or a dict with one of {', '.join(_STATE_KEYS)}"
    )


def _is_state_dict(candidate: Any) -> bool:
    return (
        isinstance(candidate, Mapping)
        and len(candidate) > 0
        and all(isinstance(key, str) for key in candidate)
        and all(isinstance(value, Tensor) for value in candidate.values())
    )


def _without_prefixes(key: str) -> str:
    for prefix in _PREFIXES:
        key = key.removeprefix(prefix)
    return key
