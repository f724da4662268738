"""A line over everything on the canvas: what a tool is about to do."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from vispy.scene.visuals import Line

from napari_histossl.widgets.canvas._napari import scene_of

_ABOVE_ALL = 1_000_000
"""Order of drawing; napari numbers its layers from 0."""

_LINES = (((0.0, 0.0, 0.0, 0.7), 3.0), ((1.0, 1.0, 1.0, 1.0), 1.0))
"""Colour and width: a light line on a dark one is seen on glass and on nuclei."""


class Outline:
    """A line that costs the window next to nothing, however often it changes.

    Parameters
    ----------
    layer : napari.layers.Layer
        In whose window it is drawn; shown already.

    Attributes
    ----------
    points : ndarray of shape (N, 2)
        What is shown, (row, column) in world units; empty where nothing is.
    """

    def __init__(self, layer: Any) -> None:
        self._layer = layer
        self._lines: list[Any] = []
        self.points = np.zeros((0, 2))

    def show(self, world: ArrayLike, *, in_pairs: bool = False) -> None:
        """Show a line.

        Parameters
        ----------
        world : array_like of shape (N, 2)
            (row, column) in world units.
        in_pairs : bool, optional
            Each two points are a piece of their own; else one line through all.
        """
        self.points = np.asarray(world, np.float64).reshape(-1, 2)
        if len(self.points) < 2:
            self._hide()
            return
        if not self._lines:
            self._lines = self._made()
        pos = self.points[:, ::-1].astype(np.float32)
        for line in self._lines:
            line.set_data(pos=pos, connect="segments" if in_pairs else "strip")
            line.visible = True

    def clear(self) -> None:
        """Show nothing."""
        self.points = np.zeros((0, 2))
        self._hide()

    def close(self) -> None:
        """Take it out of the window."""
        self.clear()
        for line in self._lines:
            line.parent = None
        self._lines.clear()

    def _hide(self) -> None:
        for line in self._lines:
            line.visible = False

    def _made(self) -> list[Any]:
        scene = scene_of(self._layer)
        if scene is None:
            return []
        lines = []
        for place, (colour, width) in enumerate(_LINES):
            line = Line(color=colour, width=width, method="gl", parent=scene)
            line.order = _ABOVE_ALL + place
            line.set_gl_state("translucent", depth_test=False)
            lines.append(line)
        return lines
