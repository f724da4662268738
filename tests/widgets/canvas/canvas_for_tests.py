"""What the tests of the canvas share."""

from __future__ import annotations

import threading

import numpy as np
from conftest_gui import PATIENCE_MS, settle

from napari_histossl.errors import SlideReadError
from napari_histossl.geometry import Level
from napari_histossl.napari_io.layers import METADATA_KEY, slide_layer
from napari_histossl.slide import Slide, virtual_levels
from napari_histossl.slide.levels import read_virtual
from napari_histossl.slide.tiles import TileSource


class Window:
    """A viewer with one layer drawn from tiles."""

    def __init__(self, viewer, canvas, qtbot):
        self.viewer, self.canvas, self.qtbot = viewer, canvas, qtbot
        self.layer = self.drawing = None

    def add(self, slide, **options):
        from napari.layers import Layer

        data, known, kind = slide_layer(slide)
        self.add_layer(Layer.create(data, {**known, **options}, kind))

    def add_layer(self, layer):
        before = self.canvas.drawings()
        self.layer = self.viewer.add_layer(layer)
        new = [one for one in self.canvas.drawings() if one not in before]
        self.drawing = new[0] if new else None
        self.viewer.reset_view()
        settle(0.1)

    def wait_sharp(self):
        """Wait until the picture is as sharp as the screen can show."""

        def is_done():
            drawing = self.drawing
            return drawing.is_sharp and drawing.is_resting

        self.qtbot.waitUntil(is_done, timeout=PATIENCE_MS)
        settle(0.05)

    @property
    def size(self):
        """Height and width of the canvas."""
        return np.array(
            self.viewer.window._qt_viewer.canvas._current_viewbox_size[::-1]
        )

    def look(self, first_px0, zoom=1.0, wait=True):
        """Put a level-0 pixel into the upper left corner, in whole pixels."""
        camera, scale = self.viewer.scene.camera, self.layer.scale[-1]
        camera.zoom = zoom / scale
        half = self.size / zoom / 2
        camera.center = tuple((np.asarray(first_px0) - 0.5 + half) * scale)
        if wait:
            settle(0.03)
            self.wait_sharp()

    def shot(self):
        """What is on the canvas: (H, W, 3) int."""
        picture = self.viewer.screenshot(canvas_only=True, flash=False)
        return picture[..., :3].astype(int)


class Watched(Slide):
    """A slide that notes who reads it, can be held up, and can have bad tiles."""

    def __init__(self, slide, bad=()):
        self._slide, self.bad = slide, list(bad)
        self.source, self.levels, self.mpp_yx = slide.source, slide.levels, slide.mpp_yx
        self.readers: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.permits: threading.Semaphore | None = None

    def _read_inside(self, box, level):
        name = threading.current_thread().name
        self.readers.append(name)
        self.gate.wait(60)
        if self.permits is not None and name.startswith("tiles-"):
            self.permits.acquire(timeout=60)
        for bad_level, bad in self.bad:
            if bad_level == level and box.intersection(bad) is not None:
                raise SlideReadError(f"{self.source.name}: nothing to be read at {box}")
        return self._slide.read(box, level)

    def close(self):
        self.gate.set()


def with_overviews(watched):
    """Give a watched slide coarse levels of its own, which its bad tiles spare."""
    levels = virtual_levels(watched._slide)
    coarse = [
        read_virtual(watched._slide, level.box, index)
        for index, level in enumerate(levels)
    ]
    whole = watched._slide
    watched.levels = levels
    watched._slide = type(
        "Levels", (), {"read": lambda _self, box, level: coarse[level][box.slices]}
    )()
    watched._slide.close = whole.close
    return watched


def with_tiles(options, source):
    """Options of a layer that is drawn from a source of tiles."""
    return {**options, "metadata": {METADATA_KEY: {"tiles": source}}}


def difference(shot, expected, margin=8):
    """Mean difference of two pictures away from their edges."""
    inner = slice(margin, -margin)
    return np.abs(shot[inner, inner] - expected[inner, inner].astype(int)).mean()


class ArrayTiles(TileSource):
    """Tiles of an array of values or labels, every second pixel a level up."""

    channels = None
    tile_size = 256

    def __init__(self, array, kind):
        self.name, self.kind, self.dtype = "array", kind, array.dtype
        self.fill_value = np.nan if kind == "values" else 0
        self.arrays = [array]
        while max(self.arrays[-1].shape) > 512:
            self.arrays.append(self.arrays[-1][::2, ::2])
        self.levels = tuple(
            Level(one.shape, 2.0**step) for step, one in enumerate(self.arrays)
        )

    def read_tile(self, level, ty, tx):
        box = self.inside_box(level, ty, tx)
        return self.whole_tile(self.arrays[level][box.slices])
