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
    from napari_histossl.store.masks import write_mask_png

    labels = np.asarray(data[0] if isinstance(data, list | tuple) else data)
    largest = int(labels.max(initial=0))
    if labels.ndim != 2 or largest > _LARGEST_LABEL:
        raise StoreError(
            f"{meta.get('name', 'the layer')} cannot be written as PNG: expected two "
            f"axes and labels up to {_LARGEST_LABEL}; got shape {labels.shape} and "
            f"labels up to {largest}"
        )
    write_mask_png(path, labels.astype(np.uint8), None)
    return [path]
