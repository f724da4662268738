"""Ways to show a slide in napari that the pan and zoom benchmark compares."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import openslide
import tifffile
import zarr
from _panzoom_slide import PatternSlide
from napari.layers import Layer

from napari_histossl.geometry import Box
from napari_histossl.napari_io.layers import slide_layer
from napari_histossl.slide import Slide, open_slide, open_tiles
from napari_histossl.widgets import get_reader
from napari_histossl.widgets.canvas import install_canvas

OURS = "ours"
BASE = "base"


@dataclass
class Shown:
    """A layer that is measured.

    Attributes
    ----------
    layer : napari.layers.Image
        What was added.
    read : callable or None
        ``read(y, x, height, width)`` returns level-0 pixels as they should be shown.
    side_px : int
        Edge of the slide.
    drawing : TileDrawing or None
        What tells whether our picture is sharp; None asks napari's layer.
    """

    layer: Any
    read: Callable[[int, int, int, int], np.ndarray] | None
    side_px: int
    drawing: Any = None


def base(viewer: Any, _path: Path) -> Shown:
    """A small picture in memory: what the machine needs for napari itself."""
    picture = np.random.default_rng(0).integers(0, 255, (512, 512, 3), np.uint8)
    return Shown(viewer.add_image(picture, rgb=True, scale=(80, 80)), None, 40_960)


def base_beside_work(viewer: Any, path: Path) -> Shown:
    """The same picture while one core decodes: the floor of whoever streams."""
    source = open_tiles(open_slide(path))

    def decode() -> None:
        rows, columns = source.grid(0).shape_ij
        for index in itertools.count():
            source.read_tile(0, index // columns % rows, index % columns)

    threading.Thread(target=decode, daemon=True).start()
    return base(viewer, path)


def openslide_dask(viewer: Any, path: Path) -> Shown:
    """OpenSlide under dask, 1024 px a chunk: how it is usually done."""
    slide = openslide.OpenSlide(path)
    levels = [
        da.from_array(
            _OpenSlideLevel(slide, level),
            chunks=(1024, 1024, 3),
            name=False,
            asarray=False,
            lock=False,
        )
        for level in range(slide.level_count)
    ]
    return _stock(viewer, levels, path)


class _OpenSlideLevel:
    """A level of an OpenSlide handle, as dask wants it."""

    ndim = 3
    dtype = np.dtype(np.uint8)

    def __init__(self, slide: Any, level: int) -> None:
        self._slide, self._level = slide, level
        self.shape = (*slide.level_dimensions[level][::-1], 3)

    def __getitem__(self, place: Any) -> np.ndarray:
        (y0, y1, _), (x0, x1, _) = (
            part.indices(length)
            for part, length in zip(place[:2], self.shape[:2], strict=True)
        )
        down = self._slide.level_downsamples[self._level]
        corner = int(x0 * down), int(y0 * down)
        region = self._slide.read_region(corner, self._level, (x1 - x0, y1 - y0))
        return np.asarray(region)[..., :3]


def zarr_tifffile(viewer: Any, path: Path) -> Shown:
    """zarr over tifffile, no dask."""
    series = tifffile.TiffFile(path).series[0]
    arrays = [
        zarr.open(series.aszarr(level=level), mode="r")
        for level in range(len(series.levels))
    ]
    return _stock(viewer, arrays, path)


def napari_wsi(viewer: Any, path: Path) -> Shown:
    """napari-wsi over OpenSlide; has to be on the path."""
    from napari_wsi.reader import wsi_reader_openslide

    data, options, *_ = wsi_reader_openslide(str(path))(str(path))[0]
    options = {key: options[key] for key in ("name", "rgb") if key in options}
    return _stock(viewer, data, path, **options)


def _stock(viewer: Any, levels: Any, path: Path, **options: Any) -> Shown:
    options = {"rgb": True, "name": "slide", **options}
    layer = viewer.add_image(levels, multiscale=True, **options)
    return Shown(layer, _reader(path), layer.data[0].shape[0])


def _reader(path: Path) -> Callable[[int, int, int, int], np.ndarray]:
    def read(y: int, x: int, height: int, width: int) -> np.ndarray:
        with openslide.OpenSlide(path) as slide:
            return np.asarray(slide.read_region((x, y), 0, (width, height)))[..., :3]

    return read


def ours(viewer: Any, path: Path) -> Shown:
    """This package."""
    read = get_reader(str(path))  # as when the file is dragged on the window
    return _show(viewer, *read(str(path))[0], _reader(path))


def _ours(viewer: Any, slide: Slide) -> Shown:
    def read(y: int, x: int, height: int, width: int) -> np.ndarray:
        return slide.read(Box(y, x, height, width), 0)

    return _show(viewer, *slide_layer(slide), read)


def _show(viewer: Any, data: Any, options: dict, kind: str, read: Any) -> Shown:
    options |= {"scale": (1, 1), "units": ("pixel", "pixel")}
    layer = viewer.add_layer(Layer.create(data, options, kind))
    return Shown(layer, read, data[0].shape[0], install_canvas().drawings()[-1])


def _pattern(latency_s: float) -> Callable[[Any, Path], Shown]:
    def show(viewer: Any, _path: Path) -> Shown:
        return _ours(viewer, PatternSlide(100_000, latency_s))

    return show


VARIANTS: dict[str, tuple[Callable[[Any, Path], Shown], bool]] = {
    BASE: (base, False),
    f"{BASE}, a core decoding": (base_beside_work, False),
    "stock sync": (openslide_dask, False),
    "stock async": (openslide_dask, True),
    "napari-wsi sync": (napari_wsi, False),
    "napari-wsi async": (napari_wsi, True),
    "zarr-tifffile sync": (zarr_tifffile, False),
    "zarr-tifffile async": (zarr_tifffile, True),
    OURS: (ours, False),
    "ours, 100,000 px": (_pattern(0), False),
    "ours, 100,000 px, 20 ms": (_pattern(0.02), False),
    "ours, 100,000 px, 200 ms": (_pattern(0.2), False),
}
"""By name: what adds the layer, and whether napari slices asynchronously."""
