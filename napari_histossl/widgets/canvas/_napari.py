"""The parts of napari that are private, each checked before it is relied upon.

Written for napari 0.9.2. Only the files of this folder import them.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

_NEEDED: dict[str, tuple[str, ...]] = {
    "napari._vispy.utils.visual:layer_to_visual": ("__getitem__", "__setitem__"),
    "napari._vispy.layers.image:VispyImageLayer": ("_on_matrix_change", "close"),
    "napari._vispy.layers.image:ImageLayerNode": ("get_node",),
    "napari._vispy.layers.labels:VispyLabelsLayer": ("_on_matrix_change", "close"),
    "napari._vispy.layers.labels:LabelLayerNode": ("get_node", "_setup_nodes"),
    "napari._vispy.visuals.image:Image": ("_prepare_draw", "set_gl_state"),
    "napari._vispy.visuals.labels:LabelNode": ("_prepare_draw", "set_gl_state"),
    "napari.layers:Image": ("locked_data_level", "_slice_input"),
    "napari.layers:Labels": ("locked_data_level", "_slice_input"),
}
"""What is taken from napari, and what has to be in it."""


def missing_part() -> str | None:
    """Return what napari lacks for drawing tiles, or None if it has everything."""
    for place, names in _NEEDED.items():
        module, name = place.split(":")
        try:
            part = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError):
            return place
        for attribute in names:
            if not hasattr(part, attribute):
                return f"{place}.{attribute}"
    return None


def layer_visuals() -> dict[Any, Any]:
    """Return napari's table of what draws which class of layers; it may be changed."""
    from napari._vispy.utils.visual import layer_to_visual

    return layer_to_visual


def is_flat(layer: Any) -> bool:
    """Return True where both picture axes of a layer, and only they, are shown."""
    shown = layer._slice_input.displayed
    return (
        layer._slice_input.ndisplay == 2
        and sorted(shown) == [layer.ndim - 2, layer.ndim - 1]
        and not any(plane.enabled for plane in layer.experimental_clipping_planes)
    )


def from_level_0(layer: Any) -> NDArray[np.float64]:
    """Return the matrix from level-0 pixels to those that napari shows.

    Parameters
    ----------
    layer : napari.layers.Image or napari.layers.Labels
        Shown flat.

    Returns
    -------
    ndarray of shape (4, 4)
        For row vectors (x, y, 0, 1) from the right, as vispy has it. Both ends count
        from the outer edge of the first pixel.
    """
    axes = list(layer._slice_input.displayed)
    shown = layer._transforms["tile2data"].set_slice(axes)
    scale, shift = np.diagonal(shown.linear_matrix), np.asarray(shown.translate)
    matrix = np.eye(4)
    matrix[[0, 1], [0, 1]] = 1 / scale[::-1]
    matrix[3, :2] = -(shift / scale)[::-1]
    if axes[0] > axes[1]:  # napari shows the picture transposed
        matrix = matrix[[1, 0, 2, 3]]
    return matrix


def scene_of(layer: Any) -> Any:
    """Return the scene in which a layer is drawn, or None where that is not known.

    Its coordinates are those of the world, (x, y).
    """
    canvas = _canvas_of(layer)
    return None if canvas is None else canvas.view.scene


def leave_out_brush_box(layer: Any) -> None:
    """Let no box be drawn behind the circle that stands for a brush.

    napari 0.9.2 draws a dark square in its middle once a layer is added while it is
    seen, and leaves that on the canvas. To be removed once napari leaves out the box in
    ``VispyBrushCircleOverlay``.
    """
    canvas = _canvas_of(layer)
    overlays = None if canvas is None else canvas.viewer.canvas.overlays
    circle = getattr(overlays, "_brush_circle", None)
    if circle is not None:
        circle.box = False


def _canvas_of(layer: Any) -> Any:
    """Return napari's canvas on which a layer is drawn, or None."""
    try:
        from napari._vispy.canvas import VispyCanvas

        for canvas in list(VispyCanvas._instances):
            if layer in canvas.layer_to_visual:
                return canvas
    except (ImportError, AttributeError):
        pass
    return None


def delete_in_own_contexts() -> None:
    """Let every window delete the graphics objects of a layer in its own context.

    napari 0.9.2 deletes them while whatever context was drawn last is current. The
    windows share their objects, but at least Mesa 22.3 then draws the next picture
    with a program that is gone, and the process ends. To be removed once napari makes
    the context current itself in ``VispyCanvas._clean_and_update_scenegraph``.
    """
    try:
        from napari._vispy.canvas import VispyCanvas

        for canvas in list(VispyCanvas._instances):
            make_current = canvas._scene_canvas.set_current
            canvas.viewer.layers.events.removing.connect(make_current)
    except (ImportError, AttributeError):
        return
