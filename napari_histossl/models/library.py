"""Weights that a person has gathered, in one folder, each a file that says all.

A published file is read once, safely, and written again as tensors and text with what
is known about it: model, scale, normalisation, licence, where it came from. What is in
the folder can be used by name, by the window and from a shell.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from napari_histossl.errors import WeightsError
from napari_histossl.models._header import (
    SAFE_SUFFIX,
    provenance_of,
    read_header,
    spec_from_header,
)
from napari_histossl.models.metadata import WeightsRecord, examine_weights
from napari_histossl.models.published import PublishedModel
from napari_histossl.models.registry import ModelSpec, model_spec

FOLDER_VARIABLE = "NAPARI_HISTOSSL_WEIGHTS"
"""Environment variable that names another folder, for instance one that is shared."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]*")
"""Names that are file names everywhere."""


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """Weights in the folder.

    Attributes
    ----------
    name : str
        What a person calls them; the name of the file without its suffix.
    path : Path
        The file.
    spec : ModelSpec or None
        Model, scale, normalisation; None for a file that cannot be used.
    provenance : mapping
        How they were made and where they came from; JSON values.
    problem : str
        Why the file cannot be used; else empty.
    """

    name: str
    path: Path
    spec: ModelSpec | None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    problem: str = ""


def weights_folder() -> Path:
    """Return the folder of a person's weights; it need not exist.

    Returns
    -------
    Path
        What the environment variable `FOLDER_VARIABLE` says, else a folder of the
        system's place for data of programs.
    """
    said = os.environ.get(FOLDER_VARIABLE)
    if said:
        return Path(said).expanduser()
    home = Path.home()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local"))
    elif sys.platform == "darwin":
        base = home / "Library" / "Application Support"
    else:
        base = Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share")
    return base / "napari-histossl" / "weights"


def list_weights(folder: Path | None = None) -> tuple[StoredWeights, ...]:
    """Return all weights of the folder, by name; reads headers alone.

    Parameters
    ----------
    folder : Path, optional
        By default `weights_folder`.

    Returns
    -------
    tuple of StoredWeights
        Files that cannot be used among them, with the reason.
    """
    paths = (folder or weights_folder()).glob(f"*{SAFE_SUFFIX}")
    return tuple(map(_stored, sorted(paths, key=lambda path: path.name.lower())))


def find_weights(name: str | Path, folder: Path | None = None) -> Path:
    """Return the file that a person means: a path, or a name in the folder.

    Parameters
    ----------
    name : str or Path
        A file, or one of `list_weights`.
    folder : Path, optional
        By default `weights_folder`.

    Raises
    ------
    WeightsError
        If there is neither; the sentence names what there is.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    if path.name != str(name):
        raise WeightsError(
            f"weights {path} cannot be read: there is no such file; give a file of "
            f"weights, or a name of `napari-histossl weights list`"
        )
    stored = (folder or weights_folder()) / f"{name}{SAFE_SUFFIX}"
    if stored.is_file():
        return stored
    names = [entry.name for entry in list_weights(folder)]
    raise WeightsError(
        f"there are no weights {str(name)!r}: it is no file, and none of those added "
        f"({', '.join(names) or 'there are none yet'}); add a file with "
        f"`napari-histossl weights add FILE`"
    )


def spec_for(
    record: WeightsRecord,
    *,
    model: str = "",
    published: PublishedModel | None = None,
    mpp: float | None = None,
    normalisation: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
) -> ModelSpec:
    """Return the model of a file, with what a person says in place of what it says.

    Parameters
    ----------
    record : WeightsRecord
        What the file says.
    model : str
        A registered name, for a file whose model cannot be told.
    published : PublishedModel, optional
        The published model that the file is.
    mpp : float, optional
        Micrometres per pixel it was trained at.
    normalisation : tuple of tuple of float, optional
        Mean and deviation of RGB in [0, 1], three numbers each.

    Raises
    ------
    WeightsError
        If the model is not known.
    ModelError
        If there is no model of the name.
    """
    spec = record.spec
    if published is not None:
        spec = published.spec
    elif model and (spec is None or spec.name != model):
        spec = model_spec(model)
    if spec is None:
        raise WeightsError(
            f"{record.path} does not say which model it is for, and it cannot be told: "
            f"{'; '.join(record.notes)}; name the model as well"
        )
    if mpp is not None:
        spec = replace(spec, mpp=mpp)
    if normalisation is not None:
        mean, std = normalisation
        spec = replace(
            spec, mean=(mean[0], mean[1], mean[2]), std=(std[0], std[1], std[2])
        )
    return spec


def add_weights(
    path: str | Path,
    *,
    name: str = "",
    spec: ModelSpec | None = None,
    provenance: Mapping[str, Any] | None = None,
    folder: Path | None = None,
    overwrite: bool = False,
) -> StoredWeights:
    """Check a file of weights and put it into the folder, with all that is known.

    Parameters
    ----------
    path : str or Path
        A safetensors file or a PyTorch checkpoint; it stays as it is. Of a training
        checkpoint the model alone is kept.
    name : str
        What to call it; by default its file name without suffix.
    spec : ModelSpec, optional
        The model it is for, as `spec_for` gives it; by default what the file says.
    provenance : mapping, optional
        More about it: JSON values.
    folder : Path, optional
        By default `weights_folder`; it is made where it does not exist.
    overwrite : bool
        Replace weights of the same name.

    Returns
    -------
    StoredWeights
        What is in the folder now.

    Raises
    ------
    WeightsError
        If the file cannot be used, the name is taken or is no file name, or the folder
        cannot be written.
    """
    from napari_histossl.models.weights import load_spec, save_weights

    target = _target(name or Path(path).stem, folder or weights_folder(), overwrite)
    record = examine_weights(path)
    chosen = spec_for(record) if spec is None else spec
    network = load_spec(chosen, path)
    source = {"file": Path(path).name, "sha256": record.sha256}
    facts = {"source": source, **record.provenance, **(provenance or {})}
    save_weights(network, chosen, target, provenance=facts)
    return _stored(target)


def _target(name: str, folder: Path, overwrite: bool) -> Path:
    if not _NAME.fullmatch(name):
        raise WeightsError(
            f"{name!r} is not a name for weights; use letters, digits, dots, hyphens "
            f"and spaces, for instance --name hipt"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(
            f"the folder of weights {folder} cannot be made ({error.strerror}); name "
            f"another one in the environment variable {FOLDER_VARIABLE}"
        ) from error
    target = folder / f"{name}{SAFE_SUFFIX}"
    if target.exists() and not overwrite:
        raise WeightsError(
            f"there are weights called {name!r} in {folder} already; choose another "
            f"name, or replace them with --overwrite"
        )
    return target


def _stored(path: Path) -> StoredWeights:
    try:
        _, text = read_header(path)
        spec = spec_from_header(path, text)
    except WeightsError as error:
        return StoredWeights(path.stem, path, None, problem=str(error))
    if spec is None:
        problem = f"{path} does not say its model; add it with its model named"
        return StoredWeights(path.stem, path, None, problem=problem)
    return StoredWeights(path.stem, path, spec, provenance_of(text))
