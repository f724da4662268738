"""Where results live: beside the slide, or under a workspace folder."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Protocol

from napari_histossl.errors import StoreError


class NamedSource(Protocol):
    """What is asked of a slide's source record here."""

    @property
    def name(self) -> str:
        """What people call the slide."""


def results_folder(
    source: str | Path | NamedSource, workspace: str | Path | None = None
) -> Path:
    """Return the folder of a slide's results; it is not created.

    Parameters
    ----------
    source : str, Path or slide source
        A slide file, or the ``source`` of a slide.
    workspace : str or Path, optional
        Folder for all results, where slides are read-only or have no file.

    Returns
    -------
    Path
        ``<slide file name>.histossl`` beside the slide or in the workspace.

    Raises
    ------
    StoreError
        If the slide has no file and there is no workspace.

    Examples
    --------
    >>> results_folder("/slides/a.svs").as_posix()
    '/slides/a.svs.histossl'
    >>> results_folder("/slides/a.svs", "/results").as_posix()
    '/results/a.svs.histossl'
    """
    path = (
        Path(source)
        if isinstance(source, str | Path)
        else getattr(source, "path", None)
    )
    if workspace is not None:
        name = source.name if path is None else path.name  # type: ignore[union-attr]
        return Path(workspace) / f"{_safe(name)}.histossl"
    if path is None:
        raise StoreError(
            f"{source.name} has no file beside which results could lie; "  # type: ignore[union-attr]
            f"choose a workspace folder"
        )
    return Path(path).parent / f"{Path(path).name}.histossl"


def overlay_path(folder: str | Path, name: str) -> Path:
    """Return the path of an overlay in a results folder."""
    return Path(folder) / "overlays" / f"{_checked(name)}.ome.zarr"


def mask_path(folder: str | Path, name: str) -> Path:
    """Return the path of a mask in a results folder."""
    return Path(folder) / "masks" / f"{_checked(name)}.ome.zarr"


def embeddings_path(folder: str | Path, name: str) -> Path:
    """Return the path of embeddings in a results folder, named after their model."""
    return Path(folder) / "embeddings" / f"{_checked(name)}.zarr"


def list_embeddings(folder: str | Path) -> list[Path]:
    """Return the embeddings in a results folder, by name."""
    return sorted((Path(folder) / "embeddings").glob("*.zarr"))


def list_masks(folder: str | Path) -> list[Path]:
    """Return the masks in a results folder, by name; none where it does not exist."""
    return sorted((Path(folder) / "masks").glob("*.ome.zarr"))


def list_overlays(folder: str | Path) -> list[Path]:
    """Return the overlays in a results folder, by name."""
    return sorted((Path(folder) / "overlays").glob("*.ome.zarr"))


def _safe(name: str) -> str:
    return re.sub(r'[<>:"/\\|?*\x00-\x1f]', "_", name).strip(" .") or "slide"


def _checked(name: str) -> str:
    if _safe(name) != name:
        raise StoreError(
            f"{name!r} cannot be a file name; use letters, digits, blanks, dashes"
        )
    return name
