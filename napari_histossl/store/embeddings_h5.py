"""Embeddings as HDF5 files with ``features`` and ``coords``, as CLAM keeps them.

References
----------
Lu et al. 2021, CLAM, doi:10.1038/s41551-020-00682-w; mahmoodlab/CLAM @53e2409d
(GPL-3.0): names, shapes and attributes of the files; nothing of its text is used.
Added: an attribute ``histossl`` that says model, weights and slide, which others pass
over.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import HistoSSLError, StoreError
from napari_histossl.store.embeddings_record import Embeddings, EmbeddingsHeader
from napari_histossl.store.whole import written_whole

_OURS = "histossl"

_MOST_BYTES = 8 << 30
"""A file may say that it unpacks to anything; this is 5 million vectors of 384."""


def write_h5(embeddings: Embeddings, path: str | Path) -> None:
    """Write embeddings as others read them.

    Parameters
    ----------
    embeddings : Embeddings
        Of one slide.
    path : str or Path
        File to write; what is there is replaced once the new one is whole.

    Raises
    ------
    StoreError
        If the file cannot be written.

    Notes
    -----
    ``features`` is (N, D) float32, ``coords`` (N, 2) int32: x, then y, in level-0
    pixels. The attributes of ``coords`` are those of CLAM's patches, given at level 0.
    """
    import h5py

    header = embeddings.header
    path = Path(path)
    height, width = header.slide_shape
    patch = round(header.patch_px0)
    attributes = {
        "patch_size": patch,
        "patch_level": 0,
        "downsample": (1.0, 1.0),
        "downsampled_level_dim": (width, height),
        "level_dim": (width, height),
        "name": Path(header.slide_name).stem,
    }
    if not path.parent.is_dir():
        raise StoreError(
            f"there is no folder {path.parent} to write {path.name} into; make it, or "
            f"choose another one"
        )
    with written_whole(path) as temporary, h5py.File(temporary, "w") as file:
        file["features"] = embeddings.features
        file["coords"] = embeddings.positions_px0[:, ::-1].astype(np.int32)
        file["coords"].attrs.update(attributes)
        file.attrs[_OURS] = json.dumps(header.to_json())


def read_h5(
    path: str | Path,
    *,
    slide_name: str = "",
    slide_fingerprint: str = "",
    slide_shape: tuple[int, int] | None = None,
    mpp_yx: tuple[float, float] | None = None,
    patch_px0: float | None = None,
    model: str = "",
) -> Embeddings:
    """Read embeddings that we or others have written.

    Parameters
    ----------
    path : str or Path
        File with ``features`` (N, D) and ``coords`` (N, 2), x and y at level 0.
    slide_name, slide_fingerprint : str, optional
        The slide; by default what the file says, or the name of the file.
    slide_shape : tuple of int, optional
        Its height and width in level-0 pixels; by default what the file says.
    mpp_yx : tuple of float, optional
        Its scale.
    patch_px0 : float, optional
        Edge of a patch in level-0 pixels; needed where the file does not say.
    model : str, optional
        Name of the model; needed where the file does not say.

    Returns
    -------
    Embeddings
        In the order of the file.

    Raises
    ------
    StoreError
        If it is not such a file, is damaged or empty, holds numbers that are not
        finite, or says less than is needed.
    """
    with _opened(Path(path)) as file:
        features = _dataset(file, "features", path)
        coords = _dataset(file, "coords", path)
        if features.ndim != 2 or coords.shape != (len(features), 2):
            raise StoreError(
                f"{path}: features are (N, D) and coords (N, 2); got {features.shape} "
                f"and {coords.shape}"
            )
        attributes = dict(coords.attrs)
        said = _own_header(file, path)
        vectors = np.asarray(features[:], np.float32)
        places = np.asarray(coords[:])
    header = _header(
        path,
        said,
        slide_name=slide_name,
        slide_fingerprint=slide_fingerprint,
        slide_shape=slide_shape or _shape(attributes),
        mpp_yx=mpp_yx,
        patch_px0=patch_px0 or _patch(attributes),
        model=model,
    )
    return Embeddings(header, vectors, _positions(places, path))


# ---- Details ----


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file of others: whatever is wrong with it is one sentence."""
    import h5py

    if not path.is_file():
        raise StoreError(f"{path} does not exist; expected an .h5 file of embeddings")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except HistoSSLError:
        raise
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        raise StoreError(
            f"{path} is not an HDF5 file of embeddings, or only a part of one "
            f"({str(error).splitlines()[0][:120]}); fetch it again"
        ) from error


