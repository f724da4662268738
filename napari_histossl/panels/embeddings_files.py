"""Which embeddings a person means, and those that others have computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from napari_histossl.errors import StoreError
from napari_histossl.slide import Slide
from napari_histossl.store import Embeddings, EmbeddingStore
from napari_histossl.store.embeddings import is_embeddings
from napari_histossl.store.embeddings_h5 import read_h5
from napari_histossl.store.paths import (
    list_embeddings,
    overlay_path,
    results_folder,
)


def find_embeddings(
    path: str | Path, name: str = "", workspace: str | Path | None = None
) -> Path:
    """Return the folder of embeddings that a person means.

    Parameters
    ----------
    path : str or Path
        The folder itself, or the slide.
    name : str, optional
        Name of the embeddings of a slide; may be left out where there are no others.
    workspace : str or Path, optional
        Where results lie if not beside the slide.

    Raises
    ------
    StoreError
        If the slide has no embeddings, or several.
    """
    if is_embeddings(path):
        return Path(path)
    folder = results_folder(path, workspace)
    found = list_embeddings(folder)
    if name:
        found = [one for one in found if one.name.removesuffix(".zarr") == name]
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(one.name.removesuffix(".zarr") for one in found)
        raise StoreError(f"{path} has several embeddings: {names}; name one of them")
    named = f" named {name!r}" if name else ""
    raise StoreError(
        f"{path} has no embeddings{named} in {folder}; compute them with "
        f"napari-histossl features, or import them"
    )


def import_h5(
    file: Path, slide: Slide, out: Path, *, overwrite: bool = False, **said: Any
) -> int:
    """Keep embeddings that others have computed with the results of a slide.

    Parameters
    ----------
    file : Path
        With ``features`` and ``coords``; see `store.embeddings_h5.read_h5`.
    slide : Slide
        The slide they were made from.
    out : Path
        Folder to be made.
    overwrite : bool, optional
        Replace embeddings that are there.
    **said
        ``model`` and ``patch_px0``, where the file does not say.

    Returns
    -------
    int
        How many there are.

    Raises
    ------
    StoreError
        If the file cannot be taken over, a patch lies off the slide, or the folder
        cannot be written.
    """
    shape = slide.levels[0].shape
    found = read_h5(
        file,
        slide_name=slide.source.name,
        slide_fingerprint=slide.source.fingerprint,
        slide_shape=shape,
        mpp_yx=slide.mpp_yx,
        **said,
    )
    places = found.positions_px0
    if (places + found.header.patch_px0 <= 0).any() or (places >= shape).any():
        raise StoreError(
            f"{file}: some patches lie off {slide.source.name}, which is {shape[0]} x "
            f"{shape[1]} px; it was made from another slide"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with EmbeddingStore.create(
        out, found.header, places, found.features.shape[1], overwrite=overwrite
    ) as store:
        store.write(range(len(found)), found.features)
    return len(found)


def overlay_beside(embeddings: str | Path, name: str) -> Path:
    """Return where an overlay made from embeddings lies: in the same results folder.

    Parameters
    ----------
    embeddings : str or Path
        ``<results>/embeddings/<name>.zarr``.
    name : str
        Of the overlay.
    """
    return overlay_path(Path(embeddings).resolve().parent.parent, name)


def read_embeddings(path: str | Path) -> Embeddings:
    """Read the embeddings of a slide, as far as they are computed.

    Raises
    ------
    StoreError
        If there are none, or they are damaged.
    """
    with EmbeddingStore.open(path) as store:
        return store.read()
