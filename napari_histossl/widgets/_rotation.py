"""Quarter turns of a slide and of everything that lies on it.

A turn is the ``affine`` of a layer, napari's own way: the data, the scale and the
translation of a layer stay as they are, and painting, values and corners follow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Layer
from numpy.typing import NDArray
from qtpy.QtCore import QObject, Signal

if TYPE_CHECKING:
    from napari_histossl.widgets._workbench import Workbench

_QUARTER = np.array([[0, 1], [-1, 0]])
"""A quarter turn to the right of (row, column), rows counted downwards."""


class Rotation(QObject):
    """How the slide in view is turned.

    Parameters
    ----------
    bench : Workbench
        Whose slide and layers are turned.

    Attributes
    ----------
    changed : Signal
        The slide in view was turned.

    Notes
    -----
    The turn is kept in the slide's layer alone. A layer that is added later to the
    slide is turned when it comes.
    """

    changed = Signal()

    def __init__(self, bench: Workbench) -> None:
        super().__init__(bench)
        self._bench = bench
        bench.viewer.layers.events.inserted.connect(self._on_inserted)

    @property
    def quarter_turns(self) -> int:
        """Quarter turns to the right of the slide in view, 0 to 3."""
        shown = self._bench.shown
        return 0 if shown is None else quarter_turns(shown.layer)

    def turn(self, quarters: int) -> None:
        """Turn the slide in view by quarters to the right, to the left if negative.

        What is in the middle of the canvas stays there.
        """
        shown = self._bench.shown
        if shown is None:
            return
        self._turn_to((self.quarter_turns + quarters) % 4)
        camera = self._bench.viewer.scene.camera
        centre = turning(shown.centre_world, quarters) @ (*camera.center[-2:], 1)
        camera.center = (*camera.center[:-2], *centre[:2])
        self.changed.emit()

    def _turn_to(self, quarters: int) -> None:
        shown = self._bench.shown
        assert shown is not None
        for layer in self._bench.layers_of_slide():
            layer.affine = affine(layer.ndim, shown.centre_world, quarters)

    def _on_inserted(self, event: Any) -> None:
        shown, layer = self._bench.shown, event.value
        if shown is None or layer is shown.layer or not shown.owns(layer):
            return
        if self.quarter_turns:
            layer.affine = affine(layer.ndim, shown.centre_world, self.quarter_turns)


def quarter_turns(layer: Layer) -> int:
    """Return the quarter turns to the right of a layer, 0 to 3."""
    matrix = np.asarray(layer.affine.linear_matrix)[-2:, -2:]
    return round(np.arctan2(matrix[0, 1], matrix[1, 1]) / (np.pi / 2)) % 4


def turning(centre: tuple[float, float], quarters: int) -> NDArray[np.float64]:
    """Return the (3, 3) matrix that turns (row, column, 1) about a centre."""
    matrix = np.eye(3)
    matrix[:2, :2] = np.linalg.matrix_power(_QUARTER, quarters % 4)
    matrix[:2, 2] = np.asarray(centre) - matrix[:2, :2] @ np.asarray(centre)
    return matrix


def affine(
    ndim: int, centre: tuple[float, float], quarters: int
) -> NDArray[np.float64]:
    """Return the affine of a layer whose last two axes are turned about a centre."""
    matrix, turned = np.eye(ndim + 1), turning(centre, quarters)
    matrix[-3:, -3:] = turned
    return matrix
