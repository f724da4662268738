"""Models that a process has loaded: loading one costs more than a batch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from napari_histossl.errors import WeightsError
from napari_histossl.models.metadata import hash_file
from napari_histossl.models.registry import ModelSpec
from napari_histossl.models.weights import load_spec


def loaded_model(spec: ModelSpec, weights: str, sha256: str, device: str) -> Any:
    """Return a model with its weights, the one of before where it is the same.

    Parameters
    ----------
    spec : ModelSpec
        Which model.
    weights : str
        File of its weights.
    sha256 : str
        Hash of the file, hexadecimal.
    device : str
        Where it shall lie, for instance "cpu" or "cuda:0".

    Returns
    -------
    torch.nn.Module
        In evaluation mode; not to be changed.

    Raises
    ------
    WeightsError
        If the weights cannot be read or their content is another one.
    """
    return _load(spec, weights, sha256, device)


# Two: patch model and region model of a hierarchy.
@lru_cache(maxsize=2)
def _load(spec: ModelSpec, weights: str, sha256: str, device: str) -> Any:
    if hash_file(weights) != sha256:
        raise WeightsError(
            f"{weights} has changed since the run was planned: its sha256 is not "
            f"{sha256[:12]}...; plan the run again"
        )
    return load_spec(spec, Path(weights)).to(device)
