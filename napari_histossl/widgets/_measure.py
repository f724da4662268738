"""Ruler and areas: a layer of lines and polygons that say how large they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from napari.layers import Shapes
from qtpy.QtCore import QObject, Signal

from napari_histossl.panels.slide import (
    ellipse_area,
    path_length,
    polygon_area,
    readable_area,
    readable_length,
)
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

NAME = "measurements"
"""Name and kind of the layer."""

_AREAS = {"polygon": polygon_area, "rectangle": polygon_area, "ellipse": ellipse_area}

_COLOUR = "#00801e"
"""Dark green: it stands off from glass, eosin and haematoxylin alike."""

_WIDTH_PX = 2.0
"""Width of lines in screen pixels when they are drawn."""


class Measurements(QObject):
    """The measurements on the slide in view.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    changed : Signal
        A measurement was drawn, changed or removed, or another tool was chosen.
    """

    changed = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        self._is_updating = False
        bench.viewer.layers.events.removed.connect(lambda _event: self.changed.emit())

    @property
    def layer(self) -> Shapes | None:
        """The layer of the slide in view, if there is one."""
        layer: Shapes | None = self._bench.layer_of_kind(NAME)
        return layer

    @property
    def tool(self) -> str | None:
        """The tool in hand: "ruler", "area", or None."""
        layer = self.layer
        if layer is None or self._bench.viewer.layers.selection.active is not layer:
            return None
        modes = {"add_line": "ruler", "add_polygon": "area"}
        return modes.get(str(layer.mode))

    def take(self, tool: str | None) -> None:
        """Take a tool in hand, or lay it aside and go back to the slide."""
        shown = self._bench.shown
        if shown is None:
            return
        selection = self._bench.viewer.layers.selection
        layer = self.layer
        if tool is None:
            if layer is not None:
                layer.mode = "pan_zoom"
            selection.active = shown.layer
        else:
            layer = layer or self._add_layer()
            selection.active = layer
            layer.mode = {"ruler": "add_line", "area": "add_polygon"}[tool]
            layer.current_edge_width = _WIDTH_PX / self._bench.viewer.scene.camera.zoom
        self.changed.emit()

    def clear(self) -> None:
        """Remove all measurements of the slide in view."""
        layer = self.layer
        if layer is not None:
            self._bench.viewer.layers.remove(layer)

    def texts(self) -> list[str]:
        """Return what the measurements say, in the order in which they were drawn."""
        layer = self.layer
        return [] if layer is None else [str(text) for text in layer.features["size"]]

    def _add_layer(self) -> Shapes:
        shown = self._bench.shown
        assert shown is not None
        in_um = shown.slide.mpp_yx is not None
        layer = Shapes(
            ndim=2,
            name=NAME,
            features={"size": np.empty(0, object)},
            feature_defaults={"size": ""},
            text={
                "string": "{size}",
                "size": 14,
                "color": _COLOUR,
                "anchor": "upper_left",
                "translation": (-4, 0),
            },
            edge_color=_COLOUR,
            face_color="transparent",
            opacity=1.0,
            edge_width=_WIDTH_PX / self._bench.viewer.scene.camera.zoom,
            units=("um", "um") if in_um else ("pixel", "pixel"),
            metadata={METADATA_KEY: {"kind": NAME, "source": shown.source}},
        )
        layer.current_edge_color = _COLOUR
        layer.current_face_color = "transparent"
        self._bench.viewer.add_layer(layer)
        layer.events.set_data.connect(lambda _event: self._update(layer, in_um))
        layer.events.data.connect(lambda _event: self._update(layer, in_um))
        layer.events.mode.connect(lambda _event: self.changed.emit())
        return layer

    def _update(self, layer: Shapes, in_um: bool) -> None:
        """Write lengths and areas beside the shapes, also while they are drawn."""
        if self._is_updating:
            return
        drawing_area = str(layer.mode) == "add_polygon"
        sizes = [
            _size(points, kind, in_um, drawing_area and index == layer.nshapes - 1)
            for index, (points, kind) in enumerate(
                zip(layer.data, layer.shape_type, strict=True)
            )
        ]
        if sizes == [str(size) for size in layer.features["size"]]:
            return
        self._is_updating = True
        try:
            layer.features = {"size": np.array(sizes, object)}
        finally:
            self._is_updating = False
        self.changed.emit()


def _size(points: Any, kind: str, in_um: bool, is_area: bool) -> str:
    """Return the size of a shape in words; an area that is being drawn is a path."""
    points = np.asarray(points)[:, -2:]
    area_of = _AREAS.get(str(kind), polygon_area if is_area else None)
    if area_of is not None:
        return readable_area(area_of(points), in_um=in_um) if len(points) > 2 else ""
    return readable_length(path_length(points), in_um=in_um)