def _dataset(file: Any, name: str, path: str | Path) -> Any:
    """Return a dataset that lies in the file itself and is not absurdly large."""
    import h5py

    link = file.get(name, getlink=True)
    found = file[name] if isinstance(link, h5py.HardLink) else None
    if not isinstance(found, h5py.Dataset):
        raise StoreError(
            f"{path} has no {name!r}, it has {', '.join(map(repr, file)) or 'nothing'}"
            f"; expected 'features' (N, D) and 'coords' (N, 2)"
        )
    if found.dtype.kind not in "iuf" or found.is_virtual or found.external:
        raise StoreError(f"{path}: {name!r} are not numbers in the file itself")
    if found.size * max(found.dtype.itemsize, 4) > _MOST_BYTES:
        raise StoreError(
            f"{path}: {name!r} of shape {found.shape} are more than "
            f"{_MOST_BYTES >> 30} GiB; split the file"
        )
    return found


def _own_header(file: Any, path: str | Path) -> EmbeddingsHeader | None:
    if _OURS not in file.attrs:
        return None
    try:
        said = json.loads(str(file.attrs[_OURS]))
    except ValueError as error:
        raise StoreError(f"{path}: its attribute {_OURS!r} is damaged") from error
    return EmbeddingsHeader.from_json(said)


def _header(
    path: str | Path,
    said: EmbeddingsHeader | None,
    *,
    slide_name: str,
    slide_fingerprint: str,
    slide_shape: tuple[int, int] | None,
    mpp_yx: tuple[float, float] | None,
    patch_px0: float | None,
    model: str,
) -> EmbeddingsHeader:
    if said is not None:
        return _agreeing(path, said, slide_fingerprint, model)
    missing = [
        *(["the edge of a patch in level-0 pixels"] if not patch_px0 else []),
        *(["the model"] if not model else []),
        *(["the slide"] if slide_shape is None else []),
    ]
    if missing or patch_px0 is None or slide_shape is None:
        raise StoreError(
            f"{path} does not say everything; give {' and '.join(missing)} as well"
        )
    return EmbeddingsHeader(
        slide_name or Path(path).stem,
        slide_fingerprint,
        slide_shape,
        mpp_yx,
        patch_px0,
        model,
        "",
        {"imported_from": Path(path).name},
    )


def _agreeing(
    path: str | Path, said: EmbeddingsHeader, fingerprint: str, model: str
) -> EmbeddingsHeader:
    """Return what a file says about itself, unless something else is claimed."""
    if fingerprint and said.slide_fingerprint not in ("", fingerprint):
        raise StoreError(
            f"{path} was made from {said.slide_name}, or from an earlier content of "
            f"it, not from this slide"
        )
    if model and model != said.model:
        raise StoreError(f"{path} was made with the model {said.model}, not {model}")
    return said


def _shape(attributes: dict[str, Any]) -> tuple[int, int] | None:
    if "level_dim" not in attributes or int(attributes.get("patch_level", 0)) != 0:
        return None
    width, height = (int(length) for length in attributes["level_dim"])
    return height, width


def _patch(attributes: dict[str, Any]) -> float | None:
    if "patch_size" not in attributes:
        return None
    downsample = float(np.mean(attributes.get("downsample", 1.0)))
    return float(attributes["patch_size"]) * downsample


def _positions(coords: NDArray[Any], path: str | Path) -> NDArray[np.int64]:
    """Return (row, column) from x and y that are whole numbers."""
    if not (np.isfinite(coords).all() and (coords == np.rint(coords)).all()):
        raise StoreError(
            f"{path}: coords are whole level-0 pixels, x then y; some are not"
        )
    if len(coords) and np.abs(coords).max() > 2**31:
        raise StoreError(f"{path}: coords lie outside of any slide")
    return coords[:, ::-1].astype(np.int64)
