"""Weights from files, never by unpickling code.

Safetensors files hold tensors and text. PyTorch checkpoints are pickles: they are taken
apart without building anything, refused if they ask for more than tensors, plain
containers and the options of a training, and the wanted tensors are then read from
their bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from napari_histossl.errors import WeightsError
from napari_histossl.models._fit import Fit, compare, listed
from napari_histossl.models._header import SAFE_SUFFIX, header_of, open_weights
from napari_histossl.models._reading import read_tensors
from napari_histossl.models.metadata import examine_weights
from napari_histossl.models.registry import ModelSpec, build, model_spec

_LEFT_OUT = ("head.",)
"""DINO's projection head, timm's classifier: of no use outside training. A model whose
published files carry more says so in its ``left_out``."""

_COUNTER = ".num_batches_tracked"
"""Of batch norms; unused here, and not in files of PyTorch before 0.4.1."""


def load_model(path: str | Path) -> tuple[nn.Module, ModelSpec]:
    """Build the model that a file describes and load its weights.

    Parameters
    ----------
    path : str or Path
        A safetensors file written by `save_weights`, or a published file whose model
        can be told from its tensors.

    Returns
    -------
    model : torch.nn.Module
        In evaluation mode.
    spec : ModelSpec
        With the scale and normalisation the weights were trained with.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or it cannot be told which model it is for.
    """
    record = examine_weights(path)
    if record.spec is None:
        raise WeightsError(
            f"{path} does not say which model it is for, and it cannot be told: "
            f"{'; '.join(record.notes)}; name the model as well"
        )
    return load_spec(record.spec, path), record.spec


def load_spec(spec: ModelSpec, path: str | Path) -> nn.Module:
    """Build the model of a spec and load weights, in evaluation mode.

    Raises
    ------
    WeightsError
        As `load_weights`.
    """
    return load_weights(build(spec), path, name=spec.name)


def load_weights(
    model: nn.Module | str,
    path: str | Path,
    *,
    name: str = "",
    fresh: tuple[str, ...] = (),
) -> nn.Module:
    """Load weights into a model.

    Parameters
    ----------
    model : torch.nn.Module or str
        The model, or a registered name from which it is built.
    path : str or Path
        A safetensors file or a PyTorch checkpoint: a state dict, or a training
        checkpoint that holds one under ``teacher``, ``state_dict`` or ``model``.
        The network is found by its keys, whatever prefix they have; what lies outside
        of the prefix, and a projection head, is left out.
    name : str
        What to call the model in messages.
    fresh : tuple of str
        Beginnings of keys that stay as the model has them, whatever the file holds:
        of layers that a training starts anew, such as a classifier of other classes.

    Returns
    -------
    torch.nn.Module
        The model, in evaluation mode.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, holds something else than weights (nothing in
        it is run), holds values that are not finite, or is of another architecture;
        the sentence names what is missing, extra, or of another shape.
    """
    if isinstance(model, str):
        return load_spec(model_spec(model), path)
    tensors, fit = _fitted(model, path, fresh)
    problems = fit.problems()
    if problems:
        raise WeightsError(
            f"{path} does not fit the model {name or type(model).__name__}: "
            f"{'; '.join(problems)}; choose the model that these weights were trained "
            f"with"
        )
    broken = [k for k, v in tensors.items() if not bool(torch.isfinite(v).all())]
    if broken:
        raise WeightsError(
            f"{path} holds values that are not finite in {listed(broken)}; it is of "
            f"no use, fetch or train it again"
        )
    model.load_state_dict(tensors)
    return model.eval()


def fit_of(model: nn.Module | ModelSpec, path: str | Path) -> Fit:
    """Compare the tensors of a file with those of a model, key by key.

    Parameters
    ----------
    model : torch.nn.Module or ModelSpec
        The model.
    path : str or Path
        As `load_weights` takes it.

    Returns
    -------
    Fit
        Without anything missing, extra or of another shape if the file fits.

    Raises
    ------
    WeightsError
        If the file is missing, damaged, or holds something else than weights.
    """
    return _fitted(build(model) if isinstance(model, ModelSpec) else model, path)[1]


def _fitted(
    model: nn.Module, path: str | Path, fresh: tuple[str, ...] = ()
) -> tuple[dict[str, Tensor], Fit]:
    """Return the tensors that are the model's, and how the rest compares."""
    with open_weights(path):  # a missing file is told from a damaged one
        pass
    wanted = model.state_dict()
    tensors = read_tensors(path, wanted)
    for key in [k for k in wanted if k.endswith(_COUNTER)]:
        tensors.setdefault(key, wanted[key])
    if fresh:
        tensors.update({k: v for k, v in wanted.items() if k.startswith(fresh)})
    fit = compare(wanted, tensors, getattr(model, "left_out", _LEFT_OUT))
    return {key: v for key, v in tensors.items() if key not in fit.left_out}, fit


def save_weights(
    model: nn.Module,
    spec: ModelSpec,
    path: str | Path,
    *,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Write weights with all that is needed to run them.

    Parameters
    ----------
    model : torch.nn.Module
        The model of the spec.
    spec : ModelSpec
        Written into the header: model, options, scale, normalisation.
    path : str or Path
        File to write, ending in ``.safetensors``.
    provenance : mapping, optional
        How the weights were made; JSON values.

    Raises
    ------
    WeightsError
        If the name has another suffix or the file cannot be written.
    """
    check_target(path)
    target = Path(path)
    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    partial = target.with_name(target.name + ".partial")
    try:
        save_file(tensors, partial, metadata=header_of(spec, provenance or {}))
        partial.replace(target)
    except (OSError, SafetensorError) as error:
        raise WeightsError(
            f"weights cannot be written to {path} ({error}); choose a folder that "
            f"exists and can be written"
        ) from error


def check_target(path: str | Path) -> None:
    """Refuse a place where weights cannot be written: before a training, not after.

    Raises
    ------
    WeightsError
        If the name has another suffix or its folder does not exist.
    """
    target = Path(path)
    if target.suffix != SAFE_SUFFIX:
        raise WeightsError(
            f"weights are written as {SAFE_SUFFIX}; got {path}: choose a name that "
            f"ends so"
        )
    if not target.parent.is_dir():
        raise WeightsError(
            f"there is no folder {target.parent} to write {target.name} into; make it, "
            f"or choose another one"
        )
