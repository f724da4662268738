"""A rectangle on the slide: what is to be computed, or to be a figure."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from napari.layers import Shapes
from qtpy.QtCore import QObject, QTimer, Signal

from napari_histossl.geometry import Box
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

NAME = "region"
"""Name and kind of the layer."""

_COLOUR = "#0050c8"
"""Dark blue: rulers are green, tissue is pink."""

_WIDTH_PX = 2.0
"""Width of lines in screen pixels when they are drawn."""


class Region(QObject):
    """The rectangle on the slide in view; the newest one counts.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.

    Attributes
    ----------
    changed : Signal
        A rectangle was drawn, moved or removed.
    """

    changed = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__()
        self._bench = bench
        bench.viewer.layers.events.removed.connect(lambda _event: self.changed.emit())

    @property
    def layer(self) -> Shapes | None:
        """The layer of the slide in view, if there is one."""
        layer: Shapes | None = self._bench.layer_of_kind(NAME)
        return layer

    @property
    def is_drawing(self) -> bool:
        """Whether the next drag on the slide draws a rectangle."""
        layer = self.layer
        is_active = self._bench.viewer.layers.selection.active is layer
        return layer is not None and is_active and str(layer.mode) == "add_rectangle"

    def draw(self) -> None:
        """Let the next drag on the slide draw a rectangle; again: let it be."""
        if self.is_drawing:
            self._lay_aside()
            return
        if self._bench.shown is None:
            return
        layer = self.layer or self._add_layer()
        self._bench.viewer.layers.selection.active = layer
        layer.mode = "add_rectangle"
        layer.current_edge_width = _WIDTH_PX / self._bench.viewer.scene.camera.zoom
        self.changed.emit()

    def clear(self) -> None:
        """Take the rectangle off the slide."""
        layer = self.layer
        if layer is not None:
            self._bench.viewer.layers.remove(layer)

    def box_px0(self) -> Box | None:
        """Return the rectangle in level-0 pixels, the part of it on the slide."""
        layer, shown = self.layer, self._bench.shown
        if layer is None or shown is None or not layer.nshapes:
            return None
        return shown.box_px0(layer.data_to_world(point) for point in layer.data[-1])

    def _add_layer(self) -> Shapes:
        shown = self._bench.shown
        assert shown is not None
        in_um = shown.slide.mpp_yx is not None
        layer = Shapes(
            ndim=2,
            name=NAME,
            edge_color=_COLOUR,
            face_color="transparent",
            opacity=1.0,
            units=("um", "um") if in_um else ("pixel", "pixel"),
            metadata={METADATA_KEY: {"kind": NAME, "source": shown.source}},
        )
        layer.current_edge_color = _COLOUR
        layer.current_face_color = "transparent"
        self._bench.viewer.add_layer(layer)
        layer.mouse_drag_callbacks.append(self._on_drag)
        layer.events.data.connect(lambda _event: self.changed.emit())
        layer.events.mode.connect(lambda _event: self.changed.emit())
        return layer

    def _on_drag(self, _layer: Shapes, event: Any) -> Generator[None, None, None]:
        """Wait for the end of a drag; napari has to finish it first."""
        yield
        while event.type == "mouse_move":
            yield
        QTimer.singleShot(0, self._keep_newest)

    def _keep_newest(self) -> None:
        layer = self.layer
        if layer is None or not self.is_drawing or self._bench.closed:
            return
        if layer.nshapes > 1:
            layer.selected_data = set(range(layer.nshapes - 1))
            layer.remove_selected()
        self._lay_aside()

    def _lay_aside(self) -> None:
        layer, shown = self.layer, self._bench.shown
        if layer is not None:
            layer.mode = "pan_zoom"
            layer.selected_data = set()
        if shown is not None:
            self._bench.viewer.layers.selection.active = shown.layer
        self.changed.emit()
