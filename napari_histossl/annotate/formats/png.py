"""A region of a mask as a palette PNG: pixel values are classes, colours are theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_histossl.annotate.formats._region_walk import ReadableMask, whole_level
from napari_histossl.errors import AnnotationError
from napari_histossl.geometry import Box
from napari_histossl.store.masks import write_mask_png

MOST_PIXELS = 400_000_000
"""Largest picture that is written: 20,000 x 20,000."""


def write(
    mask: ReadableMask, path: str | Path, *, box: Box | None = None, level: int = 0
) -> None:
    """Write a region of a mask.

    Parameters
    ----------
    mask : MaskStore
        What to write.
    path : str or Path
        File to write; replaced at the end, never half written.
    box : Box or None
        Region in pixels of the level; outside the mask it is unlabelled. None for the
        whole level.
    level : int
        Level of the mask.

    Raises
    ------
    AnnotationError
        If the region has more pixels than a picture should, or there is no such level.
    StoreError
        If the file cannot be written.
    """
    whole = whole_level(mask, level)
    part = whole if box is None else box
    if part.height * part.width > MOST_PIXELS:
        raise AnnotationError(
            f"a PNG of {part.height} x {part.width} pixels is too large; export a box "
            f"of at most {MOST_PIXELS} pixels, or a coarser level"
        )
    labels = mask.read(part, level).astype(np.uint8, copy=False)
    write_mask_png(path, labels, mask.classes)
