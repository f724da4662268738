"""Grids of features of a patch model, for the level above it.

References
----------
Regions of 16 x 16 features: Chen et al. 2022, HIPT, arXiv:2206.02647.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.errors import PlanError, StoreError
from napari_histossl.store import Embeddings, EmbeddingStore

_LEAST_KNOWN = 0.5
"""Share of a region for which there are features, at least; the others become 0."""


def find_grids(folder: str | Path) -> list[Path]:
    """Return the files of grids in a folder, sorted: .npy, .npz and .zarr.

    Raises
    ------
    PlanError
        If there is no such folder or none in it.
    """
    root = Path(folder)
    if not root.is_dir():
        raise PlanError(f"there is no folder {root} to take grids of features from")
    found = sorted(p for p in root.iterdir() if p.suffix in {".npy", ".npz", ".zarr"})
    if not found:
        raise PlanError(
            f"no grids of features in {root}; expected .npy, .npz or .zarr arrays of "
            f"shape (rows, columns, D)"
        )
    return found


def read_grids(path: Path) -> list[NDArray[np.float32]]:
    """Return the grids (rows, columns, D) in a file.

    Parameters
    ----------
    path : Path
        A ``.npy`` file, a ``.npz`` file, of which every array is a grid, a zarr array,
        or the embeddings of a slide. NaN where there is no feature.

    Raises
    ------
    StoreError
        If it cannot be read.
    PlanError
        If it holds something else than grids.
    """
    grids = [np.asarray(grid) for grid in _arrays(path)]
    for grid in grids:
        if grid.ndim != 3 or grid.dtype.kind != "f":
            raise PlanError(
                f"{path} holds an array of shape {grid.shape} and type {grid.dtype}; "
                f"expected features (rows, columns, D) as floating-point numbers"
            )
    return [grid.astype(np.float32) for grid in grids]


def _arrays(path: Path) -> list[Any]:
    import zarr
    from zarr.errors import BaseZarrError

    try:
        if path.suffix == ".zarr":
            found = zarr.open(path, mode="r")
            if isinstance(found, zarr.Array):
                return [found[:]]
            with EmbeddingStore.open(path) as store:
                return [grid_of(store.read())]
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return [loaded]
        with loaded:
            return [loaded[name] for name in sorted(loaded.files)]
    except (OSError, ValueError, KeyError, EOFError, BaseZarrError) as error:
        if isinstance(error, StoreError):
            raise
        raise StoreError(
            f"{path} cannot be read as arrays of features ({error})"
        ) from error


def grid_of(embeddings: Embeddings) -> NDArray[np.float32]:
    """Return the features of a slide on the grid of its patches.

    Parameters
    ----------
    embeddings : Embeddings
        Of patches side by side.

    Returns
    -------
    ndarray of shape (rows, columns, D)
        From the first patch to the last; NaN where there is no patch.
    """
    positions = embeddings.positions_px0
    steps = (positions - positions.min(0)) / embeddings.header.patch_px0
    rows, columns = np.rint(steps).astype(int).T
    shape = (rows.max() + 1, columns.max() + 1, embeddings.features.shape[1])
    grid = np.full(shape, np.nan, np.float32)
    grid[rows, columns] = embeddings.features
    return grid


def cut_regions(grid: NDArray[np.float32], edge: int = 16) -> NDArray[np.float32]:
    """Cut a grid into square regions, side by side.

    Parameters
    ----------
    grid : ndarray of shape (rows, columns, D)
        NaN where there is no feature.
    edge : int
        Features along a side of a region.

    Returns
    -------
    ndarray of shape (N, edge, edge, D)
        Row by row; what is left over at the edges is not used, nor are regions of
        which less than half is known. Unknown features become 0.
    """
    rows, columns, width = (grid.shape[0] // edge, grid.shape[1] // edge, grid.shape[2])
    whole = grid[: rows * edge, : columns * edge]
    regions = whole.reshape(rows, edge, columns, edge, width).swapaxes(1, 2)
    regions = regions.reshape(-1, edge, edge, width)
    known = np.isfinite(regions).all(3).mean((1, 2))
    kept: NDArray[np.float32] = np.nan_to_num(
        regions[known >= _LEAST_KNOWN], nan=0.0, posinf=0.0, neginf=0.0
    )
    return kept


def load_regions(folder: str | Path, edge: int = 16) -> NDArray[np.float32]:
    """Return all regions of the grids in a folder, (N, edge, edge, D).

    Raises
    ------
    PlanError
        If there are none, or features of different length.
    StoreError
        If a file cannot be read.
    """
    parts = []
    for path in find_grids(folder):
        for grid in read_grids(path):
            parts.append(cut_regions(grid, edge))
            if parts[-1].shape[3] != parts[0].shape[3]:
                raise PlanError(
                    f"{path} has features of {parts[-1].shape[3]} numbers, others in "
                    f"the folder of {parts[0].shape[3]}; take those of one model"
                )
    regions = np.concatenate(parts)
    if not len(regions):
        raise PlanError(
            f"no region of {edge} x {edge} features in {folder}; the grids are "
            f"smaller, or hold too few features"
        )
    return regions
