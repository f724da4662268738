"""npe2 writer: a labels layer as a palette PNG."""

from __future__ import annotations

from typing import Any

import numpy as np

from napari_histossl.errors import StoreError

_LARGEST_LABEL = 255


def write_labels_png(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Write labels as a PNG whose pixel values are the class indices.

    Parameters
    ----------
    path : str
        File to write, ending in ``.png``.
    data : array of shape (H, W) of integers, or a list of them
        Labels; of a multiscale layer the finest level is written.
    meta : dict
        napari's description of the layer.

    Returns
    -------
    list of str
        What was written.

    Raises
    ------
    StoreError
        If there are more than two axes, or an index above 255.
    """
    from napari_histossl.store.masks import LARGEST_MASK_PX, write_mask_png

    name = meta.get("name", "the layer")
    finest = data[0] if isinstance(data, list | tuple) else data
    shape = tuple(finest.shape)
    if len(shape) == 2 and shape[0] * shape[1] > LARGEST_MASK_PX:
        raise StoreError(
            f"{name} of {shape[0]} x {shape[1]} px is too large for one PNG (up to "
            f"{LARGEST_MASK_PX:,} px); export a region on the Correct page"
        )
    labels = np.asarray(finest)
    lowest, largest = int(labels.min(initial=0)), int(labels.max(initial=0))
    if labels.ndim != 2 or lowest < 0 or largest > _LARGEST_LABEL:
        raise StoreError(
            f"{name} cannot be written as PNG: expected two axes and labels from 0 to "
            f"{_LARGEST_LABEL}; got shape {shape} and labels from {lowest} to {largest}"
        )
    write_mask_png(path, labels.astype(np.uint8), None)
    return [path]
