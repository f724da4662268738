"""napari's own picture nodes, which ask before each draw whether they are covered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari._vispy.layers.image import ImageLayerNode
from napari._vispy.layers.labels import LabelLayerNode
from napari._vispy.visuals.image import Image as ImageNode
from napari._vispy.visuals.labels import LabelNode


class _Covered:
    """A picture that steps back where tiles are drawn in its place.

    Two pictures on top of one another would be seen twice wherever the layer is not
    opaque, so either napari's own is drawn or the tiles, never both.
    """

    before_draw: Callable[[], bool] | None = None
    on_gl_state: Callable[..., Any] | None = None

    def _prepare_draw(self, view: Any = None) -> Any:
        if self.before_draw is not None and self.before_draw():
            return False
        return super()._prepare_draw(view)  # type: ignore[misc]

    def set_gl_state(self, preset: str | None = None, **state: Any) -> Any:
        if self.on_gl_state is not None:
            self.on_gl_state(preset, **state)
        return super().set_gl_state(preset, **state)  # type: ignore[misc]


class OverviewImage(_Covered, ImageNode):
    """A picture of napari's that tiles may cover."""


class OverviewLabels(_Covered, LabelNode):
    """Labels of napari's that tiles may cover."""


class ImageNodes(ImageLayerNode):
    """napari's nodes of an image layer, the flat one of them coverable."""

    _image_node: Any

    def __init__(self, custom_node: Any = None, texture_format: Any = None) -> None:
        super().__init__(custom_node, texture_format)
        # made once, not twice: a node takes milliseconds
        self._image_node.__class__ = OverviewImage


class LabelNodes(LabelLayerNode):
    """napari's nodes of a labels layer, the flat one of them coverable."""

    _image_node: Any

    def _setup_nodes(self, texture_format: Any) -> None:
        super()._setup_nodes(texture_format)
        self._image_node.__class__ = OverviewLabels
