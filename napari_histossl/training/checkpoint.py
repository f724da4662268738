"""Unfinished trainings on disk."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from napari_histossl.errors import WeightsError


def write_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values; a kill leaves the old file or the new one.

    Raises
    ------
    WeightsError
        If the file cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        torch.save(state, partial)
        partial.replace(path)
    except (OSError, RuntimeError) as error:
        raise WeightsError(
            f"the checkpoint {path} cannot be written ({error}); free some space or "
            f"choose another folder, then give the same command again"
        ) from error


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `write_checkpoint` wrote; nothing in the file is run.

    Raises
    ------
    WeightsError
        If the file is damaged or is something else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        return dict(state)
    except (pickle.UnpicklingError, RuntimeError, EOFError, TypeError, ValueError) as e:
        raise WeightsError(
            f"{path} is not a checkpoint of this training, or is damaged; delete it or "
            f"start anew with --overwrite"
        ) from e
