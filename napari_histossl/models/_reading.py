"""Tensors out of files, without running anything that is in them."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from napari_histossl.errors import WeightsError
from napari_histossl.models._checkpoint import (
    VALUE_BYTES,
    Checkpoint,
    open_checkpoint,
)
from napari_histossl.models._header import is_safetensors, read_header
from napari_histossl.models._layout import network_in, state_of
from napari_histossl.models._unpickling import Shape


def read_tensors(path: str | Path, wanted: Collection[str]) -> dict[str, Tensor]:
    """Return the tensors of a network in a file, by name, prefixes taken off.

    Parameters
    ----------
    path : str or Path
        A safetensors file or a PyTorch checkpoint. Of a training checkpoint no more
        is read than the network.
    wanted : collection of str
        Keys of the network.

    Raises
    ------
    WeightsError
        If the file cannot be read, is not a file of weights, or is not safe.
    """
    if is_safetensors(path):
        return network_in(_read_safetensors(path), wanted)
    with open_checkpoint(path) as checkpoint:
        shapes = network_in(state_of(checkpoint.content, path), wanted)
        return {key: _tensor(shape, checkpoint) for key, shape in shapes.items()}


def _read_safetensors(path: str | Path) -> dict[str, Tensor]:
    read_header(path)  # says in words what is wrong with most files
    try:
        tensors: dict[str, Tensor] = load_file(path)
    except SafetensorError as error:
        raise WeightsError(
            f"{path} is not a safetensors file, or only a part of one ({error}); "
            f"fetch it again"
        ) from error
    return tensors


def _tensor(shape: Shape, checkpoint: Checkpoint) -> Tensor:
    """Return a tensor from its bytes; PyTorch checks that it lies inside of them."""
    storage = shape.storage
    if storage is None or storage.kind not in VALUE_BYTES:
        raise ValueError(f"tensors of the kind {storage and storage.kind}")
    dtype: torch.dtype = getattr(torch, VALUE_BYTES[storage.kind][0])
    if 0 in shape.shape:
        return torch.empty(shape.shape, dtype=dtype)
    values = torch.frombuffer(bytearray(checkpoint.read(storage)), dtype=dtype)
    return values.as_strided(shape.shape, shape.stride, shape.offset)
