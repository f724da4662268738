"""napari's drawing of a layer, with tiles in place of the picture where they can be."""

from __future__ import annotations

from typing import Any

from napari._vispy.layers.image import VispyImageLayer
from napari._vispy.layers.labels import VispyLabelsLayer
from vispy.visuals.transforms import MatrixTransform

from napari_histossl.widgets.canvas._colours import is_smooth, set_colours
from napari_histossl.widgets.canvas._drawing import TileDrawing
from napari_histossl.widgets.canvas._napari import from_level_0, is_flat
from napari_histossl.widgets.canvas._nodes import ImageNodes, LabelNodes

_COLOUR_EVENTS = (
    "contrast_limits",
    "gamma",
    "colormap",
    "selected_label",
    "show_selected_label",
)


class _Tiled:
    """What is added to napari's drawing of a multiscale layer.

    The layer stays as it is: napari draws its coarsest level, which it has in memory
    anyway, and tiles cover that. Wherever tiles would be wrong (volumes, other data,
    another level asked for) they step back and napari draws.
    """

    drawing: TileDrawing | None = None
    layer: Any
    node: Any

    def _draw_tiles(self, drawing: TileDrawing) -> None:
        """Begin to draw tiles; the layer is complete by now."""
        layer = self.layer
        self.drawing = drawing
        self._data_drawn = layer.data
        self._native: Any = None
        drawing.atlas.transform = MatrixTransform()
        drawing.atlas.order = -1  # before the layer's own overlays
        layer.locked_data_level = len(layer.data) - 1
        layer.events.locked_data_level.connect(self._on_lock_change)
        layer.events.opacity.connect(self._on_tiles_opacity)
        for name in _COLOUR_EVENTS:
            if name in layer.events.emitters:
                layer.events[name].connect(self._on_tiles_colours)
        self._hook()
        self._on_tiles_colours()
        self._on_tiles_opacity()
        self._on_blending_change()  # type: ignore[attr-defined]
        self._on_matrix_change()

    def _hook(self) -> None:
        if self.drawing is None:
            return
        if hasattr(self.node, "before_draw"):
            self.node.before_draw = self._before_draw
            self.node.on_gl_state = self.drawing.atlas.set_gl_state
        self.drawing.atlas.parent = self.node

    # ---- Before a draw ----

    def _before_draw(self) -> bool:
        drawing = self.drawing
        if drawing is None:
            return False
        self._watch_canvas()
        if not self._may_draw():
            drawing.pause()
            return False
        covered = drawing.update_view()
        if covered and drawing.shown is not None:
            kind, scale = drawing.source.kind, drawing.shown.px0_per_pixel
            drawing.atlas.set_smooth(is_smooth(self.layer, kind, scale))
        return covered

    def _may_draw(self) -> bool:
        layer = self.layer
        return (
            layer.data is self._data_drawn
            and layer.locked_data_level == len(layer.data) - 1
            and is_flat(layer)
        )

    def _watch_canvas(self) -> None:
        """Let go when the window goes away, which napari does not tell its layers."""
        canvas = self.node.canvas
        if self._native is None and canvas is not None:
            self._native = canvas.native
            canvas.native.destroyed.connect(self.drawing.close)  # type: ignore[union-attr]

    # ---- What the layer tells ----

    def _on_lock_change(self) -> None:
        layer = self.layer
        if layer.locked_data_level is None and layer.data is self._data_drawn:
            # "automatic" is what the tiles are; napari's own would read while drawing
            layer.locked_data_level = len(layer.data) - 1

    def _on_tiles_colours(self) -> None:
        if self.drawing is not None:
            set_colours(self.drawing.atlas, self.layer)

    def _on_tiles_opacity(self) -> None:
        if self.drawing is not None:
            self.drawing.atlas.opacity = self.layer.opacity

    def _on_matrix_change(self) -> None:
        super()._on_matrix_change()  # type: ignore[misc]
        if self.drawing is not None and is_flat(self.layer):
            self.drawing.atlas.transform.matrix = from_level_0(self.layer)

    def _on_display_change(self, data: Any = None) -> None:
        super()._on_display_change(data)  # type: ignore[misc]
        self._hook()

    def close(self) -> None:
        """Let go of the tiles, then of the rest."""
        if self.drawing is not None:
            self.drawing.close()
            self.drawing.atlas.parent = None
        super().close()  # type: ignore[misc]


class TiledImage(_Tiled, VispyImageLayer):
    """An image layer drawn from tiles: RGB or values."""

    def __init__(self, layer: Any, *args: Any, **options: Any) -> None:
        super().__init__(layer, *args, layer_node_class=ImageNodes, **options)

    def draw_tiles(self, drawing: TileDrawing) -> None:
        """Draw these tiles in place of the picture."""
        self._draw_tiles(drawing)


class TiledLabels(_Tiled, VispyLabelsLayer):
    """A labels layer drawn from tiles."""

    def __init__(self, layer: Any, *args: Any, **options: Any) -> None:
        super().__init__(layer, *args, **options)
        self._layer_node = LabelNodes(None, texture_format=self.node.texture_format)
        self._on_display_change()
        self._on_data_change()

    def draw_tiles(self, drawing: TileDrawing) -> None:
        """Draw these tiles in place of the labels."""
        self._draw_tiles(drawing)
