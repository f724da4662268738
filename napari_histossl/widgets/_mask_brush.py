"""A stroke of the brush while the mouse is down."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_histossl.annotate import Stroke
from napari_histossl.geometry import Box
from napari_histossl.panels.sketches import ShapeSketch
from napari_histossl.widgets._mask_editor import MaskEditor


class Brush:
    """One stroke, from pressing to releasing; shown move by move.

    Parameters
    ----------
    editor : MaskEditor
        Where it is shown, and in the end drawn.
    radius_px0 : float
        Radius in pixels of the mask.
    class_index : int
        Class that is painted; 0 takes labels away.
    spared : tuple of int
        Classes that are not painted over.
    """

    def __init__(
        self,
        editor: MaskEditor,
        radius_px0: float,
        class_index: int,
        spared: tuple[int, ...] = (),
    ) -> None:
        self._editor, self._radius_px0 = editor, radius_px0
        self._class_index, self._spared = class_index, spared
        self._points: list[tuple[float, float]] = []
        self._whole: ShapeSketch | None = None
        self.box_px0 = Box(0, 0, 1, 1)

    def to(self, at_px0: Sequence[float]) -> None:
        """Go on to a point, (row, column) in pixels of the mask."""
        point = float(at_px0[0]), float(at_px0[1])
        new = ShapeSketch(self._stroke([*self._points[-1:], point]))
        is_first = not self._points
        self.box_px0 = new.box_px0 if is_first else self.box_px0.union(new.box_px0)
        self._points.append(point)
        self._whole = None
        self._editor.stamp(new, self)

    def draw(self, labels: NDArray[Any], box: Box, level: int) -> None:
        """Draw all of it that is there into the labels of a box of a level."""
        if self._whole is None:
            self._whole = ShapeSketch(self._stroke(self._points))
        self._whole.draw(labels, box, level)

    def end(self) -> None:
        """Save it; it stays on the screen."""
        self._editor.draw(self._stroke(self._points), is_stamped=True)

    def give_up(self) -> None:
        """Take it off the screen."""
        self._editor.forget(self)

    def _stroke(self, points: list[tuple[float, float]]) -> Stroke:
        return Stroke(
            np.asarray(points, np.float32),
            self._radius_px0,
            self._class_index,
            tool="brush" if self._class_index else "eraser",
            author=self._editor.author,
            spared=self._spared,
        )
