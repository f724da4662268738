"""What a model says of classes, on the slide: the map of one, or the labels of all."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Layer
from napari.utils.colormaps import Colormap
from qtpy.QtCore import QObject, Signal

from napari_histossl.classes import ClassInfo
from napari_histossl.jobs import Progress
from napari_histossl.napari_io.layers import colours, mask_layer, overlay_layer
from napari_histossl.panels.class_shown import ClassView, DifferenceView, MapView
from napari_histossl.panels.head_tiles import ViewTiles
from napari_histossl.slide.tiles import tile_arrays
from napari_histossl.widgets._later import later
from napari_histossl.widgets._overlays_classes import KIND
from napari_histossl.widgets._redraw import draw_anew
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

_CLEAR = (0.0, 0.3, 0.6, 0.8, 0.9)
"""Opacity along the scale of a map: where a class is unlikely the tissue is seen."""

_DIFFERS = (0.0, 0.9, 1.0, 1.0)
"""Where labels differ from a mask: a colour that no class has, seen on all of them."""

_GROWN_MS = 1000
"""Least time between two drawings of what a run adds."""


class ClassLayer(QObject):
    """One layer over the slide in view.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    gone : Signal
        Nothing is shown any more.
    """

    gone = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench, self._is_replacing = bench, False
        self.layer: Layer | None = None
        self.tiles: ViewTiles[ClassView] | None = None
        self._late = later(self, _GROWN_MS, self._draw_all)
        bench.progressed.connect(self._on_progress)
        bench.viewer.layers.events.removed.connect(self._on_removed)

    @property
    def view(self) -> ClassView | None:
        """What is shown, if something is."""
        return None if self.tiles is None else self.tiles.view

    def show(self, view: ClassView, name: str) -> None:
        """Show something, in place of what was shown before."""
        if self._is_like(view):
            assert self.tiles is not None
            self.tiles.show(view)
            self._draw_all()
        else:
            self._is_replacing = True
            self.take_off()
            self._is_replacing = False
            self._add(view, name)
        assert self.layer is not None
        self.layer.name = name
        if isinstance(view, MapView):
            self.layer.colormap = ramp(_class(view))
        self.layer.metadata[METADATA_KEY]["labels"] = view.choice
        self.layer.visible = True

    def take_off(self) -> None:
        """Show nothing."""
        if self.layer is not None and self.layer in self._bench.viewer.layers:
            self._bench.viewer.layers.remove(self.layer)

    # ---- Details

    def _is_like(self, view: ClassView) -> bool:
        """Whether only other tiles need to be drawn for it."""
        if self.view is None or self.layer not in self._bench.layers_of_slide():
            return False
        same = self.view.pyramid.path == view.pyramid.path
        grown = self.view.pyramid.arrays[0].shape == view.pyramid.arrays[0].shape
        return same and grown and type(self.view) is type(view)

    def _add(self, view: ClassView, name: str) -> None:
        bench = self._bench
        assert bench.shown is not None
        self.tiles = ViewTiles(view, name)
        options, kind = self._options(view)
        said = {"kind": KIND, "source": bench.shown.source}
        if self._is_tiled:
            said["tiles"] = self.tiles
        options["metadata"] = {METADATA_KEY: said}
        self.layer = bench.add_layer((self._data(), {**options, "name": name}, kind))
        if kind == "labels":
            self.layer.editable = False
        bench.viewer.layers.selection.active = bench.shown.layer

    @property
    def _is_tiled(self) -> bool:
        """Whether it is large enough to be drawn tile by tile."""
        return self.tiles is not None and len(self.tiles.levels) > 1

    def _data(self) -> Any:
        """Return what napari holds; napari takes one level for no pyramid at all."""
        assert self.tiles is not None
        levels = tile_arrays(self.tiles, self._bench.canvas.service.load)
        return levels if self._is_tiled else np.asarray(tile_arrays(self.tiles)[0])

    def _options(self, view: ClassView) -> tuple[dict[str, Any], str]:
        """Return place and looks of the layer, and its type."""
        assert self._bench.shown is not None
        slide = self._bench.shown.slide
        if isinstance(view, MapView):
            _, options, kind = overlay_layer(view.pyramid, slide)
            options["contrast_limits"] = (0.0, 1.0)
            options["colormap"] = ramp(_class(view))
        else:
            _, options, kind = mask_layer(view.pyramid, slide)
            options["colormap"] = colours(view.classes)
        if isinstance(view, DifferenceView):
            options["colormap"] = {None: _DIFFERS, 0: (0.0, 0.0, 0.0, 0.0)}
            options["opacity"] = 0.9
        options["multiscale"] = self._is_tiled
        for axis in ("scale", "translate", "units", "axis_labels"):
            if axis in options:
                options[axis] = options[axis][-2:]
        return options, kind

    def _draw_all(self) -> None:
        if self.layer is None or self.tiles is None:
            return
        if not self._is_tiled:
            self.layer.data = self._data()
        else:
            draw_anew(self._bench, self.layer, self.tiles, self.tiles.keys())

    def _on_progress(self, progress: Progress, _left_s: float | None) -> None:
        is_new = progress.box is not None and self.tiles is not None
        if is_new and not self._late.isActive():
            self._late.start()

    def _on_removed(self, event: Any) -> None:
        if event.value is self.layer and self.layer is not None:
            self.layer = self.tiles = None
            if not self._is_replacing:
                self.gone.emit()


def _class(view: MapView) -> ClassInfo:
    return list(view.classes)[view.channel]


def ramp(info: ClassInfo) -> Colormap:
    """Return colours for the map of a class: from clear to the colour of the class."""
    table = np.ones((len(_CLEAR), 4), np.float32)
    table[:, :3] = np.array(info.colour) / 255
    table[:, 3] = _CLEAR
    return Colormap(table, name=f"{info.name} {info.colour}")
