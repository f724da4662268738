"""A mask into files of other programs, without a window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from napari_histossl.annotate import MaskStore
from napari_histossl.annotate.formats import files
from napari_histossl.geometry import Box
from napari_histossl.jobs import Progress

_LARGEST_PX = 4096
"""Longest side of a picture of the view: about what a large screen shows."""


def picture_part(view_px0: Box, levels: int) -> tuple[Box, int]:
    """Return the part of a mask, and its level, that a picture of the view shows.

    Parameters
    ----------
    view_px0 : Box
        What is on the screen, in pixels of level 0.
    levels : int
        How many levels the mask has.
    """
    level, box = 0, view_px0
    while max(box.shape) > _LARGEST_PX and level < levels - 1:
        level += 1
        y0, x0 = view_px0.y >> level, view_px0.x >> level
        y1, x1 = -(-view_px0.y1 >> level), -(-view_px0.x1 >> level)
        box = Box(y0, x0, y1 - y0, x1 - x0)
    return box, level


def export_mask(
    mask_path: Path, out: Path, box: Box | None, level: int = 0
) -> Iterator[Progress]:
    """Write a mask as a picture or as outlines, by the ending of the file.

    Parameters
    ----------
    mask_path : Path
        The mask; it may be open for writing elsewhere.
    out : Path
        ``.png`` or ``.tiff`` for a picture; ``.geojson`` or ``.xml`` for outlines.
    box : Box or None
        Part of the mask in pixels of the level; None for all of it.
    level : int
        Level of the mask; a coarser one for overviews and fewer corners.

    Yields
    ------
    Progress
        As the outlines are traced.

    Raises
    ------
    AnnotationError, StoreError
        If the ending is another one, the part is too large, or the file cannot be
        written.
    """
    with MaskStore.open(mask_path, read_only=True) as mask:
        yield from files.write(mask, out, box=box, level=level)
    yield Progress(1, 1, message=f"wrote {out}")
