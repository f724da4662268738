"""The object that is looked at: the view goes there, and a line goes around it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from napari.layers import Shapes
from numpy.typing import NDArray

from napari_histossl.geometry import Box
from napari_histossl.widgets._workbench import METADATA_KEY, Workbench

KIND = "review"
"""Kind and name of the layer."""

_COLOUR = "#ffe600"
"""Yellow: no class here has it, and it is seen on stained tissue and on glass."""

_WIDTH_PX = 2.5
"""Width of the line in screen pixels when it is drawn."""

_MARGIN = 0.45
"""Share of the view that an object takes: what lies around it is seen as well."""

_CLOSEST_UM = 0.25
"""Micrometres a screen pixel at which the view comes no closer: 40 times."""


class Outline:
    """A line around one object of the slide in view.

    Parameters
    ----------
    bench : Workbench
        What the pages of the viewer share.
    """

    def __init__(self, bench: Workbench) -> None:
        self._bench = bench

    @property
    def layer(self) -> Shapes | None:
        """The layer, if there is one."""
        layer: Shapes | None = self._bench.layer_of_kind(KIND)
        return layer

    def go_to(self, box_px0: Box) -> None:
        """Move the view so that a box of the slide fits with a margin.

        Parameters
        ----------
        box_px0 : Box
            In pixels of the slide's level 0.
        """
        bench = self._bench
        if bench.shown is None:
            return
        corners = self._to_world(
            np.array([(box_px0.y, box_px0.x), (box_px0.y1, box_px0.x1)], float)
        )
        extent = np.maximum(np.abs(corners[1] - corners[0]), 1e-6)
        closest = 1 / _CLOSEST_UM if bench.shown.slide.mpp_yx else 2.0
        camera = bench.viewer.scene.camera
        size = np.asarray(bench.viewer.canvas.size, float)
        camera.zoom = min(float((size / extent).min()) * _MARGIN, closest)
        camera.center = (*camera.center[:-2], *corners.mean(axis=0).tolist())

    def show(self, contours_px0: Sequence[NDArray[np.float64]]) -> None:
        """Draw lines around an object, in place of those before.

        Parameters
        ----------
        contours_px0 : sequence of ndarray of shape (N, 2)
            Closed lines as (y, x), in pixels of the slide's level 0 from its corner.
        """
        layer = self.layer or self._add_layer()
        width = _WIDTH_PX / self._bench.viewer.scene.camera.zoom
        layer.data = []
        lines = [self._in_layer(contour) for contour in contours_px0]
        if lines:
            layer.add_paths(lines, edge_width=width, edge_color=_COLOUR)
        layer.visible = True

    def mark_box(self, box_px0: Box, downsample: float) -> None:
        """Go to a box of a mask, and draw it.

        Parameters
        ----------
        box_px0 : Box
            In pixels of the mask's level 0.
        downsample : float
            Pixels of the slide's level 0 per pixel of the mask.
        """
        y0, x0, y1, x1 = (
            value * downsample
            for value in (box_px0.y, box_px0.x, box_px0.y1, box_px0.x1)
        )
        corners = np.array([(y0, x0), (y0, x1), (y1, x1), (y1, x0), (y0, x0)])
        whole = Box(int(y0), int(x0), max(int(y1 - y0), 1), max(int(x1 - x0), 1))
        self.go_to(whole)
        self.show([corners])

    def clear(self) -> None:
        """Take the layer off the slide."""
        layer = self.layer
        if layer is not None:
            self._bench.viewer.layers.remove(layer)

    def _add_layer(self) -> Shapes:
        bench = self._bench
        assert bench.shown is not None  # who shows an object has a slide
        in_um = bench.shown.slide.mpp_yx is not None
        active = bench.viewer.layers.selection.active
        layer = Shapes(
            ndim=2,
            name="object under review",
            opacity=1.0,
            units=("um", "um") if in_um else ("pixel", "pixel"),
            metadata={METADATA_KEY: {"kind": KIND, "source": bench.shown.source}},
        )
        bench.viewer.add_layer(layer)
        bench.viewer.layers.selection.active = active  # keys stay where they were
        return layer

    def _in_layer(self, points_px0: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return points in the layer's own coordinates: world, before it is turned."""
        assert self._bench.shown is not None
        pixel = np.asarray(self._bench.shown.pixel_um_yx)
        return (points_px0 - 0.5) * pixel

    def _to_world(self, points_px0: NDArray[np.float64]) -> NDArray[np.float64]:
        assert self._bench.shown is not None
        layer = self._bench.shown.layer
        return np.array([layer.data_to_world(p - 0.5)[-2:] for p in points_px0])
