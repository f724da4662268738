"""How a pyramid is laid out on the disk: arrays, chunks, files."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from napari_histossl.errors import StoreError


def level_shapes(shape: Sequence[int], min_level_px: int) -> list[tuple[int, ...]]:
    """Return the shapes of all levels: halves, rounded up."""
    shapes = [tuple(int(length) for length in shape)]
    while max(shapes[-1][-2:]) > min_level_px:
        *others, height, width = shapes[-1]
        shapes.append((*others, -(-height // 2), -(-width // 2)))
    return shapes


def create_levels(
    group: Any,
    shapes: Sequence[tuple[int, ...]],
    dtype: DTypeLike,
    chunk_px: int,
    fill_value: float,
) -> None:
    """Create the arrays; nothing is stored before something is written."""
    from zarr.codecs import ZstdCodec

    for level, shape in enumerate(shapes):
        group.create_array(
            str(level),
            shape=shape,
            dtype=np.dtype(dtype),
            # full chunks where the level is smaller, too: a place names its file
            chunks=(*(1,) * (len(shape) - 2), chunk_px, chunk_px),
            fill_value=fill_value,
            compressors=ZstdCodec(level=1),
            dimension_names=("c", "y", "x")[-len(shape) :],
            config={"write_empty_chunks": False},
        )


def make_room(path: Path, overwrite: bool) -> None:
    """Remove an older pyramid, if that is wanted.

    Raises
    ------
    StoreError
        If something is there that may not be removed.
    """
    if not path.exists() or not any(path.iterdir()):
        return
    if not overwrite:
        raise StoreError(
            f"{path} exists already; open it, or say that it may be overwritten"
        )
    if not (path / "zarr.json").exists():
        raise StoreError(f"{path} is not a zarr folder and is not overwritten")
    shutil.rmtree(path)
