"""npe2 reader: slides by their suffix, TIFF pyramids, masks of PANDA, our results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_histossl.napari_io.layers import (
    LayerTuple,
    mask_layer,
    overlay_layer,
    slide_layer,
)
from napari_histossl.napari_io.panda import brought, panda_layer, slide_of
from napari_histossl.slide import open_slide
from napari_histossl.slide.panda import is_mask
from napari_histossl.store import Pyramid

SLIDE_SUFFIXES = frozenset(
    {".svs", ".ndpi", ".scn", ".mrxs", ".vms", ".vmu", ".bif", ".svslide", ".dcm"}
)
"""Suffixes that mean a slide, whatever is inside."""

_TIFF_SUFFIXES = frozenset({".tif", ".tiff"})

_RESULT_SUFFIX = ".ome.zarr"

_LARGE_TILED_PX = 4096 * 4096
"""A tiled TIFF without levels is taken for a slide from this many pixels on."""

Reader = Callable[[str | list[str]], list[LayerTuple]]


def get_reader(path: str | list[str]) -> Reader | None:
    """Return a function that reads a path, or None if it is not for us.

    Parameters
    ----------
    path : str or list of str
        A file or folder, or several of them, which are opened as separate layers.
    """
    paths = [path] if isinstance(path, str) else path
    return read if paths and all(_is_ours(Path(one)) for one in paths) else None


def read(path: str | list[str]) -> list[LayerTuple]:
    """Return the layers of one or several paths.

    Raises
    ------
    SlideOpenError, StoreError
        If something is not what its name says; napari shows the sentence.
    """
    paths = [Path(one) for one in ([path] if isinstance(path, str) else path)]
    return [layer for one in paths for layer in _layers(one, paths)]


def _layers(path: Path, beside: list[Path]) -> list[LayerTuple]:
    """Return the layers of a path; a mask brings its slide if that is not asked for."""
    if is_mask(path):
        slide = None if slide_of(path) in beside else slide_of(path)
        below = [] if slide is None else [brought(slide_layer(open_slide(slide)))]
        return [*below, panda_layer(path)]
    if not path.name.endswith(_RESULT_SUFFIX):
        return [slide_layer(open_slide(path))]
    pyramid = Pyramid.open(path)
    return [mask_layer(pyramid) if pyramid.is_label else overlay_layer(pyramid)]


def _is_ours(path: Path) -> bool:
    if path.name.endswith(_RESULT_SUFFIX):
        return _is_result(path)
    if path.suffix.lower() in _TIFF_SUFFIXES:
        return is_mask(path) or _is_slide_tiff(path)
    return path.suffix.lower() in SLIDE_SUFFIXES


def _is_result(path: Path) -> bool:
    """Tell whether an OME-Zarr was written by us; others belong to other readers."""
    import json

    try:
        metadata = json.loads((path / "zarr.json").read_bytes())
        return "histossl" in metadata["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _is_slide_tiff(path: Path) -> bool:
    """Tell whether a TIFF is a pyramid or a large tiled picture."""
    import struct

    import tifffile

    try:
        with tifffile.TiffFile(path) as tiff:
            series = tiff.series[0]
            page = series.keyframe
            is_large = page.imagelength * page.imagewidth >= _LARGE_TILED_PX
            return len(series.levels) > 1 or (page.is_tiled and is_large)
    except (OSError, ValueError, IndexError, RuntimeError, struct.error):
        return False
