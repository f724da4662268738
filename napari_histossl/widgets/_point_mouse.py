"""The mouse as a pointer at the slide: where it is, what it clicks, boxes it draws.

Panning and zooming stay what they are; a box is drawn with Shift held down.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from napari.layers import Image, Layer, Shapes
from qtpy.QtCore import QObject, Signal

from napari_histossl.geometry import Box
from napari_histossl.widgets._key_table import END_POINTING
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

BOX = "box to look for"
"""Name and kind of the layer in which a box is drawn."""

_CLICK_PX = 3
"""A press that moves farther on the screen is no click."""

_COLOUR, _WIDTH_PX = "#00e5ff", 2.0
"""Of the box, width in screen pixels."""


class PointMouse(QObject):
    """The mouse over the slide in view, between `start` and `stop`.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    draws_boxes : bool, optional
        Whether a drag with Shift draws a box.

    Attributes
    ----------
    moved : Signal of (float, float)
        The cursor is there, (row, column) in level-0 pixels; also off the slide.
    clicked : Signal of (float, float)
        Pressed and released there.
    boxed : Signal of Box
        A box was drawn, in level-0 pixels.
    escaped : Signal
        Escape was pressed over the canvas, or something else takes the clicks.
    """

    moved = Signal(float, float)
    clicked = Signal(float, float)
    boxed = Signal(object)
    escaped = Signal()

    def __init__(self, bench: Workbench, *, draws_boxes: bool = False) -> None:
        super().__init__(bench)
        self._bench, self._draws_boxes = bench, draws_boxes
        self._bound: list[Layer] = []
        self._box: Shapes | None = None
        self.is_on = False
        bench.pointer_taken.connect(self._on_taken)

    def start(self) -> None:
        """Begin to listen; the layer of the slide is selected, for its keys."""
        if self.is_on or self._bench.shown is None:
            return
        self._bench.pointer_taken.emit(self)
        self.is_on = True
        viewer = self._bench.viewer
        viewer.mouse_move_callbacks.append(self._on_move)
        viewer.mouse_drag_callbacks.append(self._on_press)
        viewer.layers.events.inserted.connect(self._on_inserted)
        viewer.layers.selection.active = self._bench.shown.layer
        for layer in viewer.layers:
            self._bind(layer)

    def _on_taken(self, by: object) -> None:
        """Let go: a click means one thing at a time."""
        if self.is_on and by is not self:
            self.escaped.emit()

    def stop(self) -> None:
        """Listen no longer, and take the box off."""
        if not self.is_on:
            return
        self.is_on = False
        viewer = self._bench.viewer
        viewer.mouse_move_callbacks.remove(self._on_move)
        viewer.mouse_drag_callbacks.remove(self._on_press)
        viewer.layers.events.inserted.disconnect(self._on_inserted)
        for layer in self._bound:
            layer.bind_key(END_POINTING.name, None)
        self._bound.clear()
        self.clear_box()

    def clear_box(self) -> None:
        """Take the box that was drawn off the window."""
        if self._box is not None and self._box in self._bench.viewer.layers:
            self._bench.viewer.layers.remove(self._box)
        self._box = None

    def show_box(self, box: Box) -> None:
        """Show a box of level-0 pixels as if it had been drawn."""
        self._draw((box.y, box.x), (box.y1, box.x1))

    # ---- Keys

    def _on_inserted(self, event: Any) -> None:
        self._bind(event.value)

    def _bind(self, layer: Layer) -> None:
        """Let Escape end on pictures of ours; elsewhere it ends a shape or a stroke."""
        if isinstance(layer, Image) and METADATA_KEY in layer.metadata:
            layer.bind_key(
                END_POINTING.name, lambda _layer: self.escaped.emit(), overwrite=True
            )
            self._bound.append(layer)

    # ---- Mouse

    def _on_move(self, _viewer: Any, event: Any) -> None:
        if self._bench.shown is not None and not self._bench.closed:
            self.moved.emit(*self._bench.shown.px0(event.position))

    def _on_press(self, viewer: Any, event: Any) -> Iterator[None]:
        shown, active = self._bench.shown, viewer.layers.selection.active
        is_free = active is None or str(getattr(active, "mode", "")) == "pan_zoom"
        if shown is None or event.button != 1 or not is_free:
            return
        is_box = self._draws_boxes and "Shift" in event.modifiers
        if event.modifiers and not is_box:
            return
        first_px, first = np.array(event.pos), shown.px0(event.position)
        is_click = True
        yield
        while event.type == "mouse_move":
            is_click &= bool(np.abs(np.array(event.pos) - first_px).max() <= _CLICK_PX)
            if is_box and not is_click:
                self._draw(first, shown.px0(event.position))
            yield
        if is_click:
            self.clear_box()
            self.clicked.emit(*first)
        elif is_box:
            self.boxed.emit(_box(first, shown.px0(event.position)))

    def _draw(self, one: tuple[float, float], other: tuple[float, float]) -> None:
        """Show the box between two corners."""
        box = _box(one, other)
        low, high = np.array([box.y, box.x]) - 0.5, np.array([box.y1, box.x1]) - 0.5
        corners = np.array([low, (low[0], high[1]), high, (high[0], low[1])])
        if self._box is None or self._box not in self._bench.viewer.layers:
            self._box = self._add_box()
        self._box.data = []
        self._box.add_rectangles(
            corners,
            edge_color=_COLOUR,
            face_color="transparent",
            edge_width=_WIDTH_PX / self._bench.viewer.scene.camera.zoom / self._unit(),
        )

    def _add_box(self) -> Shapes:
        shown = self._bench.shown
        assert shown is not None
        selection = self._bench.viewer.layers.selection
        active = selection.active
        options = {
            "name": BOX,
            "ndim": 2,
            "scale": shown.pixel_um_yx,
            "units": tuple(shown.layer.units[-2:]),
            "metadata": {METADATA_KEY: {"kind": BOX, "source": shown.source}},
        }
        made: Shapes = self._bench.add_layer((None, options, "shapes"))
        selection.active = active
        return made

    def _unit(self) -> float:
        assert self._bench.shown is not None
        return self._bench.shown.pixel_um_yx[0]


def _box(one: tuple[float, float], other: tuple[float, float]) -> Box:
    """Return the box between two corners, at least a pixel."""
    y0, x0 = np.floor(np.minimum(one, other)).astype(int).tolist()
    y1, x1 = np.ceil(np.maximum(one, other)).astype(int).tolist()
    return Box(y0, x0, max(y1 - y0, 1), max(x1 - x0, 1))
